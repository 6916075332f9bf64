/** The provider's keys in the memory of one process: decrypted and ordered, as of the last read of the store. https://www.rfc-editor.org/rfc/rfc7517 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import * as v from 'valibot'
import {
  type DecryptionAlg,
  isSigningAlg,
  type KeyAlg,
  type PublicJwk,
  publicJwk,
  type SigningAlg,
  toPem,
} from '../auth/jwk.ts'
import { type SigningKey, signingKey, type VerificationKey, verificationKey } from '../auth/jws.ts'
import { sha256 } from '../lib/hash.ts'
import { lazy } from '../lib/lazy.ts'
import type { Keys } from '../lib/secret_keys.ts'
import { unseal } from '../lib/seal.ts'
import type { RemoteKeys } from './remote_keys.ts'
import {
  type Document,
  type Entry,
  isRetired,
  KeyRingError,
  RemoteKey,
  sealedIn,
  wrongSecret,
} from './signing_keys.ts'

/**
 * `next` is published and does not sign yet, `current` signs, `previous` only verifies. A decryption key decrypts in
 * all three states.
 * Times in seconds since the epoch.
 */
export interface KeyStatus {
  kid: string
  alg: KeyAlg
  state: 'next' | 'current' | 'previous'
  created_at: number
  activates_at: number
  retires_at?: number | undefined
  /** When the next key of this algorithm is made by itself. */
  rotates_at?: number
  /** The service that has the private key, and which of its keys this is; absent for a key in the record. */
  source?: string
  version?: string
}

/** The published keys; `body` is their JSON and `etag` its quoted hash. */
export interface Jwks {
  body: string
  etag: string
  keys: readonly PublicJwk[]
}

export interface Pem {
  kid: string
  private: string
  public: string
}

/** Unsealed when the document is read. The rest is made at its first use, because most keys never sign in this process. */
interface OpenKey {
  entry: Entry
  /** The private key; absent for one that stays at a service. */
  key?(): KeyObject
  remote?: RemoteKey
  /** Absent for a decryption key, which never signs. */
  signing?(): SigningKey
  verification?(): VerificationKey
  jwk(): PublicJwk
}

/** The state of each key depends on the time alone, so the methods take `now`, in seconds. */
export interface OpenKeys {
  readonly document: Document
  get(kid: string): OpenKey | undefined
  /** The key that signs, or decrypts what is encrypted from now on. */
  current(alg: KeyAlg, now: number): OpenKey | undefined
  signer(alg: SigningAlg, now: number): SigningKey | undefined
  find(kid: string, now: number): VerificationKey | undefined
  /** As `find`, and also a retired key that still verifies hints. */
  findForHint(kid: string, now: number): VerificationKey | undefined
  /** Private keys that can decrypt an `alg` ciphertext, the newest first; the key `kid` alone when it is given. */
  decrypters(alg: DecryptionAlg, now: number, kid?: string): KeyObject[]
  jwks(now: number): Jwks
  list(now: number): KeyStatus[]
  /** The key `kid`, else the current key of `alg`. */
  pem(alg: KeyAlg, now: number, kid?: string): Pem | undefined
}

export interface Openers {
  sealingKey: Keys
  /** Absent where nothing is signed. */
  remote?: RemoteKeys | undefined
}

/** Throws KeyRingError when the entry was sealed under another secret, name or algorithm. */
function openEntry(entry: Entry, { sealingKey, remote }: Openers): OpenKey {
  const { kid, alg } = entry
  const { text, context } = sealedIn(entry)
  const plain = unseal(sealingKey, text, context)
  if (plain === undefined) throw wrongSecret(`the signing key ${kid} was`)
  if (entry.remote !== undefined) return openRemote(entry, v.parse(RemoteKey, JSON.parse(plain)), remote)
  const members = lazy(() => JSON.parse(plain) as Record<string, string>)
  const key = lazy(() => createPrivateKey({ key: members(), format: 'jwk' }))
  const jwk = lazy(() => publicJwk(members(), alg))
  if (!isSigningAlg(alg)) return { entry, key, jwk }
  const signing = lazy(() => signingKey(kid, alg, key()))
  const verification = lazy(() => verificationKey(kid, alg, key()))
  return { entry, key, signing, verification, jwk }
}

