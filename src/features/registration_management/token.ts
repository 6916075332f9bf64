/** Registration access tokens: a MAC over the client and a generation, so that the record holds a number and no secret. https://www.rfc-editor.org/rfc/rfc7592#section-3 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { deriveKeys, isMacOf, type Keys, macOf } from '../../lib/secret_keys.ts'
import { type Client, declareClientMembers } from '../../models/client.ts'

const members = declareClientMembers({ registration_generation: v.number() })

const generationOf = (client: Client): number => members.of(client).registration_generation ?? 0

const prefix = 'lkm_'

const keysOf = ({ config }: Context): Keys => deriveKeys(config.secretKey, 'registration access tokens')
const textOf = (client: Client): string =>
  `${client.client_id}\n${client.client_id_issued_at}\n${generationOf(client)}`

/** The token for the current record. */
export const tokenOf = (client: Client, context: Context): string =>
  `${prefix}${macOf(keysOf(context), textOf(client))}`

/** Only for the current record; also when a former SECRET_KEY made it. */
export const isTokenOf = (token: string, client: Client, context: Context): boolean =>
  token.startsWith(prefix) && isMacOf(keysOf(context), textOf(client), token.slice(prefix.length))

/** The `changed` record with the next generation, which makes the token of `current` invalid. */
export const nextGeneration = (changed: Client, current: Client): Client =>
  members.set(changed, { registration_generation: generationOf(current) + 1 })
