/** The keys of all instances, to sign with and to be encrypted to: one record, changed by compare-and-swap alone. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import type { KeyObject } from 'node:crypto'
import {
  type DecryptionAlg,
  generateKey,
  type KeyAlg,
  requireFit,
  type SigningAlg,
  thumbprint,
} from '../auth/jwk.ts'
import {
  type Claims,
  type Expected,
  kidOf,
  type SigningKey,
  type VerificationKey,
  verify,
} from '../auth/jws.ts'
import { createBoundedMap } from '../lib/bounded_map.ts'
import { type Clock, seconds } from '../lib/clock.ts'
import { deepFreeze } from '../lib/freeze.ts'
import { createLimiter } from '../lib/limiter.ts'
import type { Log } from '../lib/log.ts'
import type { Store } from '../store/store.ts'
import { type Jwks, type KeyStatus, openKeys, type OpenKeys, type Pem } from './open_keys.ts'
import * as record from './signing_keys.ts'
import { type Document, KeyRingError } from './signing_keys.ts'

export type KeyStorage = Pick<Store, 'get' | 'create' | 'replace'>

export interface KeyRingOptions {
  storage: KeyStorage
  /** 32 bytes; seals the private keys in the store. */
  sealingKey: Uint8Array
  clock: Clock
  log: Log
  /** Algorithms that must have a key. */
  algs: readonly KeyAlg[]
  /** Private keys from outside. One that the ring has never seen is rotated in; one that it retired stays out. */
  imported?: readonly { alg: SigningAlg; key: KeyObject }[]
  /** Seconds a key is published before it signs: more than others cache the JWKS, and than clocks differ. */
  activationDelay: number
  /** Seconds the longest-lived signed token lives. */
  retention: number
}

export interface KeyRing {
  /** The key to sign with now. Throws KeyRingError when there is none for `alg`. */
  signer(alg: SigningAlg): SigningKey
  /** A published key: next, current or previous. */
  find(kid: string): VerificationKey | undefined
  /**
   * As `verify` of auth/jws.ts, but looks in the store when the key is unknown, at most every few seconds. The signature
   * of one text is checked once while it is remembered; whether its key is still published is asked each time. The
   * claims are shared between callers, hence frozen.
   */
  verify(jwt: string, expected: Expected): Promise<Claims | undefined>
  /** Remembers a token that was signed here just now with the key `kid`, so that `verify` need not check its signature. */
  remember(jwt: string, kid: string, typ: string, claims: Claims): void
  /**
   * Private keys that may open what was encrypted with `alg`, to the key named or to any. Looks in the store for a
   * `kid` that is unknown, as `verify` does.
   */
  decrypters(alg: DecryptionAlg, kid?: string): Promise<readonly KeyObject[]>
  jwks(): Jwks
  /**
   * Reads the record again and adopts it when it changed: call it from a timer well within `activationDelay`. Rejects
   * with StoreUnavailable or KeyRingError, upon which the ring stays as it was.
   */
  refresh(): Promise<void>
  /** Makes sure that each of `algs` (all, when left out) has a key waiting to take over, and resolves to those. */
  rotate(algs?: readonly KeyAlg[]): Promise<KeyStatus[]>
  list(): KeyStatus[]
  /** A key as PEM: the current one of `alg`, or the one named. */
  pem(alg: KeyAlg, kid?: string): Pem | undefined
  /** Whether the ring has, or ever had, this key. */
  knows(kid: string): boolean
}

const recordName = 'key_ring'
/** What the memory of checked tokens may take. A token counts five bytes a character: its text and its claims. */
const checkedBytes = 8_388_608
const bytesPerCharacter = 5
/** Lost races before giving up. Each was won by somebody else, so this many mean that something is wrong. */
const maxAttempts = 100
/** Strangers name keys at will; they cannot make us read the store more often than this. Milliseconds. */
const unknownKeyInterval = 5_000

/** Reads and changes that wait for the one before them. */
const mostWaiting = 100

/** Keys are made before a race, once, and not again at each lost round. */
const newKeys = async (algs: readonly KeyAlg[]) =>
  Promise.all(algs.map(async (alg) => ({ alg, key: await generateKey(alg) })))

/**
 * Opens the keys of this provider and makes those that are missing; of instances that start at once, one makes them.
 * Rejects with KeyRingError saying what to do, TypeError for an imported key that does not fit, or StoreUnavailable.
 */
