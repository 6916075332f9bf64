/** An authenticator in software, which lies on request: keys, counters and flags as https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data lays them out. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

type Cbor = number | string | Uint8Array | Map<Cbor, Cbor> | readonly Cbor[]

/** CBOR of the few kinds that WebAuthn needs (RFC 8949 §3.1). */
function cbor(value: Cbor): Buffer {
  const head = (major: number, n: number): Buffer => {
    if (n < 24) return Buffer.from([(major << 5) | n])
    if (n < 256) return Buffer.from([(major << 5) | 24, n])
    return Buffer.from([(major << 5) | 25, n >> 8, n & 255])
  }
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map)
    return Buffer.concat([
      head(5, value.size),
      ...[...value].flatMap(([key, each]) => [cbor(key), cbor(each)]),
    ])
  return Buffer.concat([head(4, value.length), ...value.map(cbor)])
}

const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest()
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

export interface Credential {
  id: Buffer
  key: KeyObject
  cose: Buffer
  userHandle: string
  rpId: string
  counter: number
}

export const algorithms = ['ES256', 'EdDSA', 'RS256'] as const
type Alg = (typeof algorithms)[number]

/** COSE_Key (RFC 9053 §7) of a new key pair. */
function newKey(alg: Alg): { key: KeyObject; cose: Buffer } {
  const { privateKey, publicKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' })
  const part = (name: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[name] as string, 'base64url')
  const entries: [number, Cbor][] =
    alg === 'ES256'
      ? [
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, part('x')],
          [-3, part('y')],
        ]
      : alg === 'EdDSA'
        ? [
            [1, 1],
            [3, -8],
            [-1, 6],
            [-2, part('x')],
          ]
        : [
            [1, 3],
            [3, -257],
            [-1, part('n')],
            [-2, part('e')],
          ]
  return { key: privateKey, cose: cbor(new Map<Cbor, Cbor>(entries)) }
}

/** What a ceremony may be bent by. */
export interface Lies {
  origin?: string
  rpId?: string
  challenge?: string
  type?: string
  crossOrigin?: boolean
  /** Flags: all are as an honest, syncing authenticator sets them. */
  up?: boolean
  uv?: boolean
  be?: boolean
  bs?: boolean
  counter?: number
  userHandle?: string | null
  /** Bytes of the signature to change. */
  spoil?: boolean
  attestation?: { fmt: string; attStmt: Map<Cbor, Cbor> }
}

export interface CreationOptions {
  challenge: string
  rp: { id: string }
  user: { id: string }
}
export interface RequestOptions {
  challenge: string
  rpId: string
}

const flagsOf = ({ up = true, uv = true, be = true, bs = true }: Lies, attested: boolean): number =>
  (up ? 1 : 0) | (uv ? 4 : 0) | (be ? 8 : 0) | (bs ? 16 : 0) | (attested ? 64 : 0)

function authData(rpId: string, flags: number, counter: number, attested = Buffer.alloc(0)): Buffer {
  const rest = Buffer.alloc(5)
  rest.writeUInt8(flags, 0)
  rest.writeUInt32BE(counter, 1)
  return Buffer.concat([sha256(rpId), rest, attested])
}

const clientData = (origin: string, type: string, challenge: string, lies: Lies): Buffer =>
  Buffer.from(
    JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? origin,
      crossOrigin: lies.crossOrigin ?? false,
    }),
  )

/** A new credential and its RegistrationResponseJSON, as the page posts it. */
export function create(origin: string, options: CreationOptions, lies: Lies = {}, alg: Alg = 'ES256') {
  const { key, cose } = newKey(alg)
  const id = randomBytes(32)
  const rpId = lies.rpId ?? options.rp.id
  const credential: Credential = {
    id,
    key,
    cose,
    userHandle: options.user.id,
    rpId: options.rp.id,
    counter: lies.counter ?? 0,
  }
  return { credential, json: attest(origin, options, credential, { ...lies, rpId }) }
}

/** The RegistrationResponseJSON of a credential that is there already. */
export function attest(
  origin: string,
  options: CreationOptions,
  credential: Credential,
  lies: Lies = {},
): string {
  const { id, cose } = credential
  const length = Buffer.from([id.length >> 8, id.length & 255])
  const attested = Buffer.concat([Buffer.alloc(16), length, id, cose])
  const data = authData(lies.rpId ?? options.rp.id, flagsOf(lies, true), lies.counter ?? 0, attested)
  const { fmt, attStmt } = lies.attestation ?? { fmt: 'none', attStmt: new Map() }
  const attestationObject = cbor(
    new Map<Cbor, Cbor>([
      ['fmt', fmt],
      ['attStmt', attStmt],
      ['authData', data],
    ]),
  )
  return JSON.stringify({
    id: text(id),
    rawId: text(id),
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(clientData(origin, 'webauthn.create', options.challenge, lies)),
      attestationObject: text(attestationObject),
      transports: ['internal'],
    },
  })
}

/** An AuthenticationResponseJSON; the counter stays where it is unless `lies` say otherwise, as with passkeys that sync. */
export function get(
  origin: string,
  options: RequestOptions,
  credential: Credential,
  lies: Lies = {},
): string {
  const data = authData(lies.rpId ?? options.rpId, flagsOf(lies, false), lies.counter ?? credential.counter)
  const client = clientData(origin, 'webauthn.get', options.challenge, lies)
  const signed = Buffer.concat([data, sha256(client)])
  const kind = credential.key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = sign(kind, signed, credential.key)
  if (lies.spoil) signature[signature.length - 1]! ^= 1
  const userHandle = lies.userHandle === undefined ? credential.userHandle : lies.userHandle
  return JSON.stringify({
    id: text(credential.id),
    rawId: text(credential.id),
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(client),
      authenticatorData: text(data),
      signature: text(signature),
      userHandle,
    },
  })
}
