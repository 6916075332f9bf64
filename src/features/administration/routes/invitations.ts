/** Invitations: a link each, with which the owner of an address creates an account. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { readMailAddress } from '../../../lib/mail_address.ts'
import { Invitation } from '../../../models/invitation.ts'
import { changeEntries } from '../../../people/account_record.ts'
import { invite, longestInvitation, revokeInvitation, usualInvitation } from '../../../people/invitations.ts'
import { authorOf } from '../actor.ts'
import { pageOf, pageOfIndex, pageQuery } from '../cursor.ts'
import { Moment, moment } from '../person.ts'
import { defineRoute } from '../route.ts'
import { requireMayGive } from './person_changes.ts'

const AnInvitation = v.object({
  id: v.string(),
  email: v.string(),
  roles: v.pipe(v.array(v.string()), v.description('That the account will have')),
  attributes: v.record(v.string(), v.unknown()),
  created_at: Moment,
  expires_at: Moment,
})

const shown = ({ id, email, roles, attributes, created_at, exp }: Invitation) => ({
  id,
  email,
  roles,
  attributes,
  created_at: moment(created_at),
  expires_at: moment(exp),
})

const list = 'invitations'

export const invitationRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/invitations',
    summary: 'Lists the invitations that wait, the one that expires first at the front',
    scope: 'admin:people.read',
    query: pageQuery,
    answer: pageOf(AnInvitation),
    async run(_call, context, { query }) {
      const page = await pageOfIndex(context, { list, query }, (at) => Invitation.page(context, at))
      return { answer: { ...page, items: page.items.map(shown) } }
    },
  }),

  create: defineRoute({
    method: 'POST',
    path: '/invitations',
    summary: 'Invites the owner of an address to create an account',
    scope: 'admin:people.write',
    changes: 'a new invitation, and a mail with its link',
    creates: { once: ['link'] },
    body: {
      email: v.pipe(
        v.string(),
        v.check((text) => readMailAddress(text) !== undefined, 'an address such as name@example.com'),
        v.transform((text) => readMailAddress(text)!),
      ),
      roles: changeEntries.roles,
      attributes: changeEntries.attributes,
      expires_in: v.optional(
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(60),
          v.maxValue(longestInvitation),
          v.description('Seconds. Default: a week'),
        ),
        usualInvitation,
      ),
      mail: v.optional(
        v.pipe(v.boolean(), v.description('false: nothing is mailed, and the answer has the link')),
        true,
      ),
    },
    answer: v.object({
      ...AnInvitation.entries,
      mailed: v.boolean(),
      link: v.pipe(
        v.optional(v.string()),
        v.description(
          'Only where it is not mailed, and only this once. Anyone with the link can create the account',
        ),
      ),
    }),
    async run(call, context, { body, actor }) {
      requireMayGive(actor, body)
      const made = await invite(context, authorOf(call, actor), {
        email: body.email,
        roles: [...new Set(body.roles)],
        attributes: body.attributes ?? {},
        lifetime: body.expires_in,
        byMail: body.mail,
      })
      if (made === 'closed')
        throw new HttpError('conflict', {
          expected: 'ACCOUNT_REGISTRATION=invitation or open',
          problem: 'ACCOUNT_REGISTRATION is closed, so no invitation can be accepted; nothing was changed',
        })
      if (made === 'taken')
        throw new HttpError('conflict', {
          expected: 'an address that no account has',
          problem: 'there is an account with this address already; nothing was changed',
          next: 'GET /admin/v1/people?q=… finds it',
        })
      const { record, mailed, link } = made
      return { answer: { ...shown(record), mailed, ...(!mailed && { link }) } }
    },
  }),

  revoke: defineRoute({
    method: 'DELETE',
    path: '/invitations/{id}',
    summary: 'Revokes an invitation: its link opens nothing any more',
    scope: 'admin:people.write',
    changes: 'removes the invitation',
    async run(call, context, { params: { id }, actor }) {
      if (await revokeInvitation(context, authorOf(call, actor), id)) return { answer: undefined }
      throw new HttpError('not_found', {
        expected: 'the id of an invitation that waits',
        came: id,
        problem: 'no invitation with this id waits: it was used, is being used, was revoked, or has expired',
        next: 'GET /admin/v1/invitations lists those that wait',
      })
    },
  }),
}
