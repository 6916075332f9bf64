/** The guarded fetcher at work: what it sends, what it keeps, how many at once. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { guarded, type Laboratory, laboratory, type Stranger } from '../../support/laboratory.ts'

let lab: Laboratory
beforeAll(() => {
  lab = laboratory()
})
afterAll(() => lab.close())

const name = 'rp.example'

async function stranger(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = await lab.https(name, handler)
  const hostPort = `${name}:${server.port}`
  const open = (more: Parameters<typeof guarded>[0] = {}) =>
    guarded({ allow: [hostPort], caPath: lab.caPath, ...more })
  return { server, open, url: `https://${hostPort}` }
}

describe('fetch', () => {
  test('sends method, headers and body to the name it was given, and nothing of its own but what HTTP needs', async () => {
    let heard = ''
    const { open, url, server } = await stranger((request, response) => {
      void (async () => {
        for await (const chunk of request) heard += String(chunk)
        response.writeHead(201, { 'x-answer': 'yes', 'set-cookie': 'a=b' })
        response.end(JSON.stringify([request.method, request.url, request.headers]))
      })()
    })
    const out = open()
    const body = 'logout_token=ü'
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await out.fetch(`${url}/a?b=c#d`, { method: 'POST', headers, body })
    expect(response).toMatchObject({ status: 201, headers: { 'x-answer': 'yes' } })
    expect(heard).toBe(body)
    expect(JSON.parse(response.body)).toEqual([
      'POST',
      '/a?b=c',
      {
        host: `${name}:${server.port}`,
        'user-agent': 'Latchkey',
        accept: '*/*',
        'accept-encoding': 'identity',
        connection: 'close',
        'content-length': '15',
        ...headers,
      },
    ])
    expect((await out.fetch(url)).body).not.toContain('cookie')
  })

  test('any status but a redirect is an answer', async () => {
    const { open, url } = await stranger((_, response) => void response.writeHead(503).end('no'))
    expect(await open().fetch(url)).toMatchObject({ status: 503, body: 'no' })
  })

  test('a header that HTTP cannot carry is refused before anything is sent', async () => {
    const { open, url, server } = await stranger((_, response) => void response.end())
    const bad = open().fetch(url, { headers: { 'x-a': 'b\r\nx-c: d' } })
    await expect(bad).rejects.toMatchObject({ name: 'OutboundError', reason: 'refused' })
    expect(server.connections()).toBe(0)
  })

  test('http for an exempt host alone', async () => {
    const plain = await lab.http((_, response) => void response.end('plain'))
    const url = `http://127.0.0.1:${plain.port}/`
    expect((await guarded({ allow: [`127.0.0.1:${plain.port}`] }).fetch(url)).body).toBe('plain')
    await expect(guarded().fetch(url)).rejects.toMatchObject({ reason: 'refused' })
    expect(plain.connections()).toBe(1)
  })

  test('an exemption is of one port', async () => {
    const { open, url } = await stranger((_, response) => void response.end())
    await expect(open({ allow: [`${name}:1`] }).fetch(url)).rejects.toMatchObject({ reason: 'refused' })
  })

  test('a proxy in the environment is not asked', async () => {
    const { open, url } = await stranger((_, response) => void response.end('direct'))
    const proxy = await lab.http((_, response) => void response.end('proxy'))
    const before = { HTTPS_PROXY: process.env.HTTPS_PROXY, https_proxy: process.env.https_proxy }
    process.env.HTTPS_PROXY = process.env.https_proxy = `http://127.0.0.1:${proxy.port}`
    try {
      expect((await open().fetch(url)).body).toBe('direct')
    } finally {
      for (const [key, value] of Object.entries(before))
        if (value === undefined) delete process.env[key]
        else process.env[key] = value
    }
    expect(proxy.connections()).toBe(0)
  })

  test('the next address is tried when the first refuses the connection', async () => {
    const { open, url, server } = await stranger((_, response) => void response.end('there'))
    const out = open({ resolve: async () => ['::1', '127.0.0.9', '127.0.0.1'] })
    expect((await out.fetch(url)).body).toBe('there')
    expect(server.connections()).toBe(1)
  })

  test('without the authority the certificate is worth nothing', async () => {
    const { url, server } = await stranger((_, response) => void response.end())
    const out = guarded({ allow: [`${name}:${server.port}`] })
    await expect(out.fetch(url)).rejects.toMatchObject({ reason: 'unreachable' })
  })

  test('an authority that cannot be read stops the start', () => {
    expect(() => guarded({ caPath: '/nonexistent/ca.pem' })).toThrow('ENOENT')
  })
})

