/** A JWT that the client signs in a request: its header, its claims and the key can be changed before it is sent. https://www.rfc-editor.org/rfc/rfc7515 */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import type { JWK } from 'jose'
import type { Params } from '../../auth/params.ts'

/** `own`: the registered key. `other`: one that the provider does not know. `none`: no signature. `absent`: the JWT is left out. */
export const keyChoices = ['own', 'other', 'none', 'absent'] as const
export type KeyChoice = (typeof keyChoices)[number]

export interface Signed {
  /** A parameter or a header. */
  place: 'param' | 'header'
  name: string
  /** JSON, as it will be encoded. It need not be valid. */
  header: string
  claims: string
  key: JWK
  choice: KeyChoice
}

type Members = Readonly<Record<string, unknown>>

export const signedPart = (
  part: Pick<Signed, 'place' | 'name' | 'key'> & { header: Members; claims: Members },
): Signed => ({
  ...part,
  header: JSON.stringify(part.header, null, 2),
  claims: JSON.stringify(part.claims, null, 2),
  choice: 'own',
})

const isChoice = (text: string | undefined): text is KeyChoice =>
  (keyChoices as readonly (string | undefined)[]).includes(text)

/** The names of the fields of a part. */
export const fieldOf = ({ name }: Signed, what: 'header' | 'claims' | 'key'): string => `t.${name}.${what}`

export function readSigned(fields: Params, made: Signed): Signed {
  const choice = fields[fieldOf(made, 'key')]
  return {
    ...made,
    header: fields[fieldOf(made, 'header')] ?? made.header,
    claims: fields[fieldOf(made, 'claims')] ?? made.claims,
    choice: isChoice(choice) ? choice : made.choice,
  }
}

/** Without the white space of the form; a text that is no JSON is encoded as it is. */
function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return text
  }
}

const encode = (text: string): string => Buffer.from(compact(text)).toString('base64url')

/** Undefined for a part that is left out. The signature is ES256, whatever the header says. */
export function tokenOf({ header, claims, key, choice }: Signed): string | undefined {
  if (choice === 'absent') return undefined
  const input = `${encode(header)}.${encode(claims)}`
  if (choice === 'none') return `${input}.`
  const signer =
    choice === 'own'
      ? createPrivateKey({ key: { ...key }, format: 'jwk' })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const signature = sign('sha256', Buffer.from(input), { key: signer, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}