export async function loadKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { storage, sealingKey, clock, log, algs, activationDelay, retention } = options
  const now = () => seconds(clock)
  let text: string | undefined
  let open: OpenKeys = openKeys(record.emptyDocument, sealingKey)

  function adopt(found: string): void {
    if (found === text) return
    open = openKeys(record.parseDocument(found), sealingKey, open)
    text = found
  }

  /** `plan` sees the document as it is, and again each time that another instance was quicker. */
  async function change(plan: (current: Document) => Document): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const before = await storage.get(recordName)
      // Opened before it is changed: whoever cannot read the keys must not add to them.
      if (before !== undefined) adopt(before)
      const current = before === undefined ? record.emptyDocument : open.document
      const after = JSON.stringify(record.settle(plan(current), now(), retention))
      if (after === before) return
      const won =
        before === undefined
          ? await storage.create(recordName, after)
          : await storage.replace(recordName, before, after)
      if (won) return adopt(after)
      // A sealed store shows nothing where it cannot open what is there.
      if (before === undefined && (await storage.get(recordName)) === undefined)
        throw record.wrongSecret('the record of signing keys was')
    }
    throw new KeyRingError(
      `the record of signing keys changed ${maxAttempts} times while it was being written`,
    )
  }

  function add(current: Document, { alg, key }: { alg: KeyAlg; key: KeyObject }): Document {
    // The first of its algorithm signs at once: there is no other, and no one has cached a JWKS they would miss it in.
    const activatesAt = now() + (record.newestOf(current, alg) ? activationDelay : 0)
    return record.append(current, record.newEntry(key, alg, now(), activatesAt, sealingKey))
  }

  async function addMissing(): Promise<void> {
    const missing = algs.filter((alg) => !record.newestOf(open.document, alg))
    const settled = JSON.stringify(record.settle(open.document, now(), retention)) === text
    if (missing.length === 0 && settled) return
    const made = await newKeys(missing)
    await change((current) =>
      made.reduce((next, one) => (record.newestOf(next, one.alg) ? next : add(next, one)), current),
    )
  }

  async function addImported(): Promise<void> {
    const imported = (options.imported ?? []).map(({ alg, key }) => {
      requireFit(key, alg)
      return { alg, key, kid: thumbprint(key.export({ format: 'jwk' })) }
    })
    const unknown = imported.filter(({ kid }) => !record.isKnown(open.document, kid))
    if (unknown.length > 0)
      await change((current) =>
        unknown.reduce((next, one) => (record.isKnown(next, one.kid) ? next : add(next, one)), current),
      )
    for (const { alg, kid } of imported) {
      const found = open.held(kid)?.entry
      if (!found)
        log.warn('imported_key_was_retired', { alg, kid, hint: 'it stays out; replace the key file' })
      else if (found.alg !== alg)
        throw new KeyRingError(`the key ${kid} given for ${alg} serves ${found.alg} already; use another`)
    }
  }

  async function refresh(): Promise<void> {
    const found = await storage.get(recordName)
    if (found !== undefined) adopt(found)
    else if (text !== undefined && (await storage.create(recordName, text))) {
      // The store was emptied, and ours may be the only copy of keys that everyone has cached.
      log.warn('key_ring_restored', { reason: 'the record of signing keys had vanished from the store' })
    }
    // Past its time a private key is a liability and nothing else.
    if (open.document.keys.some((entry) => record.isRetired(entry, now()))) await change((current) => current)
  }

  async function rotate(wanted: readonly KeyAlg[]): Promise<KeyStatus[]> {
    await refresh()
    // A key that waits already is the next one: rotating twice, or in two places at once, is rotating once.
    const newest = new Map(wanted.map((alg) => [alg, record.newestOf(open.document, alg)]))
    const made = await newKeys(wanted.filter((alg) => (newest.get(alg)?.activates_at ?? 0) <= now()))
    await change((current) =>
      made.reduce(
        (next, one) =>
          record.newestOf(next, one.alg)?.kid === newest.get(one.alg)?.kid ? add(next, one) : next,
        current,
      ),
    )
    const next = new Set(wanted.map((alg) => record.newestOf(open.document, alg)?.kid))
    const statuses = open.list(now()).filter(({ kid }) => next.has(kid))
    log.info('keys_rotated', { kids: statuses.map(({ kid }) => kid) })
    return statuses
  }

  /** One read or change at a time, so that an older read is not adopted after a newer one. */
  const inTurn = createLimiter({
    atOnce: 1,
    waiting: mostWaiting,
    refusal: () => new KeyRingError('too many reads and changes of the signing keys wait for the store'),
  })

  let looking = Promise.resolve()
  let lookedAt = -Infinity
  function lookFor(kid: string): Promise<void> | undefined {
    if (open.held(kid)) return undefined
    if (clock.now() - lookedAt >= unknownKeyInterval) {
      lookedAt = clock.now()
      looking = inTurn.run(refresh)
    }
    return looking
  }

  await refresh()
  await addImported()
  await addMissing()

  const find = (kid: string) => open.find(kid, now())

  /** By the whole text, signature included: equal text has been signed by the same key. */
  const checked = createBoundedMap<{ kid: string; typ: string; claims: Claims }>(checkedBytes)
  const remember = (jwt: string, kid: string, typ: string, claims: Claims): Claims => {
    checked.set(jwt, { kid, typ, claims: deepFreeze(claims) }, jwt.length * bytesPerCharacter)
    return claims
  }
  function recall(jwt: string, { typ, algs }: Expected): Claims | undefined {
    const known = checked.get(jwt)
    const key = known && find(known.kid)
    return key && known.typ === typ && algs?.includes(key.alg) !== false ? known.claims : undefined
  }

  return {
    find,
    remember,
    async decrypters(alg, kid) {
      if (kid !== undefined) await lookFor(kid)
      return open.decrypters(alg, now(), kid)
    },
    refresh: () => inTurn.run(refresh),
    rotate: (wanted = algs) => inTurn.run(() => rotate(wanted)),
    jwks: () => open.jwks(now()),
    list: () => open.list(now()),
    pem: (alg, kid) => open.pem(alg, now(), kid),
    knows: (kid) => record.isKnown(open.document, kid),
    signer(alg) {
      const key = open.signer(alg, now())
      if (!key) throw new KeyRingError(`no key for ${alg} was loaded`)
      return key
    },
    async verify(jwt, expected) {
      const known = recall(jwt, expected)
      if (known) return known
      const kid = kidOf(jwt)
      if (kid === undefined) return undefined
      await lookFor(kid)
      const claims = verify({ find }, jwt, expected)
      return claims && remember(jwt, kid, expected.typ, claims)
    },
  }
}
