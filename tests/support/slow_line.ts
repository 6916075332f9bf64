/** A TCP relay on loopback that delays or holds what the server answers, as a slow network does. */

export interface SlowLine {
  readonly port: number
  /** Bytes that clients have sent so far. */
  sent(): number
  /** From now on no answer passes, until `release`. */
  hold(): void
  release(): void
  stop(): void
}

type Peer = Bun.Socket<{ other?: Bun.Socket<unknown>; early: Uint8Array[] }>

/** Relays to `port`; each answer is `delayMs` late, in order. */
export function slowLine(port: number, delayMs = 0): SlowLine {
  let sent = 0
  let held: (() => void)[] | undefined
  const later = (go: () => void): void => {
    if (held) held.push(go)
    else if (delayMs > 0) setTimeout(go, delayMs)
    else go()
  }
  const server = Bun.listen<Peer['data']>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      async open(client) {
        client.data = { early: [] }
        const upstream = await Bun.connect({
          hostname: '127.0.0.1',
          port,
          socket: {
            data: (_, chunk) => {
              const copy = new Uint8Array(chunk)
              later(() => void client.write(copy))
            },
            close: () => later(() => client.end()),
            error: () => void client.end(),
          },
        }).catch(() => undefined)
        if (!upstream) return void client.end()
        client.data.other = upstream
        for (const chunk of client.data.early) upstream.write(chunk)
      },
      data(client, chunk) {
        sent += chunk.length
        if (client.data.other) client.data.other.write(chunk)
        else client.data.early.push(new Uint8Array(chunk))
      },
      close: (client) => void client.data.other?.end(),
    },
  })
  return {
    port: server.port,
    sent: () => sent,
    hold: () => void (held = []),
    release() {
      for (const go of held ?? []) go()
      held = undefined
    },
    stop: () => server.stop(true),
  }
}
