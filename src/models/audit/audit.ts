/** The audit trail of one process: its chain, checkpoints and pseudonyms. docs/decisions/0078-audit-trail.md */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { clientRangeOf } from '../../lib/address.ts'
import { type Clock } from '../../lib/clock.ts'
import { deriveKey, hmac, hmacOfLength, sha256 } from '../../lib/hash.ts'
import type { Log } from '../../lib/log.ts'
import { ownMember } from '../../lib/own_member.ts'
import { systemRandom } from '../../lib/random.ts'
import { deriveKeys, type SecretValues } from '../../lib/secret_keys.ts'
import type { Store } from '../../store/store.ts'
import { type KeyRing, loadKeyRing } from '../key_ring.ts'
import type { KeyStorage } from '../key_ring_options.ts'
import { recordName, WrongSecretError } from '../signing_keys.ts'
import { beginning, entriesOfCheckpoint } from './checkpoint.ts'
import { trailIssuer } from './trail_issuer.ts'
import { type Checkpoints, createCheckpoints } from './checkpoints.ts'
import { type Line, linkLength, type MacKey, readLine } from './entry.ts'
import { createFold } from './fold.ts'
import { batchKey, chainsOf, type Position, walk } from './stored.ts'
import { createTrail, type Draft, type Trail } from './trail.ts'

export interface Audit extends Trail {
  /** Ed25519 keys that sign checkpoints. */
  ring: KeyRing
  checkpoints: Checkpoints
  keys: readonly MacKey[]
  /** A name of this process that no other has. */
  instance: string
  /** The account of the operating system that runs this process. */
  operator: string
  /** The pseudonym of an End-User. Nothing turns it back into the `sub`. */
  pseudonym(sub: string): string
  /** Stands for a secret: two that are equal have the same one. */
  fingerprint(secret: string): string
  /** The trace of the request, where this provider has traces. Without, it is the one that the caller names. */
  traceId?: () => string | undefined
  /** A refusal, which is counted where there are many alike. */
  refusal(draft: Draft): void
  /** Called every few seconds: signs what is new, when `interval` (seconds) is over or much has come. */
  tick(interval: number): Promise<void>
}

export interface AuditSettings {
  issuer: string
  secretKey: SecretValues
  /** The key of pseudonyms, which stays the same when SECRET_KEY changes. */
  people: Uint8Array
  /** Values of AUDIT_SIGNING_KEY: the first signs. */
  signingKeys: readonly string[]
  chain: string
  operator: string
}

interface Parts {
  store: Store
  clock: Clock
  log: Log
}

/** The purpose of the key of pseudonyms, below the lasting root. */
export const pseudonymPurpose = 'audit people'

export const pseudonymBy = (key: Uint8Array | KeyObject, sub: string): string => hmac(key, sub).slice(0, 24)

export const macKeysOf = (values: readonly string[]): MacKey[] =>
  values.map((value) => {
    const secret = deriveKey(value, 'audit')
    return {
      id: sha256(secret).slice(0, 8),
      secret: createSecretKey(secret),
      ofLink: hmacOfLength(secret, linkLength),
    }
  })

/** The key ring of checkpoints is a record beside that of the signing keys. */
const ownRecord = (store: KeyStorage): KeyStorage => {
  const named = (key: string) => (key === recordName ? 'audit_key_ring' : key)
  return {
    get: (key) => store.get(named(key)),
    create: (key, value) => store.create(named(key), value),
    replace: (key, before, after) => store.replace(named(key), before, after),
    ...(store.time && { time: () => store.time!() }),
  }
}

/** Seconds for which a public key stays published, so that an old export can be verified years later. */
const forGood = 3_000_000_000

/** Of checkpoints. Where there is none yet, the first one is made. */
export const openAuditKeys = ({ store, clock, log }: Parts, secretKey: SecretValues): Promise<KeyRing> =>
  loadKeyRing({
    storage: ownRecord(store),
    sealingKey: deriveKeys(secretKey, 'audit checkpoints'),
    clock,
    log,
    algs: ['EdDSA'],
    activationDelay: 0,
    retention: forGood,
  }).catch((error: unknown) => {
    throw error instanceof WrongSecretError ? new WrongSecretError(lostWords, { cause: error }) : error
  })

const lostWords =
  'the keys that sign checkpoints of the audit trail were not sealed with this SECRET_KEY. Start with the SECRET_KEY that ' +
  'sealed them, as the only or as a further value. If it is lost, leave AUDIT_SIGNING_KEY out: no checkpoint can follow those ' +
  'that are there'