describe('turns', () => {
  test('one host gets four connections at a time, and another is not held up by it', async () => {
    let most = 0
    let now = 0
    const waiting: (() => void)[] = []
    const slow = await stranger((_, response) => {
      most = Math.max(most, ++now)
      waiting.push(() => (now--, response.end('slow')))
    })
    const quick = await lab.https('quick.example', (_, response) => void response.end('quick'))
    const allow = [`${name}:${slow.server.port}`, `quick.example:${quick.port}`]
    const out = slow.open({ allow, timeoutMs: 5_000 })
    const all = Array.from({ length: 10 }, () => out.fetch(slow.url))
    while (waiting.length < 4) await Bun.sleep(5)
    expect((await out.fetch(`https://quick.example:${quick.port}/`)).body).toBe('quick')
    for (let answered = 0; answered < 10;) {
      const next = waiting.shift()
      if (next) {
        next()
        answered++
      } else await Bun.sleep(2)
    }
    expect((await Promise.all(all)).map(({ body }) => body)).toEqual(Array(10).fill('slow'))
    expect(most).toBe(4)
  })

  test('beyond those that may wait, the rest hears at once that it is busy', async () => {
    let awake = false
    const { open, url } = await stranger((_, response) => void (awake && response.end('ok')))
    const out = open({ timeoutMs: 2_000 })
    const all = await Promise.allSettled(Array.from({ length: 30 }, () => out.fetch(url)))
    const reasons = all.map((each) => (each.status === 'rejected' ? each.reason.reason : 'answered'))
    expect(reasons.filter((each) => each === 'busy')).toHaveLength(10)
    expect(reasons.filter((each) => each === 'timeout')).toHaveLength(20)
    awake = true
    const after = await Promise.all(Array.from({ length: 20 }, () => out.fetch(url, { timeoutMs: 5_000 })))
    expect(after.every(({ body }) => body === 'ok')).toBe(true)
  })

  test('a name that hangs gives its turn back in time', async () => {
    const { open, url } = await stranger((_, response) => void response.end('ok'))
    let hang = true
    const resolve = async () => (hang ? new Promise<never>(() => {}) : ['127.0.0.1'])
    const out = open({ resolve, timeoutMs: 1_000 })
    const hung = await Promise.allSettled(Array.from({ length: 4 }, () => out.fetch(url)))
    expect(hung.every((each) => each.status === 'rejected' && each.reason.reason === 'timeout')).toBe(true)
    hang = false
    expect((await out.fetch(url)).body).toBe('ok')
  })
})

