/** The flows of recorded exchanges: one that touches the record of a flow continues it. Bounded by bytes; the flow that was quiet the longest goes first. */
import type { Ended } from './exchange.ts'
import { isOfRequest } from './links.ts'
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
}

export interface Flows {
  /** The id of the flow; undefined for an exchange that is too large to keep. */
  add(ended: Ended): string | undefined
  /** Newest first, by their last exchange. */
  list(): Flow[]
  find(id: string): Flow | undefined
  clear(): void
  /** Rises with each change. */
  version(): number
  /** The memory that all flows take, about. */
  bytes(): number
}

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
  let total = 0
  let changes = 0

  const remove = (flow: Kept): void => {
    flows.delete(flow.id)
    for (const link of flow.links.keys()) byLink.delete(link)
    total -= flow.bytes
  }
  /** The flow of these keys, if it is one. */
  function flowOfAll(links: readonly string[]): Kept | undefined {
    const [found, ...others] = new Set(links.flatMap((link) => byLink.get(link) ?? []))
    return others.length === 0 ? found : undefined
  }
  /**
   * An exchange that touches several flows continues that of its own code, interaction or such, else none: a sign-out ends
   * the grants of many, and is no part of each.
   */
  const continued = (links: readonly string[]): Kept | undefined =>
    flowOfAll(links) ?? flowOfAll(links.filter(isOfRequest))
  /** Keys of other flows stay theirs. */
  function put(flow: Kept, exchange: Exchange, bytes: number, touched: readonly string[]): void {
    const links = touched.filter((link) => (byLink.get(link) ?? flow) === flow)
    for (const link of links) {
      byLink.set(link, flow)
      flow.links.set(link, (flow.links.get(link) ?? 0) + 1)
    }
    flow.exchanges.push({ exchange, bytes, links })
    flow.bytes += bytes
    total += bytes
  }
  /** A key goes with the last exchange that has it. */
  function drop(flow: Kept, at: number): void {
    const [gone] = flow.exchanges.splice(at, 1)
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

  return {
    add({ exchange, links }) {
      const bytes = JSON.stringify(exchange).length * bytesPerCharacter + links.size * bytesPerLink
      if (bytes > maxBytes / 8) return undefined
      const touched = [...links]
      const flow = continued(touched) ?? newFlow(nextId())
      put(flow, exchange, bytes, touched)
      flows.delete(flow.id)
      flows.set(flow.id, flow)
      shorten(flow)
      for (const oldest of flows.values()) {
        if (total <= maxBytes) break
        remove(oldest)
      }
      changes += 1
      return flow.id
    },
    list: () => [...flows.values()].reverse().map(flowOf),
    find(id) {
      const flow = flows.get(id)
      return flow && flowOf(flow)
    },
    clear() {
      flows.clear()
      byLink.clear()
      total = 0
      changes += 1
    },
    version: () => changes,
    bytes: () => total,
  }
}
