/** The signing and decryption keys of all instances: one record, changed by compare-and-swap alone. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import type { KeyObject } from 'node:crypto'
import { type DecryptionAlg, type KeyAlg, requireFit, type SigningAlg } from '../auth/jwk.ts'
import {
  type Claims,
  type Expected,
  kidOf,
  type SigningKey,
  type VerificationKey,
  verify,
} from '../auth/jws.ts'
import { elapsedOf, seconds } from '../lib/clock.ts'
import { createCheckedTokens } from './checked_tokens.ts'
import { createKeyRecord } from './key_record.ts'
import type { KeyRingOptions } from './key_ring_options.ts'
import { createAges } from './key_rotation.ts'
import { createNextKeys, type Made } from './next_keys.ts'
import type { Jwks, KeyStatus, Pem } from './open_keys.ts'
import type { ServiceState, SignerUnavailable } from './remote_signer.ts'
import * as record from './signing_keys.ts'
import { type Document, KeyRingError } from './signing_keys.ts'

export interface KeyRing {
  /** The algorithms that have a key. */
  algs: readonly KeyAlg[]
  /**
   * The key to sign with now. Throws KeyRingError when there is none for `alg`. The signature of one that stays at a service
   * rejects with SignerUnavailable when there is none in time.
   */
  signer(alg: SigningAlg): SigningKey
  /** Why the key that signs by `alg` is known to give no signature right now. */
  outage(alg: SigningAlg): SignerUnavailable | undefined
  /** What was seen of each service that keeps keys. */
  services(): (ServiceState & { alg: KeyAlg })[]
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
   * that of the store. Of instances that do so at once, one makes the next keys. Each minute it also asks the services that
   * keep keys, and announces a key that is new there. A service that fails is logged.
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
/** Milliseconds. A token can name any `kid`; unknown ones do not cause reads of the store more often than this. */
const unknownKeyInterval = 5_000

/**
 * Opens the keys of this provider and makes missing ones. Of instances that start at once, the keys of one are kept.
 * Rejects with KeyRingError that says what to do, TypeError for an imported key that does not fit its algorithm,
 * SignerUnavailable when a first key is to come of a service, or StoreUnavailable.
 */
