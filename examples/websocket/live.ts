/** The open connections: their end, their limits, and what is sent to a reader that is slow. */
import type { ServerWebSocket, WebSocketHandler } from 'bun'
import { codes, fromPage, type ToPage } from './messages.ts'
import type { Ticket, Tickets } from './tickets.ts'

type Access = Pick<Ticket, 'sub' | 'name' | 'origin' | 'session' | 'until'>

export interface Connection extends Access {
  /** Whether the session that it was opened with goes on. */
  isLive(): boolean
  timer?: Timer
  /** Messages that it may still send, as of `countedAt`. */
  budget: number
  countedAt: number
  /** It did not take the latest reading. */
  isBehind: boolean
}

type Socket = ServerWebSocket<Connection>

export interface Limits {
  connections: number
  ofOnePerson: number
  /** Characters of a message that comes. */
  message: number
  /** Messages at once, and one more in each second. */
  messages: number
  /** Bytes that wait for a reader: beyond the first readings are left out, beyond the second the connection ends. */
  behind: number
  slowest: number
}

export const usual: Limits = {
  connections: 1_000,
  ofOnePerson: 5,
  message: 2_048,
  messages: 10,
  behind: 16_384,
  slowest: 65_536,
}

interface Options {
  tickets: Tickets
  limits?: Limits
}

export function createLive({ tickets, limits = usual }: Options) {
  const open = new Set<Socket>()
  let latest: ToPage = { type: 'reading', value: 20 }

  const tell = (socket: Socket, message: ToPage) => socket.send(JSON.stringify(message))
  const tellAll = (message: ToPage) => {
    const text = JSON.stringify(message)
    for (const socket of open) socket.send(text)
  }

  /** With one more, for one person or for all. */
  function hasTooMany(sub: string): boolean {
    let own = 0
    for (const { data } of open) if (data.sub === sub) own++
    return own >= limits.ofOnePerson || open.size >= limits.connections
  }

  /** The connection is not open for longer than the access that it was opened with. */
  function endAt(socket: Socket, until: number): void {
    clearTimeout(socket.data.timer)
    socket.data.until = until
    socket.data.timer = setTimeout(
      () => socket.close(codes.expired, 'the access has expired'),
      until - Date.now(),
    )
  }

  function renew(socket: Socket, handle: string): void {
    const { sub, session, origin } = socket.data
    const ticket = tickets.redeem(handle)
    const isOwn = ticket?.sub === sub && ticket.session === session && ticket.origin === origin
    if (!ticket || ticket.purpose !== 'renew' || !isOwn)
      return void tell(socket, { type: 'error', error: 'bad_ticket' })
    endAt(socket, ticket.until)
    tell(socket, { type: 'renewed', expires_in: ticket.until - Date.now() })
  }

  /** A bucket of messages that fills again by one a second. */
  function mayTalk(connection: Connection): boolean {
    const now = Date.now()
    const more = Math.floor((now - connection.countedAt) / 1000)
    connection.budget = Math.min(limits.messages, connection.budget + more)
    connection.countedAt += more * 1000
    return connection.budget-- > 0
  }

  const handler: WebSocketHandler<Connection> = {
    maxPayloadLength: limits.message,
    idleTimeout: 30,
    sendPings: true,
    backpressureLimit: limits.slowest,
    closeOnBackpressureLimit: true,
    perMessageDeflate: false, // a secret and what an attacker says must not be compressed together
    open(socket) {
      const { isLive, until, name } = socket.data
      open.add(socket)
      // The session may have ended between the ticket and this moment.
      if (!isLive()) return socket.close(codes.ended, 'the session has ended')
      endAt(socket, until)
      tell(socket, { type: 'welcome', name, expires_in: until - Date.now() })
      tell(socket, latest)
    },
    message(socket, data) {
      if (!mayTalk(socket.data)) return socket.close(codes.policy, 'too many messages')
      const message = typeof data === 'string' ? fromPage(data) : undefined
      if (!message) return socket.close(codes.policy, 'not a message of this protocol')
      if (message.type === 'renew') return renew(socket, message.ticket)
      tellAll({ type: 'said', by: socket.data.name, text: message.text })
    },
    /** The reader has caught up: it gets the latest reading, and none of those that it missed. */
    drain(socket) {
      if (!socket.data.isBehind) return
      socket.data.isBehind = false
      tell(socket, latest)
    },
    close(socket) {
      clearTimeout(socket.data.timer)
      open.delete(socket)
    },
  }

  return {
    handler,
    /** Data for a connection that may be opened; undefined when there are too many. */
    admit(access: Access, isLive: () => boolean): Connection | undefined {
      if (hasTooMany(access.sub)) return undefined
      const { sub, name, origin, session, until } = access
      return {
        sub,
        name,
        origin,
        session,
        until,
        isLive,
        budget: limits.messages,
        countedAt: Date.now(),
        isBehind: false,
      }
    },
    read(value: number): void {
      latest = { type: 'reading', value }
      for (const socket of open)
        if (socket.getBufferedAmount() > limits.behind) socket.data.isBehind = true
        else tell(socket, latest)
    },
    endSession(session: string): void {
      for (const socket of open)
        if (socket.data.session === session) socket.close(codes.ended, 'the session has ended')
    },
    endAll(): void {
      for (const socket of open) socket.close(codes.away, 'the server goes away')
    },
    tellAll,
    count: () => open.size,
  }
}

export type Live = ReturnType<typeof createLive>
