/** Generates, imports, names and publishes the provider's keys for signing and decryption. https://www.rfc-editor.org/rfc/rfc7517 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { lazy } from '../lib/lazy.ts'
import { signingAlgs } from './registration.ts'

export type SigningAlg = (typeof signingAlgs)[number]

/** Algorithms with which clients may encrypt to this provider, one for each kind of key. RFC 7518 §4.3, §4.6. */
export const decryptionAlgs = ['RSA-OAEP-256', 'ECDH-ES'] as const
export type DecryptionAlg = (typeof decryptionAlgs)[number]

/** Each key is for one of these, so it either signs or decrypts, never both (RFC 8725 §3.5, RFC 7517 §4.2). */
export const keyAlgs = [...signingAlgs, ...decryptionAlgs] as const
export type KeyAlg = (typeof keyAlgs)[number]

export const isSigningAlg = (alg: string): alg is SigningAlg => signingAlgs.some((each) => each === alg)

/** A public key as it is published. `kid` is the thumbprint. */
export interface PublicJwk {
  kty: string
  use: 'sig' | 'enc'
  /** Absent for ECDH-ES, since the key is also for its variants with key wrapping (RFC 7518 §4.6). */
  alg?: KeyAlg
  kid: string
  [member: string]: string | undefined
}

const minimumModulus = 2048

/** `node:util` takes a millisecond, and most processes make no key. */
const generate = lazy(() => process.getBuiltinModule('node:util').promisify(generateKeyPair))

interface KeyKind {
  /** `rsaBits` is the size of an RSA key. */
  generate(rsaBits: number): Promise<KeyObject>
  /** A description of the kind of key, for errors. */
  expected: string
  fits(key: KeyObject): boolean
}

const rsa: KeyKind = {
  generate: async (rsaBits) => (await generate()('rsa', { modulusLength: rsaBits })).privateKey,
  expected: `an RSA key of at least ${minimumModulus} bits with a public exponent of at least 65537`,
  fits: ({ asymmetricKeyType: type, asymmetricKeyDetails: details }) =>
    type === 'rsa' &&
    (details?.modulusLength ?? 0) >= minimumModulus &&
    (details?.publicExponent ?? 0n) >= 65537n,
}

const p256: KeyKind = {
  generate: async () => (await generate()('ec', { namedCurve: 'P-256' })).privateKey,
  expected: 'an EC key on the curve P-256',
  fits: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1',
}

const kinds: Readonly<Record<KeyAlg, KeyKind>> = {
  RS256: rsa,
  PS256: rsa,
  ES256: p256,
  EdDSA: {
    generate: async () => (await generate()('ed25519', {})).privateKey,
    expected: 'an Ed25519 key',
    fits: (key) => key.asymmetricKeyType === 'ed25519',
  },
  'RSA-OAEP-256': rsa,
  'ECDH-ES': p256,
}

/** The required public members of each `kty`, in the order of RFC 7638 §3.2 (RFC 8037 §2 for OKP) for the thumbprint. */
const publicMembers = new Map<unknown, readonly string[]>([
  ['RSA', ['e', 'kty', 'n']],
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
])

/** The public members of a public or private JWK. Throws TypeError with the name of a missing member. */
function keyMembers(jwk: object): Record<string, string> {
  const given = new Map<string, unknown>(Object.entries(jwk))
  const names = publicMembers.get(given.get('kty'))
  if (!names) throw new TypeError(`expected a JWK with kty RSA, EC or OKP, got ${String(given.get('kty'))}`)
  return Object.fromEntries(
    names.map((name) => {
      const value = given.get(name)
      if (typeof value !== 'string' || !value) throw new TypeError(`the JWK has no ${name}`)
      return [name, value]
    }),
  )
}

/** The SHA-256 thumbprint, base64url, 43 characters. It is the same for the private and the public key. RFC 7638 §3. */
export const thumbprint = (jwk: object): string =>
  createHash('sha256')
    .update(JSON.stringify(keyMembers(jwk)))
    .digest('base64url')

/** Whether a text has the form of a thumbprint. */
export const isThumbprint = (kid: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(kid)

/** The public JWK of a key. Members are selected by name, so that no private member is published. RFC 7517 §4. */
export function publicJwk(jwk: object, alg: KeyAlg): PublicJwk {
  const { kty = '', ...rest } = keyMembers(jwk)
  const use = isSigningAlg(alg) ? 'sig' : 'enc'
  return { kty, use, ...(alg !== 'ECDH-ES' && { alg }), kid: thumbprint(jwk), ...rest }
}

/** A new private key: RSA, P-256 or Ed25519. RSA takes about 100 ms (4096 bits: some seconds), on another thread. */
export const generateKey = (alg: KeyAlg, rsaBits = minimumModulus): Promise<KeyObject> =>
  kinds[alg].generate(rsaBits)

/** Throws TypeError when the key is not of the kind that `alg` requires (RFC 7518 §3.3, §3.4, §3.5, §4.3, §4.6; RFC 8037 §3.1). */
export function requireFit(key: KeyObject, alg: KeyAlg): void {
  if (kinds[alg].fits(key)) return
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
  const came = [key.asymmetricKeyType, modulusLength && `${modulusLength} bits`, namedCurve].filter(Boolean)
  throw new TypeError(`${alg} takes ${kinds[alg].expected}, not this one (${came.join(', ')})`)
}

/** A private key from unencrypted PEM: PKCS#8, PKCS#1 or SEC1. Throws TypeError when it is no key, too weak or of another kind. */
export function importPem(pem: string, alg: SigningAlg): KeyObject {
  const key = readPrivate(pem)
  requireFit(key, alg)
  return key
}

function readPrivate(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) {
    throw new TypeError('the private key is encrypted; decrypt it with `openssl pkey -in KEY -out PLAIN_KEY`')
  }
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    // The message of the library may quote the input, which is secret.
    const came = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1] ?? 'no PEM block'
    throw new TypeError(`expected a private key in PEM (PKCS#8, PKCS#1 or SEC1), got ${came}`, { cause })
  }
}

/** The private and the public key as PEM: PKCS#8 and SubjectPublicKeyInfo. */
export const toPem = (key: KeyObject): { private: string; public: string } => ({
  private: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  public: createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString(),
})
