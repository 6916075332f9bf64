/** The stored document of signing and decryption keys, and the pure functions that change it. RFC 7517 §5, OpenID Connect Core §10.1.1. */
import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { isSigningAlg, isThumbprint, type KeyAlg, keyAlgs, type PublicJwk, thumbprint } from '../auth/jwk.ts'
import { signingAlgs } from '../auth/registration.ts'
import { resealed, seal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'

/** The key of the record in the store. */
export const recordName = 'key_ring'

const Seconds = v.pipe(v.number(), v.integer(), v.minValue(0))

/**
 * One key. Times in seconds since the epoch. A key without `retires_at` has no successor. Either `private_jwk` or, for a key
 * that stays at a service, `remote` is there. Both are sealed: without SECRET_KEY, no key can be added to the record.
 */
const Entry = v.pipe(
  v.object({
    kid: v.pipe(v.string(), v.check(isThumbprint)),
    alg: v.picklist(keyAlgs),
    created_at: Seconds,
    activates_at: Seconds,
    retires_at: v.optional(Seconds),
    private_jwk: v.optional(v.string()),
    remote: v.optional(v.string()),
  }),
  v.check(({ private_jwk, remote }) => (private_jwk === undefined) !== (remote === undefined)),
)
export type Entry = v.InferOutput<typeof Entry>

/** The plain text of `remote`: a version of the key of a service (models/remote_keys.ts), by its public half. */
export const RemoteKey = v.object({
  source: v.string(),
  version: v.string(),
  public_jwk: v.record(v.string(), v.string()),
})
export type RemoteKey = v.InferOutput<typeof RemoteKey>

/**
 * The public half of a retired signing key. It is not published and verifies ID Token hints alone, until the last
 * session whose ID Token it signed has ended (`until`, seconds).
 */
const Former = v.object({
  kid: v.string(),
  alg: v.picklist(signingAlgs),
  public_jwk: v.record(v.string(), v.string()),
  until: Seconds,
})
export type Former = v.InferOutput<typeof Former>

/**
 * `retired` has the `kid` of each retired key, so that a key file that still exists does not add it again. `asked` has, by
 * algorithm, when an instance last asked a service for a new key (seconds).
 */
const Document = v.object({
  keys: v.array(Entry),
  retired: v.array(v.string()),
  former: v.optional(v.array(Former), []), // older versions did not write it
  asked: v.optional(v.record(v.string(), Seconds)),
})
export type Document = v.InferOutput<typeof Document>

/** The signing keys cannot be used as they are; the message says what to do. */
export class KeyRingError extends Error {
  override name = 'KeyRingError'
}

/** The keys are sealed with another secret. */
export class WrongSecretError extends KeyRingError {
  override name = 'WrongSecretError'
}

/** `what` includes its verb: "the signing key X was". */
export const wrongSecret = (what: string): WrongSecretError =>
  new WrongSecretError(
    `${what} not sealed with this SECRET_KEY. Start with the SECRET_KEY that sealed it; or, if that is lost, ` +
      'make new keys with latchkey keys replace: all tokens signed so far then stop verifying',
  )

/** For an instance that had read the keys before. Its advice is not to replace them once more. */
export const replacedMeanwhile = (cause?: KeyRingError): KeyRingError =>
  new KeyRingError(
    'the signing keys in the store were replaced, and this instance cannot read the new ones: with another SECRET_KEY ' +
      '(latchkey keys replace), or by a newer version. It still signs with the former keys, and no other instance ' +
      'accepts what it signs. Restart it with the SECRET_KEY and the version of the instance that replaced them',
    { cause },
  )

/** Seconds by which clocks of instances may differ. */
const skew = 60
/** The number of retired keys that are remembered. */
const rememberedNames = 500

export const emptyDocument: Document = { keys: [], retired: [], former: [] }

/** Throws KeyRingError: an instance that cannot read the keys must not replace them, because they are in use. */
export function parseDocument(text: string): Document {
  try {
    return v.parse(Document, JSON.parse(text))
  } catch (cause) {
    throw new KeyRingError(
      'the record of signing keys in the store is damaged or written by a newer version; restore it from a ' +
        'backup, or make new keys with latchkey keys replace, upon which all tokens signed so far stop verifying',
      { cause },
    )
  }
}

/** Binds a sealed key to its `kid` and `alg`, so that a copy under another `kid` or `alg` does not open. */
const sealContext = (kid: string, alg: KeyAlg): string =>
  `${isSigningAlg(alg) ? 'signing' : 'decryption'} key ${alg} ${kid}`

/** The sealed text of an entry, and what it is bound to. */
export const sealedIn = ({ kid, alg, private_jwk = '', remote }: Entry): { text: string; context: string } =>
  remote === undefined
    ? { text: private_jwk, context: sealContext(kid, alg) }
    : { text: remote, context: `remote ${sealContext(kid, alg)}` }

const withSealed = (entry: Entry, text: string): Entry =>
  entry.remote === undefined ? { ...entry, private_jwk: text } : { ...entry, remote: text }

/** A private key of this provider, or one of a service. */
export type NewKey = KeyObject | RemoteKey

const isRemote = (key: NewKey): key is RemoteKey => 'public_jwk' in key

const membersOf = (key: NewKey): object => (isRemote(key) ? key.public_jwk : key.export({ format: 'jwk' }))

export const kidOfKey = (key: NewKey): string => thumbprint(membersOf(key))

/** An entry for a key that fits `alg`, active from `activatesAt` (seconds). */
export function newEntry(
  key: NewKey,
  alg: KeyAlg,
  now: number,
  activatesAt: number,
  sealingKey: Keys,
): Entry {
  const times = { created_at: now, activates_at: activatesAt }
  const empty: Entry = { kid: kidOfKey(key), alg, ...times, ...(isRemote(key) && { remote: '' }) }
  const plain = JSON.stringify(isRemote(key) ? key : membersOf(key))
  return withSealed(empty, seal(sealingKey, plain, sealedIn(empty).context))
}

/** The document with its private keys sealed by the first of `keys`, and how many of them another had sealed. */
export function resealDocument(document: Document, keys: Keys): { document: Document; moved: number } {
  let moved = 0
  const entries = document.keys.map((entry) => {
    const { text, context } = sealedIn(entry)
    const next = resealed(keys, text, context)
    if (next === undefined) return entry
    moved++
    return withSealed(entry, next)
  })
  return { document: { ...document, keys: entries }, moved }
}

/** By algorithm, then by activation. The sort is stable, so on every instance the later of two equal entries in the record is the newer. */
const inOrder = (a: Entry, b: Entry): number =>
  keyAlgs.indexOf(a.alg) - keyAlgs.indexOf(b.alg) || a.activates_at - b.activates_at

export const isRetired = (entry: Entry, now: number): boolean =>
  entry.retires_at !== undefined && entry.retires_at <= now

/** Whether the ring has ever had this key. */
export const isKnown = ({ keys, retired }: Document, kid: string): boolean =>
  retired.includes(kid) || keys.some((entry) => entry.kid === kid)

/** The newest key of `alg`, active or not yet. */
export const newestOf = (document: Document, alg: KeyAlg): Entry | undefined =>
  document.keys
    .filter((entry) => entry.alg === alg)
    .sort(inOrder)
    .at(-1)

/**
 * `theirs` with what only `ours` knows, when it is an older record: an instance has seen a key that it lacks, or has seen a
 * key retire that is in it. A record that was changed since knows each key of before, in use or by its name. Both orders
 * give the same keys, so instances that saw different records agree. Otherwise `theirs` itself.
 */
export function withNewer(theirs: Document, ours: Document): Document {
  const lacking = ours.keys.filter(({ kid }) => !isKnown(theirs, kid))
  const revived = theirs.keys.filter(({ kid }) => ours.retired.includes(kid))
  if (lacking.length === 0 && revived.length === 0) return theirs
  const retired = [...new Set([...ours.retired, ...theirs.retired])]
  const former = new Map([...theirs.former, ...ours.former].map((each) => [each.kid, each]))
  return {
    keys: [...theirs.keys, ...lacking].filter(({ kid }) => !retired.includes(kid)),
    retired,
    former: [...former.values()],
    ...(theirs.asked && { asked: theirs.asked }),
  }
}

/** Adds a key as the last of its algorithm, even when the clock that chose its activation was behind. */
export function append(document: Document, entry: Entry): Document {
  const after = newestOf(document, entry.alg)?.activates_at ?? 0
  return {
    ...document,
    keys: [...document.keys, { ...entry, activates_at: Math.max(entry.activates_at, after) }],
  }
}

/** Seconds after which a service that was asked for a new key, and showed none, is asked again. */
const askedAgainAfter = 60

/**
 * The document with the mark that this instance asks the service of `alg` for a new key; unchanged where one asked just now.
 * The instance whose mark is kept asks: otherwise each would make a key.
 */
export function claimNewKey(document: Document, alg: KeyAlg, now: number): Document {
  if (Math.abs(now - (document.asked?.[alg] ?? 0)) < askedAgainAfter) return document
  return { ...document, asked: { ...document.asked, [alg]: now } }
}

export interface Rules {
  /** The algorithms in use. */
  algs: readonly KeyAlg[]
  /** The longest lifetime of a signed token, in seconds. */
  retention: number
  /** Seconds for which an ID Token may be sent back as a hint after its key has retired. */
  hints: number
}

/** The public half of a key that has just retired; undefined for a decryption key. */
function formerOf({ kid, alg, retires_at = 0 }: Entry, hints: number, jwk?: PublicJwk): Former[] {
  if (!isSigningAlg(alg) || !jwk) return []
  const { use: _use, alg: _alg, kid: _kid, ...members } = jwk
  const public_jwk = Object.fromEntries(
    Object.entries(members).filter((each): each is [string, string] => each[1] !== undefined),
  )
  return [{ kid, alg, public_jwk, until: retires_at + hints }]
}

/**
 * Sorts the keys, removes retired ones (the public half stays for hints), and sets `retires_at` of each that has a
 * successor: the key signs its last token when the successor becomes active (`skew` later by a slow clock), and that token
 * lives `retention` seconds. A `retires_at` that was set is never made earlier, because tokens may rely on it. The last key
 * of an algorithm retires when the algorithm is no longer in use, and stays when it is in use again before that.
 */
export function settle(
  document: Document,
  now: number,
  { algs, retention, hints }: Rules,
  publicOf: (kid: string) => PublicJwk | undefined,
): Document {
  const all = [...document.keys].sort(inOrder)
  const timed = all.map((entry, i) => {
    const next = all[i + 1]
    const successor = next?.alg === entry.alg ? next : undefined
    // Members in the order of the schema, so that an unchanged document is the same text.
    const { private_jwk, remote, retires_at, ...rest } = entry
    const sealed = {
      ...(private_jwk !== undefined && { private_jwk }),
      ...(remote !== undefined && { remote }),
    }
    if (successor) {
      const end = successor.activates_at + retention + skew
      return { ...rest, retires_at: Math.max(retires_at ?? 0, end), ...sealed }
    }
    if (algs.includes(entry.alg)) return { ...rest, ...sealed }
    return { ...rest, retires_at: retires_at ?? now + retention + skew, ...sealed }
  })
  const gone = timed.filter((entry) => isRetired(entry, now))
  return {
    keys: timed.filter((entry) => !isRetired(entry, now)),
    retired: [...document.retired, ...gone.map(({ kid }) => kid)].slice(-rememberedNames),
    former: [...document.former, ...gone.flatMap((entry) => formerOf(entry, hints, publicOf(entry.kid)))]
      .filter(({ until }) => until > now)
      .slice(-rememberedNames),
    ...(document.asked && { asked: document.asked }),
  }
}