/** Those that are there; undefined in a store that never had a trail. */
export const findAuditKeys = async (parts: Parts, secretKey: SecretValues): Promise<KeyRing | undefined> =>
  (await ownRecord(parts.store).get(recordName)) === undefined ? undefined : openAuditKeys(parts, secretKey)

/** Where this process goes on: after all that is as it was written. */
async function resume(
  { store }: Parts,
  { chain, issuer }: AuditSettings,
  { checkpoints, keys }: { checkpoints: Checkpoints; keys: readonly MacKey[] },
): Promise<{ position: Position; hasStopped: boolean; began: string; problem?: string }> {
  const newest = await checkpoints.newest()
  const began = trailIssuer(newest, issuer)
  const covered = ownMember(newest?.checkpoint.chains ?? {}, chain) ?? beginning(began, chain)
  const known = (await chainsOf(store)).get(chain) ?? 0
  const {
    position,
    last = await lastOf(store, chain, covered),
    problem,
  } = await walk(store, chain, covered, { known, keys })
  // What cannot be read, or is not the entry that the position names, does not say that the process before stopped.
  const hasStopped = position.seq === 0 || last?.entry?.kind === 'stopped'
  return { position, hasStopped, began, ...(problem !== undefined && { problem }) }
}

/** The line at a position, as long as it is the one that the checkpoint has signed. */
async function lastOf(store: Store, chain: string, { batch, mac }: Position): Promise<Line | undefined> {
  const line = readLine((await store.get(batchKey(chain, batch)))?.split('\n').at(-1) ?? '')
  return line?.mac === mac ? line : undefined
}

/** Opens the chain and says what was before: a gap, where the process before did not stop as it should. */
export async function openAudit(parts: Parts, settings: AuditSettings, isServer: boolean): Promise<Audit> {
  const { store, clock, log } = parts
  const { issuer, secretKey, chain, operator } = settings
  const keys = macKeysOf(settings.signingKeys)
  const ring = await openAuditKeys(parts, secretKey)
  const people = createSecretKey(settings.people)
  const secrets = deriveKey(settings.signingKeys[0]!, 'audit fingerprints')
  let audit: Audit | undefined
  const early: string[] = []
  const damaged = (problem: string) => {
    log.error('audit_trail_damaged', { problem })
    if (!audit) return void early.push(problem)
    audit.later(damage(problem))
  }
  const checkpoints = createCheckpoints({ store, log, clock, issuer, keys, ring, damaged })
  const { position, hasStopped, began, problem } = await resume(parts, settings, { checkpoints, keys })
  if (isServer && began !== issuer) log.warn('audit_issuer_differs', { trail: began, issuer })
  if (problem !== undefined) damaged(problem)
  const trail = createTrail({ store, clock, log, chain, keys }, position)
  const fold = createFold<Draft>(clock)
  let signedAt = 0
  let signedUpTo = position.seq
  audit = {
    ...trail,
    ring,
    checkpoints,
    keys,
    instance: `${chain}:${systemRandom(12)}`,
    operator,
    pseudonym: (sub) => pseudonymBy(people, sub),
    fingerprint: (secret) => `sha256:${hmac(secrets, secret).slice(0, 16)}`,
    refusal(draft) {
      // One client can use all addresses of an IPv6 network.
      if (fold.admits(`${draft.reason}\n${clientRangeOf(draft.address ?? '')}`, draft)) trail.later(draft)
    },
    async tick(interval) {
      for (const { like, count } of fold.take())
        trail.later({ ...like, kind: 'refusals_counted', details: { count } })
      const isFull = (trail.recent(signedUpTo)?.digests.length ?? 0) >= entriesOfCheckpoint
      const passed = clock.now() - signedAt
      if (!isFull && passed >= 0 && passed < interval * 1000) return
      const newest = await checkpoints.extend(trail)
      signedAt = clock.now()
      signedUpTo = newest?.checkpoint.chains[chain]?.seq ?? signedUpTo
    },
  }
  for (const each of early) trail.later(damage(each))
  if (isServer && !hasStopped)
    await trail.keep({
      kind: 'audit_gap',
      outcome: 'failure',
      reason: 'not_stopped',
      actor: 'server',
      details: { since: new Date(position.time).toISOString() },
    })
  return audit
}

const damage = (problem: string): Draft => ({
  kind: 'audit_trail_damaged',
  outcome: 'failure',
  actor: 'server',
  details: { problem: problem.slice(0, 500) },
})
