/** The flows of recorded exchanges: one that touches the record of a flow continues it. Bounded by bytes; the flow that was quiet the longest goes first. */
import type { Ended, Later } from './exchange.ts'
import { isOfRequest, isSignOutLink } from './links.ts'
import type { Exchange, Flow } from './recorded.ts'

/** A flow with what the list needs. */
interface Kept {
  id: string
  exchanges: Entry[]
  /** How many of its exchanges have each key. */
  links: Map<string, number>
  bytes: number
  dropped: number
}

interface Entry {
  exchange: Exchange
  bytes: number
  links: readonly string[]
  queued: readonly string[]
}

/** What a job did, and when it began: milliseconds by the clock of the provider. */
export type JobSteps = Later & { job: string; at: number }

export interface Flows {
  /** The id of the flow; undefined for an exchange that is too large to keep. */
  add(ended: Ended): string | undefined
  /** Adds the steps of a job to the exchange that queued the record, else to the flow whose records they touch. */
  later(record: string, done: JobSteps): void
  /** Newest first, by their last exchange. */
  list(): Flow[]
  find(id: string): Flow | undefined
  /** The flow of a request id. */
  ofRequest(id: string): Flow | undefined
  clear(): void
  /** Rises with each change. */
  version(): number
  /** The memory that all flows take with what waits for one, about. */
  bytes(): number
}

/** Where steps of a job go. */
interface Place {
  flow: Kept
  entry: Entry
}

/** Steps of one exchange with those of its jobs. */
const mostSteps = 600
/** The part of the bound for jobs whose request is not kept: deliveries of a process before, or without a flow. */
const partOfEarly = 1 / 16

/** A character of JSON takes up to two bytes, and objects more than their text. */
const bytesPerCharacter = 3
const bytesPerLink = 200

const flowOf = ({ id, exchanges, dropped }: Kept): Flow => ({
  id,
  exchanges: exchanges.map((each) => each.exchange),
  dropped,
})

const newFlow = (id: string): Kept => ({ id, exchanges: [], links: new Map(), bytes: 0, dropped: 0 })

