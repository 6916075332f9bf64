/** One token of a PKCS#11 library, signed in to: finds its keys and signs with them. */
import { createHash } from 'node:crypto'
import type { SigningAlg } from '../../auth/jwk.ts'
import { type Call, type Memory, openLibrary, Pkcs11Error, table, ulong } from './library.ts'

export interface TokenPlace {
  module: string
  slot?: number
  token: Readonly<Partial<Record<'token' | 'manufacturer' | 'model' | 'serial', string>>>
  pin?: string
}

/** Which keys of the token: by CKA_LABEL, CKA_ID (hexadecimal) or both. */
export interface KeyName {
  object?: string
  id?: string
}

export interface FoundKey {
  id: string
  jwk: Record<string, string>
}

export interface Token {
  /** The keys of this name that fit the algorithm. */
  keys(alg: SigningAlg, name: KeyName): FoundKey[]
  /** The signature as JWS has it. */
  sign(alg: SigningAlg, name: KeyName, input: string): Uint8Array
}

/** CKA_… */
const attribute = {
  class: 0x0,
  label: 0x3,
  keyType: 0x100,
  id: 0x102,
  modulus: 0x120,
  exponent: 0x122,
  ecParams: 0x180,
  ecPoint: 0x181,
} as const
const [publicKey, privateKey] = [2, 3]
const [serialSession, user] = [4, 1]
const tokenFlags = { loginRequired: 0x4, finalTry: 0x20000, locked: 0x40000 } as const
/** Where CK_TOKEN_INFO has what: bytes. */
const tokenInfo = {
  size: 208,
  token: [0, 32],
  manufacturer: [32, 64],
  model: [64, 80],
  serial: [80, 96],
  flags: 96,
} as const
const mostSlots = 256
const mostKeys = 256
const longestAttribute = 4_096
const longestSignature = 1_024

const sha256 = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest())
const [ckmSha256, mgf1Sha256] = [0x250, 2]

/** CKK_… and CKM_… of each algorithm. ECDSA takes a digest; all others take the text. */
const algorithms: Readonly<
  Record<SigningAlg, { keyType: number; mechanism: number; parameter?: () => BigUint64Array; digest?: true }>
> = {
  RS256: { keyType: 0x0, mechanism: 0x40 },
  PS256: { keyType: 0x0, mechanism: 0x43, parameter: () => ulong(ckmSha256, mgf1Sha256, 32) },
  ES256: { keyType: 0x3, mechanism: 0x1041, digest: true },
  EdDSA: { keyType: 0x40, mechanism: 0x1057 },
}

const p256 = '06082a8648ce3d030107'

