/** Bytes on a real socket: limits of headers and bodies, slow senders, ambiguous framing, odd targets. https://www.rfc-editor.org/rfc/rfc9112#section-11 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'

let op: SpawnedProvider
let port: number
beforeAll(async () => {
  op = await spawnProvider({ METRICS_TOKEN: 'a-token-for-the-metrics' })
  port = Number(new URL(op.issuer).port)
})
afterAll(() => op.stop())

/** Sends `parts` one after another; resolves with all that came back once the server closes, or after `ms` of silence. */
function send(
  parts: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  { ms = 400 } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let text = ''
    let timer = setTimeout(() => socket.destroy(), 60_000)
    const rest = () => {
      clearTimeout(timer)
      timer = setTimeout(() => socket.destroy(), ms)
    }
    socket.on('data', (data) => ((text += data), rest()))
    socket.on('error', () => {})
    socket.on('close', () => (clearTimeout(timer), resolve(text)))
    socket.on('connect', async () => {
      for await (const part of parts) {
        if (socket.destroyed) return
        if (!socket.write(part))
          await new Promise((drained) => (socket.once('drain', drained), socket.once('close', drained)))
      }
      rest()
    })
  })
}
const statuses = (text: string) =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
const head = (line: string, ...headers: string[]) =>
  `${[line, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`
const form = 'Content-Type: application/x-www-form-urlencoded'
const alive = async () => (await fetch(`http://127.0.0.1:${port}/health`)).status

describe('too much', () => {
  test('of headers is refused and nobody else notices', async () => {
    const many = Array.from({ length: 500 }, (_, i) => `X-${i}: ${'a'.repeat(60)}`)
    for (const request of [
      head('GET /health HTTP/1.1', `X: ${'a'.repeat(20_000)}`),
      head('GET /health HTTP/1.1', ...many),
      head(`GET /authorize?state=${'a'.repeat(20_000)} HTTP/1.1`),
    ])
      expect(statuses(await send([request]))[0] ?? 431).toBeOneOf([414, 431, 400])
    expect(await alive()).toBe(200)
  })

  test('of a body is refused, said beforehand or not, and not all of it is read', async () => {
    const said = await send([
      head('POST /token HTTP/1.1', form, 'Content-Length: 10485760'),
      Buffer.alloc(70_000, 'a'),
    ])
    expect(statuses(said)[0] ?? 413).toBe(413)
    const megabyte = `100000\r\n${'a'.repeat(1_048_576)}\r\n`
    const chunked = await send([
      head('POST /token HTTP/1.1', form, 'Transfer-Encoding: chunked'),
      ...Array.from({ length: 10 }, () => megabyte),
      '0\r\n\r\n',
    ])
    expect(statuses(chunked)[0] ?? 413).toBe(413)
    const little = await send([
      head('POST /token HTTP/1.1', form, 'Transfer-Encoding: chunked'),
      `11170\r\na=${'b'.repeat(69_998)}\r\n`,
      '0\r\n\r\n',
    ])
    expect(statuses(little)).toEqual([413])
    expect(await alive()).toBe(200)
  })

  test('of patience: two hundred slow senders keep nobody else waiting', async () => {
    const served = Promise.withResolvers<void>()
    async function* slowly() {
      yield head('POST /token HTTP/1.1', form, 'Transfer-Encoding: chunked')
      for (let i = 0; i < 10; i++) {
        yield '1\r\na\r\n'
        await Bun.sleep(50)
      }
      await served.promise
      yield '0\r\n\r\n'
    }
    const slow = Array.from({ length: 200 }, () => send(slowly(), { ms: 2_000 }))
    for (let i = 0; i < 20; i++) expect(await alive()).toBe(200) // while none of the slow ones has finished
    served.resolve()
    expect((await Promise.all(slow)).flatMap(statuses)).toEqual(Array.from({ length: 200 }, () => 401))
  }, 60_000)
})

describe('one request that two readers could take for two', () => {
  test.each([
    ['both lengths', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 60']],
    ['a length with a sign', ['Content-Length: +5']],
    ['a negative length', ['Content-Length: -1']],
    ['a length that is no number', ['Content-Length: 5x']],
    ['an unknown coding', ['Transfer-Encoding: chunked, identity']],
    ['a coding with a tab', ['Transfer-Encoding:\tchunked', 'Content-Length: 5']],
  ])('%s', async (_, framing) => {
    const smuggled =
      'GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a-token-for-the-metrics\r\n\r\n'
    const request = ['POST /token HTTP/1.1', 'Host: localhost', form, ...framing].join('\r\n')
    const text = await send([`${request}\r\n\r\n0\r\n\r\n${smuggled}`])
    expect(text).not.toContain('latchkey_requests_total')
    expect(statuses(text).every((status) => status >= 400)).toBe(true)
  })
})

describe('a target that says two things', () => {
  const path = async (line: string, ...headers: string[]) => {
    const text = await send([`${[line, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`])
    return [statuses(text)[0], text.includes('"status":"healthy"')]
  }

  test('is read by its path, whatever Host holds', async () => {
    expect(await path('GET /health HTTP/1.1', 'Host: localhost')).toEqual([200, true])
    expect(await path('GET /health HTTP/1.0')).toEqual([200, true]) // as older balancers ask
    for (const host of ['x/metrics?', 'x?', 'a b', '/health', '', 'localhost:99999', 'localhost/../..'])
      for (const line of ['GET /x/health HTTP/1.1', 'GET /nothing HTTP/1.1']) {
        const [status, healthy] = await path(line, `Host: ${host}`)
        expect([host, line, healthy]).toEqual([host, line, false])
        expect(status ?? 400).toBeOneOf([400, 404])
      }
  })

  test('does not carry CRLF, null or dots into anything', async () => {
    for (const target of [
      '/login%0d%0aSet-Cookie:%20x=1',
      '/%00',
      '/..%2f..%2fetc/passwd',
      '/assets/..%2f..%2fpackage.json',
      '/assets/../../package.json',
      '/assets/%2e%2e/package.json',
      '/authorize/../../etc/passwd',
    ]) {
      const text = await send([head(`GET ${target} HTTP/1.1`)])
      expect([target, statuses(text)[0]! >= 400]).toEqual([target, true])
      expect(text).not.toMatch(/^set-cookie: x=1/im)
      expect(text).not.toMatch(/root:|"dependencies"/)
    }
    const text = await send([
      head(
        `GET /authorize?client_id=client123&redirect_uri=http://localhost:8080/callback&state=a%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<b> HTTP/1.1`,
      ),
    ])
    expect(statuses(text)).toEqual([303])
    expect(text).not.toMatch(/^set-cookie: x=1/im)
    expect(text).toMatch(/^location: http:\/\/localhost:8080\/callback\?/im)
  })
})

test('a cookie name with blanks of Unicode before it is another name', async () => {
  for (const blank of ['\u00a0', '\u2000', '\u3000', '\ufeff']) {
    const text = await send([
      Buffer.from(head('GET /login HTTP/1.1', `Cookie: a=1; ${blank}latchkey_browser=${'A'.repeat(32)}`)),
    ])
    expect(text).toMatch(/^set-cookie: latchkey_browser=/im) // not known: a new one comes
  }
})

test('nothing of all that was an error nobody foresaw', () => {
  expect(op.output()).not.toContain('unexpected')
})
