/** Registration access tokens: a MAC over the client and a generation, so that the record keeps a number and no secret. https://www.rfc-editor.org/rfc/rfc7592#section-3 */
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { deriveKey, hmac } from '../../lib/hash.ts'
import type { Client } from '../../models/client.ts'

/** The member of the client's record. No metadata: neither registered nor shown. */
const member = 'registration_generation'

const generationOf = (client: Client): number => {
  const kept = client[member]
  return typeof kept === 'number' ? kept : 0
}

const prefix = 'lkm_'

/** The one token that is good for the client as it is now. */
export const tokenOf = (client: Client, { config }: Context): string =>
  `${prefix}${hmac(
    deriveKey(config.secretKey, 'registration access tokens'),
    `${client.client_id}\n${client.client_id_issued_at}\n${generationOf(client)}`,
  )}`

export const isTokenOf = (token: string, client: Client, context: Context): boolean =>
  equalInConstantTime(token, tokenOf(client, context))

/** What the record says once the token was used: its successor is good, and it is not. */
export const nextGeneration = (client: Client) => ({ [member]: generationOf(client) + 1 })
