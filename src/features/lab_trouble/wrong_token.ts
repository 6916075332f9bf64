/** Makes the ID Token of a fault: changed claims, another header, another key. https://www.rfc-editor.org/rfc/rfc7515 */
import { createHmac, createPublicKey } from 'node:crypto'
import { isSigningAlg } from '../../auth/jwk.ts'
import { signerFor } from '../../clients/signer.ts'
import type { Context } from '../../contracts/context.ts'
import { base64url, fromBase64url, fromUtf8 } from '../../lib/bytes.ts'
import { type Json, type MadeToken, otherClient, type Told, type WrongToken } from './fault.ts'

const decoded = (segment: string): Json => JSON.parse(fromUtf8(fromBase64url(segment)!)) as Json
const encoded = (value: Json): string => base64url(JSON.stringify(value))

export function madeTokenOf(jwt: string): MadeToken {
  const [header = '', claims = ''] = jwt.split('.')
  return { header: decoded(header), claims: decoded(claims) }
}

/**
 * What the key of this provider signs for a fault must be good nowhere else: for this client, or for a name that no client
 * has, and about the same person.
 */
function requireHarmless(made: Json, claims: Json, clientId: string): void {
  const audiences = [claims.aud].flat()
  const isForNoOther = audiences.every((each) => each === clientId || each === otherClient)
  const isSamePerson = claims.sub === made.sub || claims.sub === undefined
  if (audiences.length === 0 || !isForNoOther || !isSamePerson)
    throw new Error('a fault must not make a token for another client or about another person')
}

type Sign = (input: string, header: Json) => Promise<string> | string

function signers(context: Context, { stranger }: Told): Record<NonNullable<WrongToken['signer']>, Sign> {
  return {
    provider: (input, { alg }) =>
      signerFor(
        context,
        'id_token_signed_response_alg',
        isSigningAlg(`${alg}`) ? (alg as never) : undefined,
      ).sign(input),
    stranger: (input) => stranger!.key.sign(input),
    none: () => '',
    public_key: (input, { kid }) => {
      const jwk = context.keys.jwks().keys.find((each) => each.kid === kid)
      const pem = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).export({
        format: 'pem',
        type: 'spki',
      })
      return createHmac('sha256', pem).update(input).digest('base64url')
    },
  }
}

/** The compact token that the client gets in place of `made`. */
export async function writeToken(
  context: Context,
  made: MadeToken,
  { header: otherHeader, claims: otherClaims, signer = 'provider' }: WrongToken,
  told: Told,
): Promise<string> {
  const kid = signer === 'stranger' ? { kid: told.stranger?.key.kid } : {}
  const header = { ...made.header, ...kid, ...otherHeader }
  const claims = { ...made.claims, ...otherClaims }
  if (signer === 'provider') requireHarmless(made.claims, claims, told.clientId)
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${await signers(context, told)[signer](input, header)}`
}
