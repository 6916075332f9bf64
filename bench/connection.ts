/** One keep-alive HTTP/1.1 connection over a raw socket, so that the driver never limits. https://www.rfc-editor.org/rfc/rfc9112 */

/** Bytes spelled as latin1, one character each; `head` holds status line and headers without the blank line. */
export interface Reply {
  status: number
  head: string
  body: string
}

export interface Connection {
  /** One request at a time. Rejects when the connection ends or the answer has no length. */
  send(request: string): Promise<Reply>
  close(): void
}

/** All values of a header, in order; a linear look, for the few answers whose headers matter. */
export const headers = (reply: Reply, name: string): string[] =>
  reply.head
    .split('\r\n')
    .slice(1)
    .filter((line) => line.slice(0, line.indexOf(':')).toLowerCase() === name)
    .map((line) => line.slice(line.indexOf(':') + 1).trim())

/** The body as text. */
export const text = (reply: Reply): string => Buffer.from(reply.body, 'latin1').toString('utf8')

/** The chunked body that begins at `from` and where it ends; undefined while more has to come (§7.1). */
function dechunk(text: string, from: number): { body: string; end: number } | undefined {
  let body = ''
  for (let at = from; ;) {
    const line = text.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    if (Number.isNaN(size)) throw new Error(`not a chunk size: ${text.slice(at, line)}`)
    const end = line + 2 + size
    if (text.length < end + 2) return undefined
    if (text.slice(end, end + 2) !== '\r\n')
      throw new Error('a chunk did not end where it said (or trailers came)')
    if (size === 0) return { body, end: end + 2 }
    body += text.slice(line + 2, end)
    at = end + 2
  }
}

/** The first answer in `text` and where it ends; undefined while it is incomplete. */
export function parseReply(text: string): { reply: Reply; end: number } | undefined {
  const blank = text.indexOf('\r\n\r\n')
  if (blank < 0) return undefined
  const head = text.slice(0, blank)
  const start = blank + 4
  const status = Number(head.slice(9, 12))
  const lower = head.toLowerCase()
  const at = lower.indexOf('\r\ncontent-length:')
  if (at >= 0) {
    const end = start + Number.parseInt(lower.slice(at + 17), 10)
    if (text.length < end) return undefined
    return { reply: { status, head, body: text.slice(start, end) }, end }
  }
  if (lower.includes('\r\ntransfer-encoding: chunked')) {
    const whole = dechunk(text, start)
    return whole && { reply: { status, head, body: whole.body }, end: whole.end }
  }
  if (status === 204 || status === 304) return { reply: { status, head, body: '' }, end: start }
  throw new Error(`an answer without a length: ${head}`)
}

/** Connect to loopback. */
export async function openConnection(hostname: string, port: number): Promise<Connection> {
  let received = ''
  let unsent = ''
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined
  const fail = (error: Error) => {
    waiting?.reject(error)
    waiting = undefined
  }
  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      data(socket, bytes) {
        received = received === '' ? bytes.toString('latin1') : received + bytes.toString('latin1')
        try {
          const parsed = parseReply(received)
          if (!parsed) return
          if (parsed.end !== received.length || !waiting) throw new Error('more came than was asked for')
          received = ''
          const { resolve } = waiting
          waiting = undefined
          resolve(parsed.reply)
        } catch (error) {
          fail(error as Error)
          socket.end()
        }
      },
      drain(socket) {
        if (unsent !== '') unsent = unsent.slice(Math.max(0, socket.write(unsent)))
      },
      close: () => fail(new Error('the server closed the connection')),
      error: (_, error) => fail(error),
    },
  })
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (waiting) return reject(new Error('a request is still under way on this connection'))
        waiting = { resolve, reject }
        const written = socket.write(request)
        if (written < 0) return fail(new Error('the connection is closed'))
        if (written < request.length) unsent = request.slice(written)
      }),
    close: () => void socket.end(),
  }
}
