/** Our keys as one process sees them between two reads of the store: opened, ordered, ready. https://www.rfc-editor.org/rfc/rfc7517 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
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
import { unseal } from '../lib/seal.ts'
import { type Document, type Entry, isRetired, sealContext, wrongSecret } from './signing_keys.ts'

/**
 * `next` is published and waits, `current` signs, `previous` only verifies. A key that decrypts does so in all three.
 * Times in seconds since the epoch.
 */
export interface KeyStatus {
  kid: string
  alg: KeyAlg
  state: 'next' | 'current' | 'previous'
  created_at: number
  activates_at: number
  retires_at?: number | undefined
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

interface Held {
  entry: Entry
  key: KeyObject
  /** For keys that sign alone: a key that decrypts never does. */
  signing?: SigningKey
  verification?: VerificationKey
  jwk: PublicJwk
}

/** Which key does what depends on the time alone, so all questions take `now`, in seconds. */
export interface OpenKeys {
  readonly document: Document
  held(kid: string): Held | undefined
  signer(alg: SigningAlg, now: number): SigningKey | undefined
  find(kid: string, now: number): VerificationKey | undefined
  /** Private keys that decrypt what was encrypted with `alg`, newest first; of that `kid` alone when one is given. */
  decrypters(alg: DecryptionAlg, now: number, kid?: string): KeyObject[]
  jwks(now: number): Jwks
  list(now: number): KeyStatus[]
  /** The key named, or the one that signs now. */
  pem(alg: KeyAlg, now: number, kid?: string): Pem | undefined
}

/** Throws KeyRingError when the entry was sealed under another secret, name or algorithm. */
function openEntry(entry: Entry, sealingKey: Uint8Array): Held {
  const { kid, alg } = entry
  const plain = unseal(sealingKey, entry.private_jwk, sealContext(kid, alg))
  if (plain === undefined) throw wrongSecret(`the signing key ${kid} was`)
  const key = createPrivateKey({ key: JSON.parse(plain) as Record<string, string>, format: 'jwk' })
  const jwk = publicJwk(createPublicKey(key).export({ format: 'jwk' }), alg)
  if (!isSigningAlg(alg)) return { entry, key, jwk }
  return { entry, key, signing: signingKey(kid, alg, key), verification: verificationKey(kid, alg, key), jwk }
}

/** Opens the keys of `document`. What `before` holds of them is kept, with the headers it has encoded. */
export function openKeys(document: Document, sealingKey: Uint8Array, before?: OpenKeys): OpenKeys {
  const all = document.keys.map((entry): Held => {
    const known = before?.held(entry.kid)
    // The same sealed text is the same key: only its times may have changed.
    const same = known?.entry.private_jwk === entry.private_jwk && known.entry.alg === entry.alg
    return known && same ? { ...known, entry } : openEntry(entry, sealingKey)
  })
  const byKid = new Map(all.map((one) => [one.entry.kid, one]))
  /** Newest first, so that the signer is nearly always the first. */
  const byAlg = Map.groupBy([...all].reverse(), ({ entry }) => entry.alg)
  let published: (Jwks & { until: number }) | undefined

  const alive = (now: number): Held[] => all.filter(({ entry }) => !isRetired(entry, now))

  function current(alg: KeyAlg, now: number): Held | undefined {
    const candidates = byAlg.get(alg)
    // None is active when the clock of whoever made the first one is ahead of ours: then that one is.
    return candidates?.find(({ entry }) => entry.activates_at <= now) ?? candidates?.at(-1)
  }

  /** Nobody should encrypt to a key that is to go: of those that decrypt the newest alone is shown (Core §10.2.1). */
  const isShown = ({ entry }: Held): boolean => isSigningAlg(entry.alg) || entry.retires_at === undefined

  function state(entry: Entry, now: number): KeyStatus['state'] {
    if (current(entry.alg, now)?.entry === entry) return 'current'
    return entry.activates_at > now ? 'next' : 'previous'
  }

  return {
    document,
    held: (kid) => byKid.get(kid),
    signer: (alg, now) => current(alg, now)?.signing,
    find(kid, now) {
      const found = byKid.get(kid)
      return found && !isRetired(found.entry, now) ? found.verification : undefined
    },
    decrypters: (alg, now, kid) =>
      (byAlg.get(alg) ?? [])
        .filter(({ entry }) => !isRetired(entry, now) && (kid === undefined || entry.kid === kid))
        .map(({ key }) => key),
    jwks(now) {
      if (published && now < published.until) return published
      const shown = alive(now).filter(isShown)
      const keys = shown.map(({ jwk }) => jwk)
      const body = JSON.stringify({ keys })
      const until = Math.min(...shown.map(({ entry }) => entry.retires_at ?? Infinity))
      return (published = { body, etag: `"${sha256(body)}"`, keys, until })
    },
    list: (now) =>
      alive(now).map(({ entry }) => {
        const { private_jwk: _, ...shown } = entry
        return { ...shown, state: state(entry, now) }
      }),
    pem(alg, now, kid) {
      const found = kid === undefined ? current(alg, now) : byKid.get(kid)
      return found?.entry.alg === alg ? { kid: found.entry.kid, ...toPem(found.key) } : undefined
    },
  }
}
