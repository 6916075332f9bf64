/** How the client of a run authenticates in a request, by the method that it registered. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import type { JWK } from 'jose'
import { seconds } from '../../lib/clock.ts'
import type { Making } from './flow.ts'
import { type Signed, signedPart } from './signed.ts'
import type { Pairs } from './draft.ts'

export interface Credentials {
  headers: Pairs
  params: Pairs
  signed: readonly Signed[]
}

const formEncoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+')

/** RFC 6749 §2.3.1: both halves are encoded as in a form, before base64. */
const basic = (clientId: string, secret: string): string =>
  `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(secret)}`).toString('base64')}`

/** RFC 7523 §3, with the issuer as the one audience. */
const assertion = ({ context, client: { client } }: Making, key: JWK): Signed => {
  const now = seconds(context.clock)
  return signedPart({
    place: 'param',
    name: 'client_assertion',
    key,
    header: { alg: 'ES256', kid: key.kid, typ: 'JWT' },
    claims: {
      iss: client.client_id,
      sub: client.client_id,
      aud: context.config.issuer,
      jti: context.random(12),
      iat: now,
      exp: now + 60,
    },
  })
}

export function credentialsOf(making: Making): Credentials {
  const { client, secret, key } = making.client
  if (secret !== undefined)
    return { headers: [['authorization', basic(client.client_id, secret)]], params: [], signed: [] }
  if (!key) return { headers: [], params: [['client_id', client.client_id]], signed: [] }
  return {
    headers: [],
    params: [['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer']],
    signed: [assertion(making, key)],
  }
}
