/** The whole trail as lines: a heading, all checkpoints, then each chain. The file verifies offline. docs/audit.md */
import { ownMember } from '../../lib/own_member.ts'
import type { Store } from '../../store/store.ts'
import { schemaVersion } from './kinds.ts'
import type { Newest } from './checkpoints.ts'
import { trailIssuer } from './trail_issuer.ts'
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
