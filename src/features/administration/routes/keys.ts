/** The signing and decryption keys: their states, and rotation. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import * as v from 'valibot'
import { isSigningAlg, keyAlgs } from '../../../auth/jwk.ts'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import { seconds } from '../../../lib/clock.ts'
import type { KeyStatus } from '../../../models/open_keys.ts'
import { rotateKeys } from '../../../people/rotate_keys.ts'
import { authorOf } from '../actor.ts'
import { pageOf, pageQuery, pageWithin } from '../cursor.ts'
import { Moment, moment } from '../person.ts'
import { defineRoute } from '../route.ts'

const key = {
  kid: v.string(),
  alg: v.picklist(keyAlgs),
  use: v.picklist(['sig', 'enc']),
  state: v.picklist(['next', 'current', 'previous']),
  created_at: Moment,
  age: v.pipe(v.number(), v.description('Seconds since it was made')),
  activates_at: Moment,
  retires_at: v.pipe(v.nullable(Moment), v.description('When it leaves the JWKS')),
  rotates_at: v.pipe(
    v.nullable(Moment),
    v.description('When its successor is made by itself (KEY_ROTATION_INTERVAL)'),
  ),
  source: v.pipe(
    v.nullable(v.string()),
    v.description('The service that keeps the private key; null: it is in the store, sealed'),
  ),
  version: v.pipe(v.nullable(v.string()), v.description('The name of the key at that service')),
}

const orNull = (at: number | undefined): string | null => (at === undefined ? null : moment(at))

const shown = (context: Context, status: KeyStatus) => ({
  kid: status.kid,
  alg: status.alg,
  use: isSigningAlg(status.alg) ? ('sig' as const) : ('enc' as const),
  state: status.state,
  created_at: moment(status.created_at),
  age: Math.max(0, seconds(context.clock) - status.created_at),
  activates_at: moment(status.activates_at),
  retires_at: orNull(status.retires_at),
  rotates_at: orNull(status.rotates_at),
  source: status.source ?? null,
  version: status.version ?? null,
})

export const keyRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/keys',
    summary: 'Lists the signing and decryption keys that are published',
    scope: 'admin:keys.read',
    query: pageQuery,
    answer: pageOf(v.object(key)),
    async run(_call, context, { query }) {
      const { items, next } = pageWithin(
        context,
        { list: 'keys', query },
        context.keys.list(),
        ({ alg, created_at, kid }) => `${alg} ${String(created_at).padStart(12, '0')} ${kid}`,
      )
      return { answer: { items: items.map((each) => shown(context, each)), next } }
    },
  }),

  rotate: defineRoute({
    method: 'POST',
    path: '/keys/rotate',
    summary: 'Publishes a next key of each algorithm, which signs once caches have fetched it',
    scope: 'admin:keys.write',
    changes: 'adds the next keys; rotations in a row make one key',
    body: {
      algs: v.optional(
        v.pipe(v.array(v.picklist(keyAlgs)), v.nonEmpty(), v.description('Default: all that have a key')),
      ),
    },
    answer: v.object({
      keys: v.array(
        v.object({
          ...key,
          is_new: v.pipe(
            v.boolean(),
            v.description('false: an earlier rotation made it, and it does not sign yet'),
          ),
        }),
      ),
    }),
    async run(call, context, { body: { algs }, actor }) {
      const unknown = algs?.find((alg) => !context.keys.algs.includes(alg))
      if (unknown !== undefined)
        throw new HttpError('unprocessable', {
          expected: `algorithms that have a key: ${context.keys.algs.join(', ')}`,
          came: unknown,
          problem: `no key of this provider is for ${unknown}; nothing was changed`,
          next: 'SIGNING_ALGS and ENCRYPTION_ALGS decide which keys there are',
        })
      const next = await rotateKeys(context, authorOf(call, actor), algs)
      return { answer: { keys: next.map((each) => ({ ...shown(context, each), is_new: each.isNew })) } }
    },
  }),
}