describe('getJson', () => {
  /** Counts its requests and says so. */
  async function counting(headers: Record<string, string> = {}, status = () => 200) {
    let count = 0
    const made = await stranger(
      (_, response) => void response.writeHead(status(), headers).end(JSON.stringify({ count: ++count })),
    )
    return { ...made, count: () => count }
  }

  test('many askers, one request, one frozen answer', async () => {
    const { open, url, count } = await counting()
    const out = open()
    const all = await Promise.all(Array.from({ length: 20 }, () => out.getJson(url, { cacheFor: 60 })))
    expect(new Set(all).size).toBe(1)
    expect(count()).toBe(1)
    expect(Object.isFrozen(all[0])).toBe(true)
  })

  const lives: [cacheControl: string | undefined, cacheFor: number, seconds: number][] = [
    [undefined, 60, 60],
    ['max-age=30', 60, 30],
    ['public, max-age="30"', 60, 30],
    ['max-age=86400', 60, 60],
    ['max-age=0', 60, 10],
    ['no-store', 60, 10],
    ['no-cache, max-age=50', 60, 10],
    ['s-maxage=5', 60, 60],
    ['max-age=30', 4, 4],
  ]
  test.each(lives)(
    'Cache-Control %p, at most %p: kept %p seconds',
    async (cacheControl, cacheFor, seconds) => {
      const { open, url, count } = await counting(cacheControl ? { 'cache-control': cacheControl } : {})
      const out = open()
      await out.getJson(url, { cacheFor })
      out.clock.advance(seconds * 1000 - 1)
      await out.getJson(url, { cacheFor })
      expect(count()).toBe(1)
      out.clock.advance(1)
      await out.getJson(url, { cacheFor })
      expect(count()).toBe(2)
    },
  )

  test('nothing is kept that nobody asked to keep', async () => {
    const { open, url, count } = await counting({ 'cache-control': 'max-age=60' })
    const out = open()
    await out.getJson(url)
    await out.getJson(url)
    expect(count()).toBe(2)
  })

  test('notOlderThan fetches again what is older', async () => {
    const { open, url } = await counting()
    const out = open()
    await out.getJson(url, { cacheFor: 600 })
    out.clock.advance(29_999)
    expect(await out.getJson(url, { cacheFor: 600, notOlderThan: 30 })).toEqual({ count: 1 })
    out.clock.advance(1)
    expect(await out.getJson(url, { cacheFor: 600, notOlderThan: 30 })).toEqual({ count: 2 })
  })

  test('a failure is remembered for ten seconds, and a good copy outlives it', async () => {
    let status = 200
    const { open, url, count } = await counting({}, () => status)
    const out = open()
    await out.getJson(url, { cacheFor: 600 })
    status = 500
    out.clock.advance(60_000)
    const again = () => out.getJson(url, { cacheFor: 600, notOlderThan: 30 })
    for (let i = 0; i < 5; i++) await expect(again()).rejects.toMatchObject({ reason: 'status' })
    expect(count()).toBe(2)
    expect(await out.getJson(url, { cacheFor: 600 })).toEqual({ count: 1 })
    status = 200
    out.clock.advance(10_000)
    expect(await again()).toEqual({ count: 3 })
  })

  test('what is kept is bounded: the oldest leaves for the newest', async () => {
    let count = 0
    const body = JSON.stringify('x'.repeat(65_000))
    const { open, url } = await stranger((_, response) => (count++, void response.end(body)))
    const out = open()
    const get = (n: number) => out.getJson(`${url}/${n}`, { cacheFor: 600 })
    for (let n = 0; n < 260; n++) await get(n)
    await get(259)
    expect(count).toBe(260)
    await get(0)
    expect(count).toBe(261)
  })

  const bodies: [what: string, body: string][] = [
    ['HTML', '<html>'],
    ['nothing', ''],
    ['an open bracket', '[1'],
    ['brackets 30000 deep', '['.repeat(30_000) + ']'.repeat(30_000)],
  ]
  test.each(bodies)('%s is an answer or an error, never a crash', async (what, body) => {
    const { open, url } = await stranger((_, response) => void response.end(body))
    const got = await open()
      .getJson(url)
      .catch((error: { reason: string }) => error.reason)
    if (!what.startsWith('brackets')) expect(got).toBe('malformed')
    else expect(got === 'malformed' || Array.isArray(got)).toBe(true)
  })
})

test('a log line names the host and no more of the URL', async () => {
  let server: Stranger | undefined
  server = await lab.https(name, (_, response) => void response.writeHead(302, { location: '/' }).end())
  const out = guarded({ allow: [`${name}:${server.port}`], caPath: lab.caPath })
  await out.fetch(`https://${name}:${server.port}/secret-path?token=secret`).catch(() => {})
  expect(out.lines.join()).toContain(`host=${name}:${server.port} reason=redirect`)
  expect(out.lines.join()).not.toContain('secret')
})
