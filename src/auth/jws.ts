/** Compact JWS: signs the provider's tokens and verifies their signatures. https://www.rfc-editor.org/rfc/rfc7515 */
import {
  constants,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import { availableParallelism } from 'node:os'
import { base64url, fromBase64url, fromUtf8 } from '../lib/bytes.ts'
import { createLimiter } from '../lib/limiter.ts'
import { HttpError } from './errors.ts'
import { isSigningAlg, isThumbprint, requireFit, type SigningAlg } from './jwk.ts'

/** The parameters of one signature algorithm. RFC 7518 §3.1. */
interface AlgorithmParameters {
  hash: 'sha256' | null
  options: { padding?: number; saltLength?: number; dsaEncoding?: 'ieee-p1363' }
  /**
   * Elliptic curves sign in tens of microseconds, less than the cost of another thread. RSA takes half a millisecond,
   * which would delay all other requests on this thread.
   */
  threaded: boolean
}

const parameters: Readonly<Record<SigningAlg, AlgorithmParameters>> = {
  RS256: { hash: 'sha256', options: { padding: constants.RSA_PKCS1_PADDING }, threaded: true },
  PS256: {
    hash: 'sha256',
    // RFC 7518 §3.5: the salt is exactly as long as the hash.
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    threaded: true,
  },
  ES256: { hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' }, threaded: false },
  EdDSA: { hash: null, options: {}, threaded: false },
}

export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlg
  /** The encoded protected header for a `typ`, with its dot. It is cached. */
  head(typ: string): string
  /** The signature, base64url, over an ASCII signing input. A promise for RSA, and for a key that is elsewhere. */
  sign(input: string): string | Promise<string>
}

export interface VerificationKey {
  readonly kid: string
  readonly alg: SigningAlg
  /** Whether `signature` is over the ASCII `input`. */
  holds(input: string, signature: Uint8Array): boolean
}

/** Finds a key by its `kid`. */
export interface VerificationKeys {
  find(kid: string): VerificationKey | undefined
}

export type Claims = Record<string, unknown>

/** Prepares a private key for signing. Throws TypeError when `key` is not of the kind that `alg` requires. */
export function signingKey(kid: string, alg: SigningAlg, key: KeyObject): SigningKey {
  requireFit(key, alg)
  const { hash, options, threaded } = parameters[alg]
  const input = { key, ...options }
  return {
    ...named(kid, alg),
    sign: !threaded
      ? (text) => signHere(hash, text, input)
      : availableParallelism() > 1
        ? limited(availableParallelism(), (text) => signOnThread(hash, text, input))
        : limited(perTurn, (text) => nextTurn(() => signHere(hash, text, input))),
  }
}

/** A key that is elsewhere: `sign` gets the signing input and resolves to the signature as JWS has it (RFC 7518 §3). */
export const remoteSigningKey = (
  kid: string,
  alg: SigningAlg,
  sign: (input: string) => Promise<Uint8Array>,
): SigningKey => ({ ...named(kid, alg), sign: (input) => sign(input).then(base64url) })

function named(kid: string, alg: SigningAlg): Omit<SigningKey, 'sign'> {
  const heads = new Map<string, string>()
  return {
    kid,
    alg,
    head(typ) {
      let head = heads.get(typ)
      if (head === undefined) heads.set(typ, (head = `${base64url(JSON.stringify({ alg, typ, kid }))}.`))
      return head
    },
  }
}

type KeyInput = { key: KeyObject } & AlgorithmParameters['options']

const signHere = (hash: AlgorithmParameters['hash'], text: string, key: KeyInput): string =>
  signBytes(hash, Buffer.from(text), key).toString('base64url')

const signOnThread = (hash: AlgorithmParameters['hash'], text: string, key: KeyInput): Promise<string> =>
  new Promise((resolve, reject) =>
    signBytes(hash, Buffer.from(text), key, (error, signature) =>
      error ? reject(error) : resolve(signature.toString('base64url')),
    ),
  )

/** The most signatures that may wait for one key. Each of them holds a request open. */
const mostWaiting = 10_000

/**
 * With threads, at most one signature for each core is computed at once. More would not be faster, and a burst would take
 * the processor from this thread: with 16 clients signing, the p99 of other requests is 0.7 ms with the limit and 6 ms without.
 */
function limited(atOnce: number, work: (text: string) => Promise<string>): (text: string) => Promise<string> {
  const refusal = () =>
    new HttpError('temporarily_unavailable', {
      expected: 'a place in the queue of signatures',
      problem: 'many tokens are being signed right now; please try again in a few seconds',
      retryAfter: 5,
    })
  const limiter = createLimiter({ atOnce, waiting: mostWaiting, refusal })
  return (text) => limiter.run(() => work(text))
}

/** Signatures in one turn of the event loop. More would delay other requests by more than five milliseconds; fewer would waste turns. */
const perTurn = 8

/**
 * On one core another thread would only add cost. `perTurn` signatures run in one turn of the event loop, so that other
 * requests wait for no more than those.
 */
const nextTurn = (work: () => string): Promise<string> =>
  new Promise((resolve, reject) =>
    setImmediate(() => {
      try {
        resolve(work())
      } catch (error) {
        reject(error as Error)
      }
    }),
  )

/** Prepares a public key, or the public key of a private one, for verification. */
export function verificationKey(kid: string, alg: SigningAlg, key: KeyObject): VerificationKey {
  requireFit(key, alg)
  const { hash, options } = parameters[alg]
  const input = { key: key.type === 'private' ? createPublicKey(key) : key, ...options }
  return { kid, alg, holds: (text, signature) => verifyBytes(hash, Buffer.from(text), input, signature) }
}

/** A compact JWS with the header members `alg`, `typ`, `kid` (RFC 7515 §3.1). A promise where that of the key is one. */
export function sign(key: SigningKey, typ: string, payload: object): string | Promise<string> {
  const input = key.head(typ) + base64url(JSON.stringify(payload))
  const signature = key.sign(input)
  return typeof signature === 'string'
    ? `${input}.${signature}`
    : signature.then((made) => `${input}.${made}`)
}

/** What the header of a token must have before its claims are read. */
export interface Expected {
  typ: string
  /** All signing algorithms when left out. */
  algs?: readonly SigningAlg[]
  /** Characters of a document that no stranger sends; `longestToken` when left out. */
  longest?: number
}

interface Header {
  alg: string
  typ: string
  kid: string
}

const longestToken = 32_768
const ourMembers = new Set(['alg', 'typ', 'kid'])

/** JSON that is an object, from exact base64url (RFC 7515 §2); undefined otherwise. */
function decodeObject(segment: string): Record<string, unknown> | undefined {
  const bytes = fromBase64url(segment)
  if (!bytes) return undefined
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes))
    return value && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads the header before the signature is verified. Our tokens have exactly three members, so a header with any other,
 * such as `crit`, `b64`, `jwk` or `jku`, is refused (RFC 7515 §4.1.11, RFC 8725 §3.10).
 */
