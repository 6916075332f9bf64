/** The Transit engine as the API documentation of HashiCorp Vault has it, for `startVault`. https://developer.hashicorp.com/vault/api-docs/secret/transit */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { jwsOfDer } from '../../src/auth/ecdsa_der.ts'
import type { SigningAlg } from '../../src/auth/jwk.ts'
import { newKeyFor } from './key_service.ts'
import { signDigest } from './openssl.ts'

const types: Readonly<Record<SigningAlg, string>> = {
  RS256: 'rsa-2048',
  PS256: 'rsa-2048',
  ES256: 'ecdsa-p256',
  EdDSA: 'ed25519',
}

interface TransitKey {
  alg: SigningAlg
  /** The version of the first is 1. */
  versions: KeyObject[]
  /** `min_encryption_version`: older ones do not sign. */
  least: number
}

export interface Transit {
  keys: Record<string, TransitKey>
  add(name: string, alg: SigningAlg): TransitKey
  /** Answers in place of the real one. */
  instead:
    ((verb: string, body: Record<string, unknown>) => Response | Promise<Response> | undefined) | undefined
  /** The body of each request to sign. */
  asked: Record<string, unknown>[]
  answer(method: string, verb: string, name: string, body: Record<string, unknown>): Promise<Response>
}

const refused = (status: number, ...errors: string[]) => Response.json({ errors }, { status })

function publicText(key: KeyObject): string {
  const half = createPublicKey(key)
  const { x } = half.export({ format: 'jwk' })
  if (half.asymmetricKeyType === 'ed25519') return Buffer.from(x!, 'base64url').toString('base64')
  return half.export({ format: 'pem', type: 'spki' }).toString()
}

/** Vault signs a digest when it is told so, and salts PSS as long as it can unless it is told otherwise. */
async function signed(
  { alg, versions }: TransitKey,
  version: number,
  body: Record<string, unknown>,
): Promise<Uint8Array> {
  const key = versions[version - 1]!
  const input = Buffer.from(String(body.input), 'base64')
  if (alg === 'EdDSA') return sign(null, input, key)
  if (body.prehashed !== true || body.hash_algorithm !== 'sha2-256') throw new Error('expected a digest')
  const padding = body.signature_algorithm ?? 'pss'
  const made = await signDigest(key, input, {
    ...(alg !== 'ES256' && { padding: padding === 'pkcs1v15' ? 'pkcs1' : 'pss' }),
    saltLength: body.salt_length === 'hash' ? 'digest' : 'max',
  })
  return alg === 'ES256' && body.marshaling_algorithm === 'jws' ? jwsOfDer(made)! : made
}

const encoded = (made: Uint8Array, marshaling: unknown): string =>
  Buffer.from(made).toString(marshaling === 'jws' ? 'base64url' : 'base64')

export function createTransit(): Transit {
  async function signatureFor(key: TransitKey, body: Record<string, unknown>): Promise<Response> {
    const version = Number(body.key_version ?? 0) || key.versions.length
    if (version > key.versions.length)
      return refused(400, 'requested version for signing is higher than the latest key version')
    if (version < key.least)
      return refused(400, 'requested version for signing is less than the minimum encryption key version')
    const made = await signed(key, version, body)
    const signature = `vault:v${version}:${encoded(made, body.marshaling_algorithm)}`
    return Response.json({ data: { signature, key_version: version } })
  }

  const shown = ({ alg, versions, least }: TransitKey, name: string) => ({
    name,
    type: types[alg],
    supports_signing: true,
    latest_version: versions.length,
    min_encryption_version: least,
    min_decryption_version: 1,
    exportable: false,
    keys: Object.fromEntries(
      versions.map((key, i) => [
        `${i + 1}`,
        { creation_time: '2026-11-29T10:00:00Z', name: types[alg], public_key: publicText(key) },
      ]),
    ),
  })

  const transit: Transit = {
    keys: {},
    add: (name, alg) => (transit.keys[name] = { alg, versions: [newKeyFor(alg)], least: 0 }),
    instead: undefined,
    asked: [],
    async answer(method, verb, name, body) {
      if (verb === 'sign') transit.asked.push(body)
      const instead = await transit.instead?.(verb, body)
      if (instead) return instead
      const key = transit.keys[name]
      if (!key)
        return refused(verb === 'sign' ? 400 : 404, ...(verb === 'sign' ? ['signing key not found'] : []))
      if (verb === 'keys' && method === 'GET') return Response.json({ data: shown(key, name) })
      if (verb === 'rotate') {
        key.versions.push(newKeyFor(key.alg))
        return Response.json({ data: shown(key, name) })
      }
      return verb === 'sign' ? signatureFor(key, body) : refused(405)
    },
  }
  return transit
}
