/** The recorder of the teaching lab: hears what the provider does for a request, and keeps it as flows. docs/decisions/0092-recorder.md */
import { AsyncLocalStorage } from 'node:async_hooks'
import { listenToChecks, type MadeCheck } from '../../auth/check.ts'
import { createBoundedMap } from '../../lib/bounded_map.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { type Random, systemRandom } from '../../lib/random.ts'
import type { Arrival, Recorder } from '../../lib/recorder.ts'
import { utf8 } from '../../lib/bytes.ts'
import { beginExchange, type Running } from './exchange.ts'
import { createFlows, type Flows } from './flows.ts'
import { isOfFlow } from './flow_kinds.ts'
import { createMask } from './mask.ts'

/** The request that runs, and the recorder that keeps it. */
interface Active {
  recorder: object
  running: Running
  check(made: MadeCheck): void
}

/** Hears the checks of the process, once for all recorders: each check is of the request that runs. */
export interface Listening {
  readonly active: AsyncLocalStorage<Active>
  close(): void
}

export function listen(): Listening {
  const active = new AsyncLocalStorage<Active>()
  return { active, close: listenToChecks((made) => active.getStore()?.check(made)) }
}

export interface FlowRecorder extends Recorder {
  readonly flows: Flows
  readonly listening: Listening
  /** Stops listening. */
  close(): void
}

/** A job has no request. */
const ofJob = (name: string): Arrival => ({
  method: '',
  url: '',
  headers: [],
  body: () => undefined,
  endpoint: { name, page: false },
})

/** Of all flows, about: some thousand authorizations with their pages, and little beside what a provider of a class takes. */
const maxBytes = 67_108_864

/** Of the usernames that are remembered by subject. */
const bytesOfNames = 524_288

export function openRecorder(
  { clock, random = systemRandom, log }: { clock: Clock; random?: Random; log?: Pick<Log, 'error'> },
  showSecrets: boolean,
  bytes = maxBytes,
  shared?: Listening,
): FlowRecorder {
  const listening = shared ?? listen()
  const { active } = listening
  const key = utf8(random(33))
  const flows = createFlows(bytes, () => random(9))
  const usernames = createBoundedMap<string>(bytesOfNames)
  /** A request is answered, whatever its recording throws. */
  const failed = (error: unknown): void => log?.error('exchange_not_recorded', { problem: String(error) })
  const hear = (told: (running: Running) => void): void => {
    const now = active.getStore()
    if (now?.recorder !== flows) return // of none, or of a recorder of another realm
    try {
      told(now.running)
    } catch (error) {
      failed(error)
    }
  }
  const begin = (arrival: Arrival): Running =>
    beginExchange(arrival, { mask: createMask(key, showSecrets), now: clock.now(), usernames })
  const check = (made: MadeCheck): void => hear((running) => running.check(made))
  const within = <T>(running: Running, work: () => T): T =>
    active.run({ recorder: flows, running, check }, work)
  return {
    flows,
    listening,
    close: () => (shared ? undefined : listening.close()),
    store: (event) => hear((running) => running.store(event)),
    signed: (_kid, _alg, input) => hear((running) => running.signature('signed', input, true, 'provider')),
    verified: (jwt, held, whose = 'provider') =>
      hear((running) => running.signature('verified', jwt, held, whose)),
    outbound: (event) => hear((running) => running.outbound(event)),
    log: (level, event, fields) => hear((running) => running.log(level, event, fields)),
    async later(job, record, work) {
      const at = clock.now()
      const running = begin(ofJob(job))
      try {
        return await within(running, work)
      } finally {
        try {
          flows.later(record, { job, at, ...running.done() })
        } catch (error) {
          failed(error)
        }
      }
    },
    async exchange(arrival, answer, read, kept) {
      const running = begin(arrival)
      const given = await within(running, answer)
      try {
        const ended = running.end(await read(given))
        if (ended.links.size === 0 && !isOfFlow(ended.exchange.endpoint)) return given
        const flow = flows.add(ended)
        if (flow !== undefined) kept?.({ flow, request: ended.exchange.id })
      } catch (error) {
        failed(error)
      }
      return given
    },
  }
}