/** A DER OCTET STRING, as the standard has points, or the bytes themselves, as some libraries do. */
function pointIn(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes
  if (bytes.length === size + 2 && bytes[0] === 0x04 && bytes[1] === size) return bytes.subarray(2)
  throw new Error('the token shows no point of the public key that can be read')
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** Without leading zeros, RFC 7518 §6.3.1. */
const integer = (bytes: Uint8Array): string => {
  const first = bytes.findIndex((each) => each !== 0)
  return base64url(bytes.subarray(Math.max(0, first)))
}

/** Throws an Error that names no PIN, and Pkcs11Error. */
export function openToken({ module, slot: wantedSlot, token: wanted, pin }: TokenPlace): Token {
  const call = openLibrary(module)
  const { slot, flags } = findSlot(call, wantedSlot, wanted)
  const opened = ulong(0)
  call('C_OpenSession', slot, serialSession, null, null, opened)
  const session = opened[0]!
  if (flags & tokenFlags.loginRequired) signIn(call, session, flags, pin)

  function read(object: bigint, type: number): Uint8Array | undefined {
    const value = new Uint8Array(longestAttribute)
    const asked = table([type, value])
    try {
      call('C_GetAttributeValue', session, object, asked, 1)
    } catch (error) {
      if (error instanceof Pkcs11Error && [0x11, 0x12].includes(error.code)) return undefined // sensitive, or not there
      throw error
    }
    return value.subarray(0, Number(asked.cells[2]))
  }

  function find(...rows: (readonly [type: number, value: Memory])[]): bigint[] {
    call('C_FindObjectsInit', session, table(...rows), rows.length)
    try {
      const found = new BigUint64Array(mostKeys)
      const count = ulong(0)
      call('C_FindObjects', session, found, mostKeys, count)
      return [...found.subarray(0, Number(count[0]))]
    } finally {
      call('C_FindObjectsFinal', session)
    }
  }

  const named = (kind: number, alg: SigningAlg, { object, id }: KeyName) =>
    find(
      [attribute.class, ulong(kind)],
      [attribute.keyType, ulong(algorithms[alg].keyType)],
      ...(object === undefined ? [] : [[attribute.label, new TextEncoder().encode(object)] as const]),
      ...(id === undefined ? [] : [[attribute.id, new Uint8Array(Buffer.from(id, 'hex'))] as const]),
    )

  function jwkOf(alg: SigningAlg, id: string, own: bigint): Record<string, string> {
    const [half = own] = named(publicKey, alg, { id })
    const need = (type: number, what: string): Uint8Array => {
      const value = read(half, type)
      if (value === undefined || value.length === 0)
        throw new Error(`the token has no public key with the id ${id} that shows its ${what}`)
      return value
    }
    if (alg === 'RS256' || alg === 'PS256')
      return {
        kty: 'RSA',
        n: integer(need(attribute.modulus, 'modulus')),
        e: integer(need(attribute.exponent, 'exponent')),
      }
    if (alg === 'EdDSA')
      return { kty: 'OKP', crv: 'Ed25519', x: base64url(pointIn(need(attribute.ecPoint, 'point'), 32)) }
    if (Buffer.from(need(attribute.ecParams, 'curve')).toString('hex') !== p256)
      throw new Error(`the key with the id ${id} is on another curve than P-256`)
    const point = pointIn(need(attribute.ecPoint, 'point'), 65)
    return { kty: 'EC', crv: 'P-256', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) }
  }

  const handles = new Map<string, bigint>()

  function handleOf(alg: SigningAlg, name: KeyName): bigint {
    const key = `${alg} ${name.id} ${name.object}`
    const known = handles.get(key)
    if (known !== undefined) return known
    const found = named(privateKey, alg, name)
    if (found.length !== 1)
      throw new Error(`expected one private key with the id ${name.id} on the token, got ${found.length}`)
    handles.set(key, found[0]!)
    return found[0]!
  }

  return {
    keys: (alg, name) =>
      named(privateKey, alg, name).flatMap((object) => {
        const id = Buffer.from(read(object, attribute.id) ?? []).toString('hex')
        return id === '' ? [] : [{ id, jwk: jwkOf(alg, id, object) }]
      }),
    sign(alg, name, input) {
      const { mechanism, parameter, digest } = algorithms[alg]
      const options = parameter?.() ?? null
      call('C_SignInit', session, table([mechanism, options]), handleOf(alg, name))
      const bytes = digest ? sha256(input) : new TextEncoder().encode(input)
      const signature = new Uint8Array(longestSignature)
      const length = ulong(longestSignature)
      call('C_Sign', session, bytes, bytes.length, signature, length)
      return signature.slice(0, Number(length[0]))
    },
  }
}

function findSlot(call: Call, wantedSlot: number | undefined, wanted: TokenPlace['token']) {
  const slots = new BigUint64Array(mostSlots)
  const count = ulong(mostSlots)
  call('C_GetSlotList', 1, slots, count)
  const fitting = [...slots.subarray(0, Number(count[0]))].flatMap((slot) => {
    if (wantedSlot !== undefined && slot !== BigInt(wantedSlot)) return []
    const info = new Uint8Array(tokenInfo.size)
    call('C_GetTokenInfo', slot, info)
    const fits = (['token', 'manufacturer', 'model', 'serial'] as const).every((name) => {
      const shown = new TextDecoder().decode(info.subarray(...tokenInfo[name])).replace(/[ \0]+$/, '')
      return wanted[name] === undefined || wanted[name] === shown
    })
    const flags = Number(new DataView(info.buffer).getBigUint64(tokenInfo.flags, true))
    return fits ? [{ slot, flags }] : []
  })
  if (fitting.length !== 1)
    throw new Error(
      `expected one token that the URI names, got ${fitting.length} in the slots of the library`,
    )
  return fitting[0]!
}

/** The PIN was not taken, or is not tried: a further try could lock the token. */
export class PinRefused extends Error {
  override name = 'PinRefused'
}

const pinCodes = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x102]

/** Throws PinRefused where the flags of a token (CK_TOKEN_INFO) say that a wrong PIN would lock it, or that it is locked. */
export function requireTries(flags: number): void {
  if (flags & tokenFlags.locked)
    throw new PinRefused('the PIN of the token is locked: its security officer sets a new one')
  if (flags & tokenFlags.finalTry)
    throw new PinRefused(
      'one more wrong PIN would lock the token, so PKCS11_PIN is not tried. Sign in once with the right PIN: pkcs11-tool --login',
    )
}

function signIn(call: Call, session: bigint, flags: number, pin: string | undefined): void {
  if (pin === undefined) throw new PinRefused('the token needs a PIN: set PKCS11_PIN')
  requireTries(flags)
  const bytes = new TextEncoder().encode(pin)
  try {
    call('C_Login', session, user, bytes, bytes.length)
  } catch (error) {
    if (!(error instanceof Pkcs11Error) || !pinCodes.includes(error.code)) throw error
    throw new PinRefused(
      `the token did not take PKCS11_PIN (${error.message}). It is not tried again before a restart, because wrong tries lock a token`,
    )
  }
}
