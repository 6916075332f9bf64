/** What the lab remembers of one provider, in the memory of this instance alone. It ends with the process, and with a change of the configuration. */
import type { Context } from '../../contracts/context.ts'
import { labBytes } from '../../flow/lab_memory.ts'
import { type BoundedMap, createBoundedMap } from '../../lib/bounded_map.ts'
import { hmac } from '../../lib/hash.ts'
import type { Failure, History } from './failure.ts'
import { createKept, type Kept } from './kept.ts'

export interface Memory {
  failures: Kept<Failure>
  /** Refusals that are a regular part of a flow, such as `authorization_pending`: a client that polls must not push the others out. */
  routine: Kept<Failure>
  /** Failures that are being read, by request id: a page that is asked for at once waits for them. */
  reading: Map<string, Promise<void>>
  /** By grant id. */
  histories: BoundedMap<History>
  /** The grant id of each code_challenge. */
  challenges: BoundedMap<string>
  /** The ids of refusals that a browser did not let the page read, either. */
  blocked: BoundedMap<true>
  /**
   * A mark by which a reader sees that two secrets are one. It has 16 bits, too few to confirm a guess that is sent to see
   * its mark, and a key derived from SECRET_KEY, without which none can be computed.
   */
  mark(value: string): string
}

const maxBytes = {
  failures: 8_388_608,
  routine: 1_048_576,
  histories: 2_097_152,
  challenges: 1_048_576,
  blocked: 262_144,
}

/** The failure of a request id. */
export const findFailure = async (context: Context, id: string): Promise<Failure | undefined> => {
  const { failures, routine, reading } = memoryOf(context)
  await reading.get(id)
  return failures.find(id) ?? routine.find(id)
}

function createMemory(context: Context): Memory {
  const key = context.secrets.lasting('lab errors')
  const most = (name: keyof typeof maxBytes): number => labBytes(context, maxBytes[name])
  return {
    failures: createKept(most('failures')),
    routine: createKept(most('routine')),
    reading: new Map(),
    histories: createBoundedMap(most('histories')),
    challenges: createBoundedMap(most('challenges')),
    blocked: createBoundedMap(most('blocked')),
    mark: (value) => Buffer.from(hmac(key, value), 'base64url').toString('hex').slice(0, 4),
  }
}

/** The same for all requests of one provider, HEAD included. */
export const memoryOf = (context: Context): Memory => context.made(createMemory, context)
