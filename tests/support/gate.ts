/** TCP relays on loopback that can be cut for callers of one address, so that a network parts between running servers. */
import { connect, createServer, type Socket } from 'node:net'

/** Addresses that callers connect from. */
export const addresses = { client: '127.0.0.1', inner: '127.0.0.2', apart: '127.0.0.3' } as const
export type Caller = keyof typeof addresses

export interface Gate {
  readonly port: number
  /** From now on nothing of these callers passes; their connections stay open, as when a cable is pulled. */
  cut(caller: Caller): void
  /** Cut connections end, new ones pass. */
  heal(): void
  stop(): void
}

/** Relays to `target` on 127.0.0.1; listens on `port`. */
export async function openGate(port: number, target: number): Promise<Gate> {
  const pairs = new Set<{ from: string; caller: Socket; server: Socket | undefined }>()
  const closed = new Set<string>()
  const listener = createServer((caller) => {
    const from = caller.remoteAddress ?? ''
    const held = closed.has(from)
    const server = held ? undefined : connect(target, '127.0.0.1')
    const pair = { from, caller, server }
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      caller.destroy()
      server?.destroy()
    }
    for (const socket of [caller, server]) socket?.on('error', end).on('close', end).setNoDelay(true)
    if (!server) return void caller.pause()
    caller.pipe(server)
    server.pipe(caller)
  })
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))
  const endAll = () => {
    for (const { caller } of pairs) caller.destroy()
  }
  return {
    port,
    cut(caller) {
      closed.add(addresses[caller])
      for (const pair of pairs)
        if (pair.from === addresses[caller]) {
          pair.caller.unpipe()
          pair.caller.pause()
          pair.server?.unpipe()
          pair.server?.pause()
        }
    },
    heal() {
      const were = new Set(closed)
      closed.clear()
      for (const { from, caller } of pairs) if (were.has(from)) caller.destroy()
    },
    stop() {
      endAll()
      listener.close()
    },
  }
}
