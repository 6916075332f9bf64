/** The whole trail as lines: a heading, all checkpoints, then each chain. The file verifies offline. docs/audit.md */
import { ownMember } from '../../lib/own_member.ts'
import type { Store } from '../../store/store.ts'
import { schemaVersion } from './kinds.ts'
import type { Newest } from './checkpoints.ts'
import { trailIssuer } from './trail_issuer.ts'
import type { Part } from './part.ts'
import { batchesOf, chainsOf, checkpointKey } from './stored.ts'

interface Parts {
  store: Store
  issuer: string
}

export async function* exportLines(
  { store, issuer }: Parts,
  newest: Newest | undefined,
): AsyncGenerator<string> {
  yield JSON.stringify({ latchkey_audit: schemaVersion, iss: trailIssuer(newest, issuer) })
  for (let number = newest?.checkpoint.first ?? 1; number <= (newest?.number ?? 0); number += 1) {
    const jws = await store.get(checkpointKey(number))
    if (jws !== undefined) yield JSON.stringify({ checkpoint: jws })
  }
  const known = await chainsOf(store)
  for (const chain of [
    ...new Set([...Object.keys(newest?.checkpoint.chains ?? {}), ...known.keys()]),
  ].toSorted()) {
    const from = ownMember(newest?.checkpoint.chains ?? {}, chain)?.base.batch ?? 0
    for await (const { lines } of batchesOf(store, chain, from, known.get(chain) ?? 0)) yield* lines ?? []
  }
}

/** The lines of a part, which `verifyTrail` verifies with its `after`. */
export async function* partLines(
  { store, issuer }: Parts,
  newest: Newest,
  part: Part,
): AsyncGenerator<string> {
  yield JSON.stringify({ latchkey_audit: schemaVersion, iss: trailIssuer(newest, issuer) })
  for (let number = part.first; number <= part.last; number += 1) {
    const jws = await store.get(checkpointKey(number))
    if (jws !== undefined) yield JSON.stringify({ checkpoint: jws })
  }
  for (const chain of Object.keys(part.until).toSorted()) {
    const until = part.until[chain]!
    for await (const { batch, lines } of batchesOf(store, chain, part.after[chain]?.batch ?? 0, until)) {
      if (batch > until) break
      yield* lines ?? []
    }
  }
}

/** What a verification keeps: the checkpoints. Entries are read once. */
export interface Bounds {
  lines: number
  /** Characters of all checkpoints. */
  checkpoints: number
}

/** Of a verification that a request waits for: some seconds, and some hundred megabytes. */
export const boundsOfRequest: Bounds = { lines: 500_000, checkpoints: 67_108_864 }

/** Throws what `tooLong` makes when there are more. */
export async function* within(
  lines: AsyncIterable<string>,
  bounds: Bounds,
  tooLong: () => Error,
): AsyncGenerator<string> {
  let [count, characters] = [0, 0]
  for await (const line of lines) {
    count += 1
    if (line.startsWith('{"checkpoint"')) characters += line.length
    if (count > bounds.lines || characters > bounds.checkpoints) throw tooLong()
    yield line
  }
}
