/** Decrypts what clients encrypted to this provider. Every failure gives the same result, so that there is no decryption oracle. https://www.rfc-editor.org/rfc/rfc7516#section-5.2 */
import type { KeyObject } from 'node:crypto'
import { compactDecrypt, decodeProtectedHeader } from 'jose'
import { secretsOf } from '../../clients/client_secret.ts'
import { fromUtf8 } from '../../lib/bytes.ts'
import type { Decrypt } from '../../contracts/feature.ts'
import { contentEncryptions, encryptionAlgs } from '../../clients/encryption_metadata.ts'
import { type Alg, type Enc, keyFromSecret, rowOf } from './algorithms.ts'

/** Characters. The cost of decryption grows with the size, and no request is larger. */
const longest = 65_536
/** Keys tried without `kid`: the newest and the one before it. */
const mostKeys = 2

interface Header {
  alg: Alg
  enc: Enc
  kid?: string
}

/**
 * The header, when it has supported values alone. `zip` is refused, because a small text can expand to a huge one; `crit`
 * is refused, because no extension is supported.
 */
function readHeader(jwe: string): Header | undefined {
  if (jwe.length > longest || jwe.split('.', 6).length !== 5) return undefined
  try {
    const { alg, enc, zip, crit, kid } = decodeProtectedHeader(jwe)
    if (zip !== undefined || crit !== undefined || (kid !== undefined && typeof kid !== 'string'))
      return undefined
    const known = encryptionAlgs.find((each) => each === alg)
    const knownEnc = contentEncryptions.find((each) => each === enc)
    return known && knownEnc && { alg: known, enc: knownEnc, ...(kid !== undefined && { kid }) }
  } catch {
    return undefined
  }
}

/** The plaintext under this key, or undefined. When the key decrypts nothing, jose continues with a random key (§11.5). */
export async function openWith(key: KeyObject | Uint8Array, jwe: string): Promise<string | undefined> {
  const header = readHeader(jwe)
  if (!header) return undefined
  try {
    const { plaintext } = await compactDecrypt(jwe, key, {
      keyManagementAlgorithms: [header.alg],
      contentEncryptionAlgorithms: [header.enc],
      maxDecompressedLength: 0,
    })
    return fromUtf8(plaintext)
  } catch {
    return undefined
  }
}

/** The plaintext of a JWE to a key of this provider, or under the secret of this client. Rejects with StoreUnavailable. */
export const decrypt: Decrypt = async (context, jwe, client) => {
  const header = readHeader(jwe)
  if (!header) return undefined
  const row = rowOf(header.alg)
  if ('bits' in row) {
    for (const secret of client ? secretsOf(client, context) : []) {
      const text = await openWith(keyFromSecret(secret, row.bits(header.enc)), jwe)
      if (text !== undefined) return text
    }
    return undefined
  }
  const keys = await context.keys.decrypters(row.ours, header.kid)
  for (const key of keys.slice(0, mostKeys)) {
    const text = await openWith(key, jwe)
    if (text !== undefined) return text
  }
  return undefined
}
