/** The signing and decryption keys of all instances: one record, changed by compare-and-swap alone. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
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
import { elapsedOf, seconds } from '../lib/clock.ts'
import { createLimiter } from '../lib/limiter.ts'
import { createCheckedTokens } from './checked_tokens.ts'
import type { KeyRingOptions } from './key_ring_options.ts'
import { createAges } from './key_rotation.ts'
import { type Jwks, type KeyStatus, openKeys, type OpenKeys, type Pem } from './open_keys.ts'
import * as record from './signing_keys.ts'
import { type Document, KeyRingError, recordName } from './signing_keys.ts'

export interface KeyRing {
  /** The key to sign with now. Throws KeyRingError when there is none for `alg`. */
  signer(alg: SigningAlg): SigningKey
  /** A published key: next, current or previous. */
  find(kid: string): VerificationKey | undefined
  /**
   * As `verify` of auth/jws.ts, but reads the store when the key is unknown, at most every few seconds. The signature of
   * a remembered token is not checked again; whether its key is still published is checked each time. The claims are
   * frozen, because callers share them.
   */
  verify(jwt: string, expected: Expected): Promise<Claims | undefined>
  /** As `verify`, for an ID Token that is sent back as a hint: also with the public half of a retired key. */
  verifyHint(jwt: string): Promise<Claims | undefined>
  /** Whether a hint that names the key `kid` can be verified. If not, it may still be an ID Token of this provider. */
  canVerifyHint(kid: string): boolean
  /** Remembers a token that was signed here just now with the key `kid`, so that `verify` need not check its signature. */
  remember(jwt: string, kid: string, typ: string, claims: Claims): void
  /**
   * Private keys that can decrypt an `alg` ciphertext: the key `kid`, or all when it is left out. Reads the store when
   * `kid` is unknown, as `verify` does.
   */
  decrypters(alg: DecryptionAlg, kid?: string): Promise<readonly KeyObject[]>
  jwks(): Jwks
  /**
   * Reads the record again and adopts it when it changed. Call it from a timer, several times within `activationDelay`.
   * Rejects with StoreUnavailable or KeyRingError; the ring then stays as it was.
   */
  refresh(): Promise<void>
  /** Makes sure that each of `algs` (default: all) has a next key, and resolves to those keys. */
  rotate(algs?: readonly KeyAlg[]): Promise<KeyStatus[]>
  /**
   * As `refresh`; then rotates the algorithms whose newest key is older than the interval of `rotation`, by this clock and by
   * that of the store. Of instances that do so at once, one makes the next keys.
   */
  rotateDue(): Promise<KeyStatus[]>
  /** Seals keys that a former value of SECRET_KEY has sealed, by the first one, and resolves to their number. Without `write` it only counts. */
  reseal(write: boolean): Promise<number>
  list(): KeyStatus[]
  /** A key as PEM: the key `kid`, else the current key of `alg`. */
  pem(alg: KeyAlg, kid?: string): Pem | undefined
  /** Whether the ring has, or ever had, this key. */
  knows(kid: string): boolean
}

const idTokenType = 'JWT'
/** Failed compare-and-swaps before giving up. Each means that another instance succeeded, so this many mean a fault. */
const maxAttempts = 100
/** Milliseconds. A token can name any `kid`; unknown ones do not cause reads of the store more often than this. */
const unknownKeyInterval = 5_000

/** Most reads and changes that may wait for the one before them. */
const mostWaiting = 100

/** Keys are generated once, before the compare-and-swap, and not again when it is repeated. */
const newKeys = async (algs: readonly KeyAlg[], rsaBits?: number) =>
  Promise.all(algs.map(async (alg) => ({ alg, key: await generateKey(alg, rsaBits) })))

const kidOfKey = (key: KeyObject): string => thumbprint(key.export({ format: 'jwk' }))

/**
 * Opens the keys of this provider and generates missing ones. Of instances that start at once, the keys of one are kept.
 * Rejects with KeyRingError that says what to do, TypeError for an imported key that does not fit its algorithm, or
 * StoreUnavailable.
 */
