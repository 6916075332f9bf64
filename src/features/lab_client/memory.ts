/** The runs of the playground, in the memory of this instance alone: bounded, one for each browser, for an hour. */
import type { Context } from '../../contracts/context.ts'
import { labBytes } from '../../flow/lab_memory.ts'
import { type BoundedMap, createBoundedMap } from '../../lib/bounded_map.ts'
import { sha256 } from '../../lib/hash.ts'
import { createLabClients, type LabClients } from './clients.ts'
import type { Finding, Values } from './flow.ts'

/** An answer as HTTP; for what a browser brought, without a status and a request id. */
export interface ShownAnswer {
  text: string
  status: number | undefined
  requestId: string | undefined
}

/** A request of a run as it was sent, and what came back. */
export interface RunExchange {
  step: string
  /** Milliseconds. */
  at: number
  /** As HTTP, and as a command. */
  http: string
  curl: string
  /** Undefined while a browser is away with the request. */
  answer?: ShownAnswer | undefined
  findings: readonly Finding[]
}

export interface Run {
  /** A form of another run changes nothing of this one. */
  id: string
  flow: string
  /** Milliseconds. */
  exp: number
  values: Values
  exchanges: readonly RunExchange[]
}

interface Memory {
  runs: BoundedMap<Run>
  /** The key of the run whose ID Token has a `sid`. */
  sids: BoundedMap<string>
  clients: LabClients
}

const lifetime = 3_600_000
const maxBytes = 33_554_432
const maxBytesOfSids = 1_048_576
const bytesOfSid = 300
const mostExchanges = 24

const createMemory = (context: Context): Memory => ({
  runs: createBoundedMap(labBytes(context, maxBytes)),
  sids: createBoundedMap(labBytes(context, maxBytesOfSids)),
  clients: createLabClients(context),
})

/** The same for all requests of one provider. */
const memoryOf = (context: Context): Memory => context.made(createMemory, context)

export const labClients = (context: Context): LabClients => memoryOf(context).clients

/** Characters of UTF-16, and a sum for the objects. */
const bytesOf = (run: Run): number => 2 * JSON.stringify(run).length + 2_000

/** The name of a browser is in its cookie; here is a hash of it. */
const keyOf = (browser: string): string => sha256(`lab client\n${browser}`)

function keep(context: Context, key: string, run: Run): void {
  const { runs, sids } = memoryOf(context)
  runs.set(key, run, bytesOf(run))
  if (run.values.sid !== undefined) sids.set(run.values.sid, key, bytesOfSid)
}

function findByKey(context: Context, key: string): Run | undefined {
  const { runs } = memoryOf(context)
  const run = runs.get(key)
  if (!run || run.exp > context.clock.now()) return run
  runs.delete(key)
  return undefined
}

/** The run of this browser. Undefined for a browser without a name. */
export const findRun = (context: Context, browser: string | undefined): Run | undefined =>
  browser === undefined ? undefined : findByKey(context, keyOf(browser))

/** A new run in place of the one that the browser had. */
export const beginRun = (context: Context, browser: string, { flow, values }: Pick<Run, 'flow' | 'values'>) =>
  keep(context, keyOf(browser), {
    id: context.random(9),
    flow,
    values,
    exp: context.clock.now() + lifetime,
    exchanges: [],
  })

/** Adds an exchange and what the client holds since. Does nothing when the run has ended in between. */
export function addExchange(
  context: Context,
  browser: string,
  run: Pick<Run, 'id'>,
  { exchange, values = {} }: { exchange: RunExchange; values?: Values | undefined },
): void {
  const current = findRun(context, browser)
  if (current?.id !== run.id) return
  keep(context, keyOf(browser), {
    ...current,
    values: { ...current.values, ...values },
    // The answer that a browser brings completes the request with which it left.
    exchanges: [...current.exchanges.filter((each) => each.answer), exchange].slice(-mostExchanges),
  })
}

/** Adds what the client was told of the session `sid`. A request with which the browser is away stays open. */
export function addTold(context: Context, sid: string, told: RunExchange): void {
  const key = memoryOf(context).sids.get(sid)
  const run = key === undefined ? undefined : findByKey(context, key)
  if (key === undefined || run?.values.sid !== sid) return
  keep(context, key, { ...run, exchanges: [...run.exchanges, told].slice(-mostExchanges) })
}

/** The request with which the browser left last, if it has brought no answer. */
export const openExchange = ({ exchanges }: Run): RunExchange | undefined =>
  exchanges.findLast((each) => each.answer === undefined)
