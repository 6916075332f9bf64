/** Checkpoints: what EdDSA signs, so that anyone can verify all chains with the public key alone. docs/audit.md */
import * as v from 'valibot'
import { sign, type SigningKey, type VerificationKeys, verify } from '../../auth/jws.ts'
import { sha256 } from '../../lib/hash.ts'
import { genesis } from './entry.ts'

const checkpointType = 'latchkey-audit+jwt'
/** Characters of a checkpoint: marks of its entries, and a position of each chain. */
export const longestCheckpoint = 1_048_576
/** Entries of one chain that one checkpoint covers. */
export const entriesOfCheckpoint = 2_000
/** Entries of all chains that one checkpoint covers: their marks take about half of `longestCheckpoint`. */
export const mostMarks = 60_000

const whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const digest = v.pipe(v.string(), v.regex(/^[\w-]{43}$/))

/** A position of a chain at the end of a segment. `hash` covers the digests of all entries up to it. */
const Covered = v.object({ seq: whole, batch: whole, mac: digest, time: whole, hash: digest })
export type Covered = v.InferOutput<typeof Covered>

const Checkpoint = v.object({
  iss: v.string(),
  number: v.pipe(whole, v.minValue(1)),
  /** The oldest checkpoint that is still needed. */
  first: v.pipe(whole, v.minValue(1)),
  /** SHA-256 of the checkpoint before it; empty for the first one. */
  prev: v.union([v.literal(''), digest]),
  /** Milliseconds. */
  time: whole,
  /** `base`: all entries up to it were dropped. */
  chains: v.record(v.string(), v.object({ ...Covered.entries, base: Covered })),
  /** The new entries. `marks` has eight characters of the digest of each, so that the one that is wrong can be named. */
  segments: v.array(v.object({ chain: v.string(), from: whole, to: whole, marks: v.string() })),
})
export type Checkpoint = v.InferOutput<typeof Checkpoint>
export type Segment = Checkpoint['segments'][number]

export const markLength = 8
export const markOf = (digest: string): string => digest.slice(0, markLength)

/** The hash after a segment: over the hash before it and all digests in full. */
export const hashAfter = (before: string, digests: readonly string[]): string =>
  sha256(before + digests.join(''))

export const beginning = (issuer: string, chain: string): Covered => {
  const start = genesis(issuer, chain)
  return { seq: 0, batch: 0, mac: start, time: 0, hash: start }
}

/** Ed25519 signs on this thread, so there is no promise. */
export const signCheckpoint = (key: SigningKey, checkpoint: Checkpoint): string =>
  sign(key, checkpointType, checkpoint) as string

/** Undefined for what these keys did not sign. It may be of any number: the caller compares it with the place. */
export function readCheckpoint(keys: VerificationKeys, jws: string): Checkpoint | undefined {
  const payload = verify(keys, jws, { typ: checkpointType, algs: ['EdDSA'], longest: longestCheckpoint })
  const read = v.safeParse(Checkpoint, payload)
  return read.success ? read.output : undefined
}
