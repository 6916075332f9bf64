/** Registration access tokens: a MAC over the client and a generation, so that the record holds a number and no secret. https://www.rfc-editor.org/rfc/rfc7592#section-3 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { deriveKey, hmac } from '../../lib/hash.ts'
import { type Client, declareClientMembers } from '../../models/client.ts'

const members = declareClientMembers({ registration_generation: v.number() })

const generationOf = (client: Client): number => members.of(client).registration_generation ?? 0

const prefix = 'lkm_'

/** The only valid token for the current record. */
export const tokenOf = (client: Client, { config }: Context): string =>
  `${prefix}${hmac(
    deriveKey(config.secretKey, 'registration access tokens'),
    `${client.client_id}\n${client.client_id_issued_at}\n${generationOf(client)}`,
  )}`

export const isTokenOf = (token: string, client: Client, context: Context): boolean =>
  equalInConstantTime(token, tokenOf(client, context))

/** The `changed` record with the next generation, which makes the token of `current` invalid. */
export const nextGeneration = (changed: Client, current: Client): Client =>
  members.set(changed, { registration_generation: generationOf(current) + 1 })
