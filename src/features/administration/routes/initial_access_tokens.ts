/** Initial access tokens: each lets developers register a number of clients, within its limits. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { misfitOfLimits, type RegistrationLimits } from '../../../auth/registration_limits.ts'
import {
  addInitialToken,
  longestTokenLife,
  mostUses,
  removeInitialToken,
  usualTokenLife,
} from '../../../endpoints/operator_tokens.ts'
import { limitChoices } from '../../../endpoints/registration.ts'
import { isVisible } from '../../../lib/plain_name.ts'
import { InitialAccessToken } from '../../../models/initial_access_token.ts'
import { authorOf } from '../actor.ts'
import { pageOf, pageOfIndex, pageQuery } from '../cursor.ts'
import { Moment, moment } from '../person.ts'
import { defineRoute } from '../route.ts'

const AToken = v.object({
  id: v.string(),
  name: v.string(),
  uses: v.number(),
  uses_left: v.number(),
  scopes: v.nullable(v.array(v.string())),
  grant_types: v.nullable(v.array(v.string())),
  auth_methods: v.nullable(v.array(v.string())),
  redirect_hosts: v.nullable(v.array(v.string())),
  created_at: Moment,
  expires_at: Moment,
})

const shown = ({ id, name, uses, uses_left, limits, created_at, exp }: InitialAccessToken) => ({
  id,
  name,
  uses,
  uses_left,
  scopes: limits.scopes ?? null,
  grant_types: limits.grant_types ?? null,
  auth_methods: limits.auth_methods ?? null,
  redirect_hosts: limits.redirect_hosts ?? null,
  created_at: moment(created_at),
  expires_at: moment(exp),
})

const words = (description: string) =>
  v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.maxLength(300))), v.maxLength(100), v.description(description)),
  )

const list = 'initial_access_tokens'

export const initialTokenRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/initial_access_tokens',
    summary: 'Lists the initial access tokens, the one that expires first at the front',
    scope: 'admin:clients.read',
    query: pageQuery,
    answer: pageOf(AToken),
    async run(_call, context, { query }) {
      const page = await pageOfIndex(context, { list, query }, (at) => InitialAccessToken.page(context, at))
      return { answer: { ...page, items: page.items.map(shown) } }
    },
  }),

  create: defineRoute({
    method: 'POST',
    path: '/initial_access_tokens',
    summary: 'Makes an initial access token',
    scope: 'admin:clients.write',
    changes: 'a new initial access token',
    creates: { once: ['token'] },
    body: {
      name: v.pipe(v.string(), v.check(isVisible, '1 to 200 visible characters')),
      uses: v.optional(
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(1),
          v.maxValue(mostUses),
          v.description('How many clients may register with it. Default: 1'),
        ),
        1,
      ),
      expires_in: v.optional(
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(60),
          v.maxValue(longestTokenLife),
          v.description('Seconds. Default: 30 days'),
        ),
        usualTokenLife,
      ),
      scopes: words(
        'Scopes that the clients may register, none of those that an operator alone gives. Default: REGISTRATION_ALLOWED_SCOPES',
      ),
      grant_types: words('Default: REGISTRATION_ALLOWED_GRANT_TYPES'),
      auth_methods: words('Default: all supported'),
      redirect_hosts: words('Hosts in redirect URIs, such as app.example or *.app.example. Default: any'),
    },
    answer: v.object({
      ...AToken.entries,
      token: v.pipe(v.optional(v.string()), v.description('Shown only this once')),
    }),
    async run(call, context, { body, actor }) {
      const { name, uses, expires_in: lifetime, redirect_hosts, ...among } = body
      const limits: RegistrationLimits = {
        ...among,
        ...(redirect_hosts && { redirect_hosts: redirect_hosts.map((host) => host.toLowerCase()) }),
      }
      const misfit = misfitOfLimits(limits, limitChoices(context))
      if (misfit)
        throw new HttpError('unprocessable', {
          expected: `${misfit.member}: ${misfit.expected}`,
          came: misfit.came,
          problem: `${misfit.member}: a client that registers itself can not have this value; nothing was made`,
          next: 'a client with it is made by an administrator: POST /admin/v1/clients',
        })
      const { record, token } = await addInitialToken(context, authorOf(call, actor), {
        name,
        uses,
        lifetime,
        limits,
      })
      return { answer: { ...shown(record), token } }
    },
  }),

  revoke: defineRoute({
    method: 'DELETE',
    path: '/initial_access_tokens/{id}',
    summary: 'Revokes an initial access token; clients that registered with it stay',
    scope: 'admin:clients.write',
    changes: 'removes the initial access token',
    async run(call, context, { params: { id }, actor }) {
      if (await removeInitialToken(context, authorOf(call, actor), id)) return { answer: undefined }
      throw new HttpError('not_found', {
        expected: 'the id of an initial access token',
        came: id,
        problem: 'there is no initial access token with this id: it was revoked, or has expired',
        next: 'GET /admin/v1/initial_access_tokens lists them',
      })
    },
  }),
}