/** The public half is that of the record, whatever the service says later. */
function openRemote(entry: Entry, key: RemoteKey, services: RemoteKeys | undefined): OpenKey {
  const { kid, alg } = entry
  const jwk = lazy(() => publicJwk(key.public_jwk, alg))
  if (!isSigningAlg(alg))
    throw new KeyRingError(`the key ${kid} for ${alg} is at a service, which only signs`)
  const signing = lazy(() => {
    if (services) return services.signing(kid, alg, key)
    throw new KeyRingError(`the key ${kid} is at ${key.source}, which is not asked here`)
  })
  const verification = lazy(() =>
    verificationKey(kid, alg, createPublicKey({ key: key.public_jwk, format: 'jwk' })),
  )
  return { entry, remote: key, signing, verification, jwk }
}

/** Opens the keys of `document`. Keys that `before` has opened already are taken from it. */
export function openKeys(document: Document, openers: Openers, before?: OpenKeys): OpenKeys {
  const all = document.keys.map((entry): OpenKey => {
    const known = before?.get(entry.kid)
    // Equal sealed text, bound to the same, is the same key: only its times may have changed.
    const same = known && Bun.deepEquals(sealedIn(known.entry), sealedIn(entry))
    return same ? { ...known, entry } : openEntry(entry, openers)
  })
  const byKid = new Map(all.map((one) => [one.entry.kid, one]))
  /** The newest first, so that the signer is nearly always the first. */
  const byAlg = Map.groupBy([...all].reverse(), ({ entry }) => entry.alg)
  let published: (Jwks & { until: number }) | undefined

  const notRetired = (now: number): OpenKey[] => all.filter(({ entry }) => !isRetired(entry, now))

  function current(alg: KeyAlg, now: number): OpenKey | undefined {
    const candidates = byAlg.get(alg)
    // None is active yet when the clock of the instance that made the first key is ahead: then the first key signs.
    return candidates?.find(({ entry }) => entry.activates_at <= now) ?? candidates?.at(-1)
  }

  /** Clients should not encrypt to a key that will retire: only the newest decryption key is published (Core §10.2.1). */
  const isPublished = ({ entry }: OpenKey): boolean =>
    isSigningAlg(entry.alg) || entry.retires_at === undefined

  function state(entry: Entry, now: number): KeyStatus['state'] {
    if (current(entry.alg, now)?.entry === entry) return 'current'
    return entry.activates_at > now ? 'next' : 'previous'
  }

  const former = new Map(document.former.map((one) => [one.kid, one]))

  function find(kid: string, now: number): VerificationKey | undefined {
    const found = byKid.get(kid)
    return found && !isRetired(found.entry, now) ? found.verification?.() : undefined
  }

  function findFormer(kid: string, now: number): VerificationKey | undefined {
    const waiting = byKid.get(kid)?.verification?.() // retired, and the record has not been settled since
    if (waiting) return waiting
    const found = former.get(kid)
    if (!found || found.until <= now) return undefined
    return verificationKey(kid, found.alg, createPublicKey({ key: found.public_jwk, format: 'jwk' }))
  }

  return {
    document,
    get: (kid) => byKid.get(kid),
    current,
    signer: (alg, now) => current(alg, now)?.signing?.(),
    find,
    findForHint: (kid, now) => find(kid, now) ?? findFormer(kid, now),
    decrypters: (alg, now, kid) =>
      (byAlg.get(alg) ?? [])
        .filter(({ entry }) => !isRetired(entry, now) && (kid === undefined || entry.kid === kid))
        .flatMap(({ key }) => key?.() ?? []),
    jwks(now) {
      if (published && now < published.until) return published
      const shown = notRetired(now).filter(isPublished)
      const keys = shown.map(({ jwk }) => jwk())
      const body = JSON.stringify({ keys })
      const until = Math.min(...shown.map(({ entry }) => entry.retires_at ?? Infinity))
      return (published = { body, etag: `"${sha256(body)}"`, keys, until })
    },
    list: (now) =>
      notRetired(now).map(({ entry, remote }) => {
        const { private_jwk: _, remote: _sealed, ...shown } = entry
        const place = remote && { source: remote.source, version: remote.version }
        return { ...shown, state: state(entry, now), ...place }
      }),
    pem(alg, now, kid) {
      const found = kid === undefined ? current(alg, now) : byKid.get(kid)
      return found?.key && found.entry.alg === alg
        ? { kid: found.entry.kid, ...toPem(found.key()) }
        : undefined
    },
  }
}
