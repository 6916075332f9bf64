/** The whole lab: provider, client, API, attacker and board, in the order in which they need each other. */
import { type Addresses, addressesAt } from './addresses.ts'
import { startApi } from './api/main.ts'
import { startAttacker } from './attacker/main.ts'
import { startBoard } from './board/main.ts'
import { startClient } from './client/main.ts'
import { createJournal, type Journal } from './journal.ts'
import type { Running } from './lab.ts'
import { type RunningProvider, startProvider } from './provider.ts'
import { startDoor } from './stand_ins/door.ts'
import { startInside } from './stand_ins/inside.ts'

export interface RunningLab extends Running {
  at: Addresses
  journal: Journal
}

export async function startLab(ports: readonly number[]): Promise<RunningLab> {
  const at = addressesAt(ports)
  const journal = createJournal()
  const lab = { at, weak: journal.weak, note: journal.note }
  const started: Running[] = []
  let provider: RunningProvider | undefined
  const stop = async () => {
    for (const each of started.splice(0).toReversed()) await each.stop()
  }
  try {
    // First what can fail at once: a port that is in use.
    for (const start of [startClient, startApi, startAttacker, startDoor, startInside])
      started.push(await start(lab))
    started.push(startBoard(at, journal, async () => provider?.caughtUp()))
    provider = await startProvider(lab)
    started.push(provider)
  } catch (error) {
    await stop()
    throw error
  }
  return { at, journal, stop }
}