export async function loadKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { sealingKey, clock, log, algs, activationDelay, remote } = options
  const now = () => seconds(clock)
  const keys = createKeyRecord(options)
  const next = createNextKeys(keys, options)

  function add(current: Document, { alg, key }: Made): Document {
    // The first key of an algorithm is active at once: no other key could sign until clients have fetched it.
    const activatesAt = now() + (record.newestOf(current, alg) ? activationDelay : 0)
    return record.append(current, record.newEntry(key, alg, now(), activatesAt, sealingKey))
  }

  /** Adds those that no key has overtaken since `seen`, the newest keys for which they were made. */
  const addAll = (made: readonly Made[], seen: ReadonlyMap<KeyAlg, string | undefined>) =>
    keys.change((current) =>
      made.reduce((document, one) => {
        const isWanted = record.newestOf(document, one.alg)?.kid === seen.get(one.alg)
        return isWanted && !record.isKnown(document, one.kid) ? add(document, one) : document
      }, current),
    )

  const newestKids = (wanted: readonly KeyAlg[]) =>
    new Map(wanted.map((alg) => [alg, record.newestOf(keys.document(), alg)?.kid]))

  async function addMissing(): Promise<void> {
    const missing = algs.filter((alg) => next.isMissing(alg))
    if (missing.length > 0) await addAll(await next.make(missing), newestKids(missing))
    else await keys.settle()
  }

  const own = (options.imported ?? []).map(({ alg, key }) => {
    requireFit(key, alg)
    return { alg, key, kid: record.kidOfKey(key) }
  })
  const ages = createAges(options, new Set(own.map(({ kid }) => kid)), log)

  async function addImported(): Promise<void> {
    const unknown = own.filter(({ kid }) => !record.isKnown(keys.document(), kid))
    if (unknown.length > 0)
      await keys.change((current) =>
        unknown.reduce(
          (document, one) => (record.isKnown(document, one.kid) ? document : add(document, one)),
          current,
        ),
      )
    for (const { alg, kid } of own) {
      const found = keys.open().get(kid)?.entry
      if (!found)
        log.warn('imported_key_was_retired', { alg, kid, hint: 'it stays out; replace the key file' })
      else if (found.alg !== alg)
        throw new KeyRingError(`the key ${kid} given for ${alg} serves ${found.alg} already; use another`)
    }
  }

  /** A key that is not active yet is already the next one: rotating twice, or on two instances at once, is rotating once. */
  const isWaiting = (alg: KeyAlg) => (record.newestOf(keys.document(), alg)?.activates_at ?? 0) > now()

  async function rotate(
    wanted: readonly KeyAlg[],
    because: 'asked' | 'age' | 'found',
    make = () => next.make(wanted.filter((alg) => !isWaiting(alg))),
  ): Promise<KeyStatus[]> {
    const seen = newestKids(wanted)
    const made = await make()
    if (made.length > 0) await addAll(made, seen)
    const kids = new Set(wanted.map((alg) => record.newestOf(keys.document(), alg)?.kid))
    const statuses = list().filter(({ kid }) => kids.has(kid))
    // Of instances whose keys come of age at once, the one whose keys are kept says so.
    if (because !== 'asked' && !made.some(({ kid }) => kids.has(kid))) return []
    log.info('keys_rotated', { kids: statuses.map(({ kid }) => kid), because })
    return statuses
  }

  async function reseal(write: boolean): Promise<number> {
    await keys.refresh()
    const { moved } = record.resealDocument(keys.document(), sealingKey)
    if (write && moved > 0)
      await keys.change((current) => record.resealDocument(current, sealingKey).document)
    return moved
  }

  async function rotateDue(): Promise<KeyStatus[]> {
    await keys.refresh()
    ages.tellOfKept(keys.document(), now())
    const isHere = (alg: KeyAlg) => remote?.sourceOf(alg) === undefined
    // The store is asked for its time only when a key is due.
    const mayBeDue = ages.due(keys.document(), now())
    const due = mayBeDue.length === 0 ? [] : ages.due(keys.document(), await keys.sharedNow())
    const here = due.filter(isHere)
    const rotated = here.length > 0 ? await rotate(here, 'age') : []
    const found = await next.lookAtServices(due, (alg, because, key) =>
      rotate([alg], because, async () => [key]),
    )
    return [...rotated, ...found]
  }

  const list = () => ages.withNext(keys.document(), keys.open().list(now()))

  let looking = Promise.resolve()
  let lookedAt = -Infinity
  function lookFor(kid: string): Promise<void> | undefined {
    if (keys.open().get(kid)) return undefined
    if (elapsedOf(clock) - lookedAt >= unknownKeyInterval) {
      lookedAt = elapsedOf(clock)
      looking = keys.refresh()
    }
    return looking
  }

  await keys.refresh()
  await addImported()
  await addMissing()

  const find = (kid: string) => keys.open().find(kid, now())

  const { remember, recall } = createCheckedTokens(find)

  return {
    algs,
    find,
    remember,
    async decrypters(alg, kid) {
      if (kid !== undefined) await lookFor(kid)
      return keys.open().decrypters(alg, now(), kid)
    },
    refresh: keys.refresh,
    async rotate(wanted = algs) {
      await keys.refresh()
      return rotate(wanted, 'asked')
    },
    rotateDue,
    reseal,
    jwks: () => keys.open().jwks(now()),
    list,
    pem: (alg, kid) => keys.open().pem(alg, now(), kid),
    knows: (kid) => record.isKnown(keys.document(), kid),
    services: () => remote?.states() ?? [],
    outage(alg) {
      const source = remote && keys.open().current(alg, now())?.remote?.source
      return source === undefined ? undefined : remote?.outage(source, alg)
    },
    signer(alg) {
      const key = keys.open().signer(alg, now())
      if (!key) throw new KeyRingError(`no key for ${alg} was loaded`)
      return key
    },
    canVerifyHint: (kid) => keys.open().findForHint(kid, now()) !== undefined,
    async verifyHint(jwt) {
      const kid = kidOf(jwt)
      if (kid !== undefined) await lookFor(kid)
      return verify({ find: (name) => keys.open().findForHint(name, now()) }, jwt, { typ: idTokenType })
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
