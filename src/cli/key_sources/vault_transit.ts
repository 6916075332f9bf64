/** Signing keys of the Transit engine of HashiCorp Vault and OpenBao. https://developer.hashicorp.com/vault/api-docs/secret/transit */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import type { SigningAlg } from '../../auth/jwk.ts'
import type { KeySource, PublicHalf } from '../../models/key_source.ts'
import { member, quoted, SourceError, type SourceSettings, textMember } from '../secret_sources/source.ts'
import { openVault, vaultProblem } from '../secret_sources/vault_session.ts'

export interface TransitKey {
  name: string
  mount: string
  key: string
}

/** Beside `key_version` and `input`. The digest is sent and not the token, except for EdDSA, which signs the whole text. */
const parameters: Readonly<Record<SigningAlg, object>> = {
  RS256: { prehashed: true, hash_algorithm: 'sha2-256', signature_algorithm: 'pkcs1v15' },
  // RFC 7518 §3.5: the salt is as long as the hash.
  PS256: { prehashed: true, hash_algorithm: 'sha2-256', signature_algorithm: 'pss', salt_length: 'hash' },
  ES256: { prehashed: true, hash_algorithm: 'sha2-256' },
  EdDSA: {},
}

/** RSA of 4096 bits makes 512 bytes. */
const longestSignature = 1_024

/** Vault writes Ed25519 as 32 bytes in base64 and all others as PEM. */
function publicKey(text: string): KeyObject {
  try {
    if (text.startsWith('-----BEGIN PUBLIC KEY-----')) return createPublicKey(text)
    const x = Buffer.from(text, 'base64').toString('base64url')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch {
    throw new SourceError('Vault shows no public key that can be read')
  }
}

export function transitSource({ name, mount, key }: TransitKey, alg: SigningAlg, settings: SourceSettings) {
  const ask = openVault(settings, 'vault-transit')
  const path = (verb: string) => `${mount}/${verb}/${key}`

  async function newest(): Promise<PublicHalf> {
    const said = await ask(path('keys'))
    if (said.status !== 200) throw new SourceError(`Vault does not show the key: ${vaultProblem(said)}`)
    const data = member(said.json, 'data')
    if (member(data, 'supports_signing') !== true)
      throw new SourceError(`the key is of type ${quoted(member(data, 'type'))}, which does not sign`)
    const latest = member(data, 'latest_version')
    const version =
      typeof latest === 'number' && Number.isSafeInteger(latest) && latest > 0 ? `${latest}` : ''
    const text = textMember(member(member(data, 'keys'), version), 'public_key')
    if (text === undefined) throw new SourceError('Vault does not show the newest version of the key')
    return { version, key: publicKey(text) }
  }

  return {
    name,
    newest,
    async make() {
      const said = await ask(path('keys') + '/rotate', { body: {} })
      if (said.status >= 300) throw new SourceError(`Vault did not rotate the key: ${vaultProblem(said)}`)
      return newest()
    },
    async sign(version, input, timeoutMs) {
      const bytes = alg === 'EdDSA' ? Buffer.from(input) : createHash('sha256').update(input).digest()
      const body = {
        input: bytes.toString('base64'),
        key_version: Number(version),
        marshaling_algorithm: 'jws',
        ...parameters[alg],
      }
      const said = await ask(path('sign'), { body, timeoutMs: Math.max(1, timeoutMs) })
      if (said.status !== 200) throw new SourceError(`Vault did not sign: ${vaultProblem(said)}`)
      const text = textMember(member(said.json, 'data'), 'signature') ?? ''
      const [, signedBy, signature] = /^vault:v(\d{1,9}):([\w+/-]+={0,2})$/.exec(text.slice(0, 2_000)) ?? []
      if (signature === undefined) throw new SourceError('Vault answered no signature')
      if (signedBy !== version)
        throw new SourceError(`Vault signed with version ${signedBy} of the key, not with ${version}`)
      const made = Buffer.from(signature, 'base64')
      if (made.length > longestSignature) throw new SourceError('Vault answered a signature that is too long')
      return new Uint8Array(made)
    },
  } satisfies KeySource
}
