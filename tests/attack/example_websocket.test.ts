/** Tickets and connections of examples/websocket by themselves: races of two processes, times, bounds, and a reader that does not read. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, createLive, type Live, usual } from '../../examples/websocket/live.ts'
import { fromPage } from '../../examples/websocket/messages.ts'
import { createTickets, type Ticket } from '../../examples/websocket/tickets.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-tickets-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ticket: Ticket = {
  sub: 'alice',
  name: 'Alice',
  purpose: 'connect',
  origin: null,
  session: null,
  until: 0,
}

describe('tickets', () => {
  const bounds = { ms: 10_000, mostOfOne: 2, most: 3 }

  test('of two processes with one file, each ticket goes to one', async () => {
    const path = join(folder, 'shared.db')
    const many = 400
    const tickets = createTickets(path, { ms: 60_000, mostOfOne: many, most: many })
    const handles = Array.from({ length: many }, () => tickets.issue(ticket)!)
    const program = join(import.meta.dir, 'redeem_tickets_process.ts')
    const racers = [0, 1, 2].map(() =>
      Bun.spawn(['bun', program, path], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' }),
    )
    for (const { stdin } of racers) {
      void stdin.write(handles.join('\n'))
      void stdin.end()
    }
    const said = await Promise.all(racers.map(({ stdout }) => new Response(stdout).text()))
    const won = said.map((text) => Number(/won (\d+)/.exec(text)?.[1]))
    expect(won.reduce((sum, each) => sum + each, 0)).toBe(many)
    expect(tickets.redeem(handles[0]!)).toBeUndefined()
  })

  test('end after their time, and are kept as hashes alone', () => {
    let now = 0
    const path = join(folder, 'times.db')
    const tickets = createTickets(path, bounds, () => now)
    const [first, second] = [tickets.issue(ticket)!, tickets.issue(ticket)!]
    now = bounds.ms - 1
    expect(tickets.redeem(first)).toEqual(ticket)
    now = bounds.ms
    expect(tickets.redeem(second)).toBeUndefined()
    const third = tickets.issue(ticket)!
    expect(readFileSync(path).includes(third) || readFileSync(`${path}-wal`).includes(third)).toBe(false)
  })

  test('are bounded for one holder and for all, and room comes back', () => {
    let now = 0
    const tickets = createTickets(':memory:', bounds, () => now)
    const of = (sub: string, session: string | null = null) => tickets.issue({ ...ticket, sub, session })
    const first = of('alice')!
    expect([of('alice') !== undefined, of('alice')]).toEqual([true, undefined])
    expect([of('bob') !== undefined, of('carol')]).toEqual([true, undefined])
    tickets.redeem(first)
    expect(of('carol')).toBeString()
    now = bounds.ms
    expect(of('alice')).toBeString()
  })

  test('a handle is data, whatever it is', () => {
    const tickets = createTickets(':memory:')
    const good = tickets.issue({ ...ticket, sub: "'; DROP TABLE ticket; --" })!
    for (const bad of ['', "' OR 1=1 --", '%', '\0', 'x'.repeat(1_000_000)])
      expect(tickets.redeem(bad)).toBeUndefined()
    expect(tickets.redeem(good)?.sub).toBe("'; DROP TABLE ticket; --")
  })
})

test('messages: exactly those of the protocol', () => {
  expect(fromPage('{"type":"say","text":"a","more":1}')).toEqual({ type: 'say', text: 'a' })
  for (const bad of [
    '',
    'null',
    '1',
    '"say"',
    '[]',
    '{}',
    '{"type":"say","text":1}',
    '{"type":"say","text":""}',
    '{"type":"renew"}',
    '{"__proto__":{"type":"renew","ticket":"x"}}',
    '['.repeat(2_000),
  ])
    expect(fromPage(bad)).toBeUndefined()
})

describe('connections', () => {
  function serve(limits = usual, isLive = () => true) {
    const live = createLive({ tickets: createTickets(':memory:'), limits })
    const server = Bun.serve<Connection>({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request, server) {
        const data = live.admit({ ...ticket, until: Date.now() + 60_000 }, isLive)
        if (!data) return new Response(null, { status: 429 })
        return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 })
      },
      websocket: live.handler,
    })
    return { live, port: server.port!, stop: () => server.stop(true) }
  }

  /** A reader that has opened a connection and reads nothing of it until it is told to. */
  async function lazyReader(port: number, live: Live): Promise<Socket> {
    const before = live.count()
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await until(() => live.count() === before + 1, 'the connection')
    return socket
  }

  test('a reader that does not read is ended when too much waits for it, and the others hear everything', async () => {
    const { live, port, stop } = serve()
    const lazy = await lazyReader(port, live)
    let heard = 0
    const eager = new WebSocket(`ws://127.0.0.1:${port}/`)
    eager.addEventListener('message', ({ data }) => void (heard += String(data).includes('"said"') ? 1 : 0))
    await until(() => live.count() === 2, 'both')
    let told = 0
    while (live.count() === 2 && told < 100_000) {
      for (let at = 0; at < 20; at++) live.tellAll({ type: 'said', by: 'x', text: 'y'.repeat(1_000) })
      told += 20
      await until(() => heard === told, 'the eager reader to have all')
    }
    expect(live.count()).toBe(1)
    expect(eager.readyState).toBe(WebSocket.OPEN)
    lazy.destroy()
    eager.close()
    await stop()
  })

  test('a reader that is behind gets the latest reading when it reads again, and none of those between', async () => {
    const { live, port, stop } = serve({ ...usual, slowest: 64_000_000 })
    const lazy = await lazyReader(port, live)
    // Fills what the system keeps for the connection, and more than `behind` beyond it.
    for (let at = 0; at < 16; at++) live.tellAll({ type: 'said', by: 'x', text: 'y'.repeat(1_000_000) })
    for (let value = 1_000; value < 2_000; value++) live.read(value)
    let text = ''
    lazy.on('data', (chunk) => (text = (text + chunk.toString('latin1')).slice(-5_000)))
    lazy.resume()
    await until(() => text.includes('"value":1999'), 'the latest reading')
    expect(text.match(/"value":1\d\d\d/g)).toEqual(['"value":1999'])
    lazy.destroy()
    await stop()
  })

  test('a session that ended between the ticket and the connection has none', async () => {
    const { live, port, stop } = serve(usual, () => false)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
    let code = 0
    socket.addEventListener('close', (event) => void (code = event.code))
    await until(() => code !== 0, 'the end')
    expect([code, live.count()]).toEqual([4401, 0])
    await stop()
  })

  test('are bounded for one person and for all', async () => {
    const { live, port, stop } = serve({ ...usual, ofOnePerson: 3 })
    const sockets = Array.from({ length: 12 }, () => new WebSocket(`ws://127.0.0.1:${port}/`))
    await until(
      () => sockets.filter(({ readyState }) => readyState === WebSocket.CLOSED).length === 9,
      'nine to be refused',
    )
    expect(live.count()).toBe(3)
    sockets.forEach((each) => each.close())
    await until(() => live.count() === 0, 'the room to come back')
    await stop()
  })
})