export async function loadKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { storage, sealingKey, clock, log, algs, activationDelay, retention, hints = 0 } = options
  const now = () => seconds(clock)
  /** Seconds by the clock that is behind: this one, or the one that all instances share. */
  const sharedNow = async () => Math.min(now(), Math.floor(((await storage.time?.()) ?? Infinity) / 1000))
  let text: string | undefined
  let open: OpenKeys = openKeys(record.emptyDocument, sealingKey)

  function adopt(found: string): void {
    if (found === text) return
    try {
      open = openKeys(record.parseDocument(found), sealingKey, open)
    } catch (cause) {
      throw text !== undefined && cause instanceof KeyRingError ? record.replacedMeanwhile(cause) : cause
    }
    text = found
  }

  /** Keys are removed for all instances: not before their time by the clock that all share. */
  async function settler() {
    const at = await sharedNow()
    return (document: Document) =>
      record.settle(document, at, { algs, retention, hints }, (kid) => open.get(kid)?.jwk())
  }

  /** `plan` gets the current document, joined with `known`, again each time that another instance changed it first. */
  async function change(plan: (current: Document) => Document, known = open.document): Promise<void> {
    const settle = await settler()
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const before = await storage.get(recordName)
      // Opened before it is changed: an instance that cannot read the keys must not add to them.
      if (before !== undefined) adopt(before)
      const current = before === undefined ? record.emptyDocument : record.withNewer(open.document, known)
      const after = JSON.stringify(settle(plan(current)))
      if (after === before) return
      const won =
        before === undefined
          ? await storage.create(recordName, after)
          : await storage.replace(recordName, before, after)
      if (won) return adopt(after)
      // A sealed store reads as absent a value that it cannot decrypt.
      if (before === undefined && (await storage.get(recordName)) === undefined)
        throw record.wrongSecret('the record of signing keys was')
    }
    throw new KeyRingError(
      `the record of signing keys changed ${maxAttempts} times while it was being written`,
    )
  }

  function add(current: Document, { alg, key }: { alg: KeyAlg; key: KeyObject }): Document {
    // The first key of an algorithm is active at once: no other key could sign until clients have fetched it.
    const activatesAt = now() + (record.newestOf(current, alg) ? activationDelay : 0)
    return record.append(current, record.newEntry(key, alg, now(), activatesAt, sealingKey))
  }

  async function addMissing(): Promise<void> {
    const missing = algs.filter((alg) => !record.newestOf(open.document, alg))
    const settled = JSON.stringify((await settler())(open.document)) === text
    if (missing.length === 0 && settled) return
    const made = await newKeys(missing, options.rsaBits)
    await change((current) =>
      made.reduce((next, one) => (record.newestOf(next, one.alg) ? next : add(next, one)), current),
    )
  }

  const own = (options.imported ?? []).map(({ alg, key }) => {
    requireFit(key, alg)
    return { alg, key, kid: kidOfKey(key) }
  })
  const ages = createAges(options, new Set(own.map(({ kid }) => kid)), log)

  async function addImported(): Promise<void> {
    const unknown = own.filter(({ kid }) => !record.isKnown(open.document, kid))
    if (unknown.length > 0)
      await change((current) =>
        unknown.reduce((next, one) => (record.isKnown(next, one.kid) ? next : add(next, one)), current),
      )
    for (const { alg, kid } of own) {
      const found = open.get(kid)?.entry
      if (!found)
        log.warn('imported_key_was_retired', { alg, kid, hint: 'it stays out; replace the key file' })
      else if (found.alg !== alg)
        throw new KeyRingError(`the key ${kid} given for ${alg} serves ${found.alg} already; use another`)
    }
  }

  async function refresh(): Promise<void> {
    const known = open.document
    const found = await storage.get(recordName)
    if (found !== undefined) adopt(found)
    const isOlder = record.withNewer(open.document, known) !== open.document
    const lost = found === undefined ? text : undefined
    const isRestored = lost !== undefined && (await storage.create(recordName, lost))
    if (lost !== undefined && !isRestored && (await storage.get(recordName)) === undefined)
      throw record.replacedMeanwhile() // a sealed store reads it as absent
    // This instance may have the only copy of keys that clients have cached, and an older copy a key that had leaked.
    if (isOlder || isRestored)
      log.warn('key_ring_restored', {
        reason: `the record of signing keys ${isOlder ? 'was older than before' : 'had vanished from the store'}`,
      })
    // A retired private key has no use and could be stolen, so it is deleted.
    if (isOlder || open.document.keys.some((entry) => record.isRetired(entry, now())))
      await change((current) => current, known)
  }

  async function rotate(wanted: readonly KeyAlg[], because: 'asked' | 'age'): Promise<KeyStatus[]> {
    await refresh()
    // A key that is not active yet is already the next one: rotating twice, or on two instances at once, is rotating once.
    const newest = new Map(wanted.map((alg) => [alg, record.newestOf(open.document, alg)]))
    const made = await newKeys(
      wanted.filter((alg) => (newest.get(alg)?.activates_at ?? 0) <= now()),
      options.rsaBits,
    )
    await change((current) =>
      made.reduce(
        (next, one) =>
          record.newestOf(next, one.alg)?.kid === newest.get(one.alg)?.kid ? add(next, one) : next,
        current,
      ),
    )
    const next = new Set(wanted.map((alg) => record.newestOf(open.document, alg)?.kid))
    const statuses = list().filter(({ kid }) => next.has(kid))
    // Of instances whose keys come of age at once, the one whose keys are kept says so.
    if (because === 'age' && !made.some(({ key }) => next.has(kidOfKey(key)))) return []
    log.info('keys_rotated', { kids: statuses.map(({ kid }) => kid), because })
    return statuses
  }

  async function reseal(write: boolean): Promise<number> {
    await refresh()
    const { moved } = record.resealDocument(open.document, sealingKey)
    if (write && moved > 0) await change((current) => record.resealDocument(current, sealingKey).document)
    return moved
  }

  async function rotateDue(): Promise<KeyStatus[]> {
    await refresh()
    ages.tellOfImported(open.document, now())
    // The store is asked for its time only when a key is due.
    if (ages.due(open.document, now()).length === 0) return []
    const due = ages.due(open.document, await sharedNow())
    return due.length > 0 ? rotate(due, 'age') : []
  }

  const list = () => ages.withNext(open.document, open.list(now()))

  /** One read or change at a time, so that an older read is not adopted after a newer one. */
  const inTurn = createLimiter({
    atOnce: 1,
    waiting: mostWaiting,
    refusal: () => new KeyRingError('too many reads and changes of the signing keys wait for the store'),
  })

  let looking = Promise.resolve()
  let lookedAt = -Infinity
  function lookFor(kid: string): Promise<void> | undefined {
    if (open.get(kid)) return undefined
    if (elapsedOf(clock) - lookedAt >= unknownKeyInterval) {
      lookedAt = elapsedOf(clock)
      looking = inTurn.run(refresh)
    }
    return looking
  }

  await refresh()
  await addImported()
  await addMissing()

  const find = (kid: string) => open.find(kid, now())

  const { remember, recall } = createCheckedTokens(find)

  return {
    find,
    remember,
    async decrypters(alg, kid) {
      if (kid !== undefined) await lookFor(kid)
      return open.decrypters(alg, now(), kid)
    },
    refresh: () => inTurn.run(refresh),
    rotate: (wanted = algs) => inTurn.run(() => rotate(wanted, 'asked')),
    rotateDue: () => inTurn.run(rotateDue),
    reseal: (write) => inTurn.run(() => reseal(write)),
    jwks: () => open.jwks(now()),
    list,
    pem: (alg, kid) => open.pem(alg, now(), kid),
    knows: (kid) => record.isKnown(open.document, kid),
    signer(alg) {
      const key = open.signer(alg, now())
      if (!key) throw new KeyRingError(`no key for ${alg} was loaded`)
      return key
    },
    canVerifyHint: (kid) => open.findForHint(kid, now()) !== undefined,
    async verifyHint(jwt) {
      const kid = kidOf(jwt)
      if (kid !== undefined) await lookFor(kid)
      return verify({ find: (name) => open.findForHint(name, now()) }, jwt, { typ: idTokenType })
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
