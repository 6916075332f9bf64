/** The flows of recorded exchanges: those that touched the same record are one flow. Bounded by bytes; the flow that was quiet the longest goes first. */
import type { Ended } from './exchange.ts'
import type { Exchange, Flow } from './recorded.ts'

/** A flow with what the list needs. */
interface Kept {
  id: string
  exchanges: { exchange: Exchange; bytes: number }[]
  links: Set<string>
  bytes: number
  dropped: number
}

export interface Flows {
  add(ended: Ended): void
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

/** `nextId` makes an identifier that cannot be guessed. */
export function createFlows(maxBytes: number, nextId: () => string): Flows {
  // In order of the last exchange, the oldest first: a flow that gets another one moves to the end.
  const flows = new Map<string, Kept>()
  const byLink = new Map<string, Kept>()
  let total = 0
  let changes = 0

  const remove = (flow: Kept): void => {
    flows.delete(flow.id)
    for (const link of flow.links) if (byLink.get(link) === flow) byLink.delete(link)
    total -= flow.bytes
  }
  /** The oldest of the flows keeps its id, so that an open page stays right. */
  function joined(links: ReadonlySet<string>): Kept {
    const found = [...new Set([...links].flatMap((link) => byLink.get(link) ?? []))]
    found.sort((a, b) => (a.exchanges[0]?.exchange.at ?? 0) - (b.exchanges[0]?.exchange.at ?? 0))
    const [
      first = { id: nextId(), exchanges: [], links: new Set<string>(), bytes: 0, dropped: 0 },
      ...others
    ] = found
    for (const other of others) {
      remove(other)
      first.exchanges.push(...other.exchanges)
      first.dropped += other.dropped
      first.bytes += other.bytes
      total += other.bytes
      for (const link of other.links) hold(first, link)
    }
    if (others.length > 0) first.exchanges.sort((a, b) => a.exchange.at - b.exchange.at)
    return first
  }
  const hold = (flow: Kept, link: string): void => {
    flow.links.add(link)
    byLink.set(link, flow)
  }
  /** A flow that lasts, such as one with many refreshes, keeps its beginning and its end. */
  function shorten(flow: Kept): void {
    while (flow.bytes > maxBytes / 8 && flow.exchanges.length > 2) {
      const [gone] = flow.exchanges.splice(Math.min(4, flow.exchanges.length >> 1), 1)
      flow.bytes -= gone!.bytes
      total -= gone!.bytes
      flow.dropped += 1
    }
  }

  return {
    add({ exchange, links }) {
      const bytes = JSON.stringify(exchange).length * bytesPerCharacter + links.size * bytesPerLink
      if (bytes > maxBytes / 8) return
      const flow = joined(links)
      flow.exchanges.push({ exchange, bytes })
      flow.bytes += bytes
      total += bytes
      for (const link of links) hold(flow, link)
      flows.delete(flow.id)
      flows.set(flow.id, flow)
      shorten(flow)
      for (const oldest of flows.values()) {
        if (total <= maxBytes) break
        remove(oldest)
      }
      changes += 1
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