/** `nextId` makes an identifier that cannot be guessed. */
export function createFlows(maxBytes: number, nextId: () => string): Flows {
  // In order of the last exchange, the oldest first: a flow that gets another one moves to the end.
  const flows = new Map<string, Kept>()
  const byLink = new Map<string, Kept>()
  const byRequest = new Map<string, Kept>()
  const byQueued = new Map<string, Place>()
  /** Of requests that have no answer yet: a delivery may be faster. */
  const early = new Map<string, { done: JobSteps; bytes: number }>()
  let earlyBytes = 0
  let total = 0
  let changes = 0

  function forget({ exchange, queued }: Entry): void {
    byRequest.delete(exchange.id)
    for (const each of queued) byQueued.delete(each)
  }
  const remove = (flow: Kept): void => {
    flows.delete(flow.id)
    for (const link of flow.links.keys()) byLink.delete(link)
    for (const entry of flow.exchanges) forget(entry)
    total -= flow.bytes
  }
  /** The flow of these keys, if it is one. */
  function flowOfAll(links: readonly string[]): Kept | undefined {
    const [found, ...others] = new Set(links.flatMap((link) => byLink.get(link) ?? []))
    return others.length === 0 ? found : undefined
  }
  /**
   * An exchange that touches several flows continues that of its own code, interaction or such, else none: a sign-out ends
   * the grants of many, and is no part of each. Its page, its form and what follows are one flow.
   */
  const continued = (links: readonly string[]): Kept | undefined =>
    flowOfAll(links.filter(isSignOutLink)) ?? flowOfAll(links) ?? flowOfAll(links.filter(isOfRequest))
  /** Keys of other flows stay theirs. */
  function put(
    flow: Kept,
    { exchange, queued: keys }: Ended,
    bytes: number,
    touched: readonly string[],
  ): void {
    const links = touched.filter((link) => (byLink.get(link) ?? flow) === flow)
    for (const link of links) {
      byLink.set(link, flow)
      flow.links.set(link, (flow.links.get(link) ?? 0) + 1)
    }
    const entry: Entry = { exchange, bytes, links, queued: [...keys] }
    flow.exchanges.push(entry)
    byRequest.set(exchange.id, flow)
    for (const each of keys) byQueued.set(each, { flow, entry })
    flow.bytes += bytes
    total += bytes
  }
  /** A key goes with the last exchange that has it. */
  function drop(flow: Kept, at: number): void {
    const [gone] = flow.exchanges.splice(at, 1)
    forget(gone!)
    flow.bytes -= gone!.bytes
    total -= gone!.bytes
    flow.dropped += 1
    for (const link of gone!.links) {
      const count = flow.links.get(link)! - 1
      flow.links.set(link, count)
      if (count > 0) continue
      flow.links.delete(link)
      byLink.delete(link)
    }
  }
  /** A flow that lasts, such as one with many refreshes, keeps its beginning and its end. */
  function shorten(flow: Kept): void {
    while (flow.bytes > maxBytes / 8 && flow.exchanges.length > 2)
      drop(flow, Math.min(4, flow.exchanges.length >> 1))
  }

  function placeOf(links: readonly string[]): Place | undefined {
    const flow = flowOfAll(links)
    const entry = flow?.exchanges.at(-1)
    return flow && entry && { flow, entry }
  }
  /** The exchange is replaced: a reader may have it. */
  function append({ flow, entry }: Place, { job, at, steps, queued }: JobSteps): void {
    const { exchange } = entry
    if (exchange.steps.length + steps.length > mostSteps) return
    const late = at - exchange.at
    const added = steps.map((each) => ({ ...each, at: Math.max(0, late + each.at), job }))
    entry.exchange = { ...exchange, steps: [...exchange.steps, ...added] }
    const bytes = JSON.stringify(added).length * bytesPerCharacter + queued.size * bytesPerLink
    for (const part of [entry, flow]) part.bytes += bytes
    total += bytes
    for (const each of queued) byQueued.set(each, { flow, entry })
    entry.queued = [...entry.queued, ...queued]
  }
  /** Undefined when none waits under this key. */
  function takeEarly(record: string): JobSteps | undefined {
    const found = early.get(record)
    early.delete(record)
    earlyBytes -= found?.bytes ?? 0
    return found?.done
  }
  function keepEarly(record: string, done: JobSteps): void {
    takeEarly(record)
    const keys = 1 + done.links.size + done.queued.size
    const bytes = JSON.stringify(done.steps).length * bytesPerCharacter + keys * bytesPerLink
    early.set(record, { done, bytes })
    earlyBytes += bytes
    for (const oldest of early.keys()) {
      if (earlyBytes <= maxBytes * partOfEarly) break
      takeEarly(oldest)
    }
  }
  function makeRoom(): void {
    for (const oldest of flows.values()) {
      if (total + earlyBytes <= maxBytes) break
      remove(oldest)
    }
  }

  return {
    add(ended) {
      const { exchange, links, queued } = ended
      const keys = links.size + queued.size
      const bytes = JSON.stringify(exchange).length * bytesPerCharacter + keys * bytesPerLink
      if (bytes > maxBytes / 8) return undefined
      const touched = [...links]
      const flow = continued(touched) ?? newFlow(nextId())
      put(flow, ended, bytes, touched)
      flows.delete(flow.id)
      flows.set(flow.id, flow)
      shorten(flow)
      for (const record of queued) {
        const done = takeEarly(record)
        if (done) append({ flow, entry: flow.exchanges.at(-1)! }, done)
      }
      makeRoom()
      changes += 1
      return flow.id
    },
    later(record, done) {
      const place = byQueued.get(record) ?? placeOf([...done.links])
      if (place) append(place, done)
      else keepEarly(record, done)
      makeRoom()
      if (place) changes += 1
    },
    list: () => [...flows.values()].reverse().map(flowOf),
    find(id) {
      const flow = flows.get(id)
      return flow && flowOf(flow)
    },
    ofRequest(id) {
      const flow = byRequest.get(id)
      return flow && flowOf(flow)
    },
    clear() {
      flows.clear()
      for (const index of [byLink, byRequest, byQueued, early]) index.clear()
      total = 0
      earlyBytes = 0
      changes += 1
    },
    version: () => changes,
    bytes: () => total + earlyBytes,
  }
}