function readHeader(segment: string): Header | undefined {
  const header = decodeObject(segment)
  if (!header || Object.keys(header).some((name) => !ourMembers.has(name))) return undefined
  const { alg, typ, kid } = header
  return typeof alg === 'string' && typeof typ === 'string' && typeof kid === 'string'
    ? { alg, typ, kid }
    : undefined
}

/** The `kid` of a token in the form of ours; undefined for any other text. The signature is not verified. */
export const kidOf = (jwt: string): string | undefined =>
  jwt.length > longestToken ? undefined : readHeader(jwt.slice(0, Math.max(0, jwt.indexOf('.'))))?.kid

/** The claims of a token in the form of ours: a thumbprint as `kid`, an algorithm of ours. Anyone may have made it. */
export function unverifiedClaims(jwt: string, typ: string): Claims | undefined {
  const [head = '', payload = '', tail = '', ...rest] = jwt.length > longestToken ? [] : jwt.split('.', 4)
  const header = rest.length === 0 && tail ? readHeader(head) : undefined
  const isOurs = header?.typ === typ && isThumbprint(header.kid) && isSigningAlg(header.alg)
  return isOurs ? decodeObject(payload) : undefined
}

/**
 * The claims of a token that this provider signed with the expected `typ`; undefined for any other text. The algorithm is
 * that of the key, so the header cannot choose it (RFC 8725 §3.1). The caller must check `exp`, `iss` and `aud`.
 */
export function verify(
  keys: VerificationKeys,
  jwt: string,
  { typ, algs, longest = longestToken }: Expected,
): Claims | undefined {
  if (jwt.length > longest) return undefined
  const [head = '', payload = '', tail = '', ...rest] = jwt.split('.', 4)
  if (rest.length > 0) return undefined
  const header = readHeader(head)
  const key = header && keys.find(header.kid)
  if (!key || header.typ !== typ || header.alg !== key.alg || algs?.includes(key.alg) === false)
    return undefined
  const signature = fromBase64url(tail)
  return signature && key.holds(`${head}.${payload}`, signature) ? decodeObject(payload) : undefined
}
