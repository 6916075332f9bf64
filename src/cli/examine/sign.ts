/** The signature of a report: a JWS by an Ed25519 key over the SHA-256 of its JSON. https://www.rfc-editor.org/rfc/rfc7515 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { generateKey, importPem, publicJwk, thumbprint, toPem } from '../../auth/jwk.ts'
import { sign, signingKey, verificationKey, verify } from '../../auth/jws.ts'
import { sha256 } from '../../lib/hash.ts'
import { Refusal, UsageError } from '../failure.ts'
import { writeLines } from '../output_file.ts'
import type { Report } from './report.ts'

const type = 'examination+jwt'

export interface Signature {
  /** The public key. A reader compares it with the one that is known. */
  jwk: object
  jws: string
}

export type SignedReport = Report & { signature?: Signature }

/** The private key in PEM. The file is made where it does not exist, for its owner alone. */
export async function keyAt(path: string): Promise<KeyObject> {
  if (!existsSync(path)) {
    const key = await generateKey('EdDSA')
    await writeLines(path, [toPem(key).private.trimEnd()])
    return key
  }
  try {
    return importPem(await readFile(path, 'utf8'), 'EdDSA')
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--sign: ${error.message}`)
    throw error
  }
}

export async function signed(report: Report, key: KeyObject): Promise<SignedReport> {
  const jwk = publicJwk(createPublicKey(key).export({ format: 'jwk' }), 'EdDSA')
  const jws = await sign(signingKey(jwk.kid, 'EdDSA', key), type, {
    iss: report.issuer,
    digest: sha256(JSON.stringify(report)),
  })
  return { ...report, signature: { jwk, jws } }
}

const Signed = v.object({
  jwk: v.looseObject({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: v.string() }),
  jws: v.string(),
})

/** The thumbprint of the key that signed; undefined for a report without a signature. Throws Refusal for one that does not hold. */
export function signerOf({ signature, ...report }: SignedReport): string | undefined {
  if (signature === undefined) return undefined
  const { success, output } = v.safeParse(Signed, signature)
  const broken = new Refusal('the signature of the report does not hold: it was changed after it was made')
  if (!success) throw broken
  try {
    const kid = thumbprint(output.jwk)
    const key = verificationKey(kid, 'EdDSA', createPublicKey({ key: output.jwk, format: 'jwk' }))
    const claims = verify({ find: (asked) => (asked === kid ? key : undefined) }, output.jws, { typ: type })
    if (claims?.digest === sha256(JSON.stringify(report))) return kid
  } catch {
    // A key that is no point of the curve.
  }
  throw broken
}
