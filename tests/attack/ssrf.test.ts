/** Strangers choose the URLs we fetch: every way to make us knock at our own doors, or wait for ever. https://www.rfc-editor.org/rfc/rfc9700#section-4.11 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { isIP, type Socket } from 'node:net'
import { OutboundError } from '../../src/outbound/outbound.ts'
import { addressesOf, readTarget } from '../../src/outbound/target.ts'
import { isPublicAddress } from '../../src/lib/public_address.ts'
import { flood, guarded, type Laboratory, laboratory } from '../support/laboratory.ts'
import { until } from '../support/until.ts'

/** As URLs: refused whatever the resolver would say. */
const spellings: [what: string, url: string][] = [
  ['loopback', 'https://127.0.0.1/'],
  ['loopback on an odd port', 'https://127.0.0.1:8443/'],
  ['another loopback', 'https://127.255.255.254/'],
  ['short loopback', 'https://127.1/'],
  ['three-part loopback', 'https://127.0.1/'],
  ['decimal loopback', 'https://2130706433/'],
  ['hex loopback', 'https://0x7f000001/'],
  ['hex parts', 'https://0x7f.0x0.0x0.0x1/'],
  ['upper-case hex', 'https://0X7F.1/'],
  ['octal loopback', 'https://0177.0.0.1/'],
  ['octal of one number', 'https://017700000001/'],
  ['mixed bases', 'https://0x7f.0.01.1/'],
  ['trailing dot', 'https://127.0.0.1./'],
  ['fullwidth digits', 'https://１２７.０.０.１/'],
  ['circled digits', 'https://①②⑦.⓪.⓪.①/'],
  ['ideographic full stops', 'https://127。0。0。1/'],
  ['percent-encoded', 'https://%31%32%37.0.0.1/'],
  ['unspecified', 'https://0.0.0.0/'],
  ['unspecified, short', 'https://0/'],
  ['private 10/8', 'https://10.0.0.1/'],
  ['private 172.16/12', 'https://172.31.255.255/'],
  ['private 192.168/16', 'https://192.168.1.1/'],
  ['private, decimal', 'https://3232235777/'],
  ['carrier-grade NAT', 'https://100.64.0.1/'],
  ['Alibaba metadata', 'https://100.100.100.200/'],
  ['cloud metadata', 'https://169.254.169.254/'],
  ['cloud metadata, decimal', 'https://2852039166/'],
  ['cloud metadata, hex', 'https://0xa9fea9fe/'],
  ['cloud metadata, octal', 'https://0251.0376.0251.0376/'],
  ['cloud metadata, http', 'http://169.254.169.254/latest/meta-data/'],
  ['Azure metadata', 'https://168.63.129.16/'],
  ['Oracle metadata', 'https://192.0.0.192/'],
  ['documentation', 'https://192.0.2.1/'],
  ['documentation 2', 'https://198.51.100.1/'],
  ['documentation 3', 'https://203.0.113.1/'],
  ['benchmarks', 'https://198.19.255.255/'],
  ['multicast', 'https://224.0.0.1/'],
  ['reserved', 'https://240.0.0.1/'],
  ['broadcast', 'https://255.255.255.255/'],
  ['6to4 relay', 'https://192.88.99.1/'],
  ['IPv6 loopback', 'https://[::1]/'],
  ['IPv6 loopback in full', 'https://[0:0:0:0:0:0:0:1]/'],
  ['IPv6 unspecified', 'https://[::]/'],
  ['IPv4-mapped', 'https://[::ffff:127.0.0.1]/'],
  ['IPv4-mapped in hex', 'https://[::ffff:7f00:1]/'],
  ['IPv4-mapped metadata', 'https://[::ffff:a9fe:a9fe]/'],
  ['IPv4-mapped, even public', 'https://[::ffff:8.8.8.8]/'],
  ['IPv4-compatible', 'https://[::127.0.0.1]/'],
  ['IPv4-translated', 'https://[::ffff:0:127.0.0.1]/'],
  ['NAT64', 'https://[64:ff9b::7f00:1]/'],
  ['NAT64 local', 'https://[64:ff9b:1::a00:1]/'],
  ['6to4', 'https://[2002:7f00:1::]/'],
  ['Teredo', 'https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/'],
  ['ORCHID', 'https://[2001:20::1]/'],
  ['IPv6 benchmarks', 'https://[2001:2::1]/'],
  ['IPv6 documentation', 'https://[2001:db8::1]/'],
  ['newer IPv6 documentation', 'https://[3fff::1]/'],
  ['unique local', 'https://[fd00::1]/'],
  ['AWS metadata over IPv6', 'https://[fd00:ec2::254]/'],
  ['link-local', 'https://[fe80::1]/'],
  ['link-local with a zone', 'https://[fe80::1%25eth0]/'],
  ['loopback with a zone', 'https://[::1%25lo]/'],
  ['site-local', 'https://[fec0::1]/'],
  ['IPv6 multicast', 'https://[ff02::1]/'],
  ['discard', 'https://[100::1]/'],
  ['SRv6', 'https://[5f00::1]/'],
  ['name of this machine', 'https://localhost/'],
  ['its trailing dot', 'https://localhost./'],
  ['its capitals', 'https://LOCALHOST/'],
  ['its circled letters', 'https://ⓛocalhost/'],
  ['a name without a dot', 'https://metadata/'],
  ['a trailing dot', 'https://rp.example./'],
  ['user information', 'https://rp.example@127.0.0.1/'],
  ['user information before a public name', 'https://127.0.0.1@rp.example/'],
  ['empty user information', 'https://@rp.example/'],
  ['a backslash for a slash', 'https://rp.example\\@127.0.0.1/'],
  ['a tab in the name', 'https://127.0.\t0.1/'],
  ['a line break in the path', 'https://rp.example/\r\nx: y'],
  ['a leading space', ' https://rp.example/'],
  ['one slash', 'https:/127.0.0.1/'],
  ['three slashes', 'https:///127.0.0.1/'],
  ['http', 'http://rp.example/'],
  ['SSH', 'https://rp.example:22/'],
  ['SMTP', 'https://rp.example:25/'],
  ['http port', 'https://rp.example:80/'],
  ['port 0', 'https://rp.example:0/'],
  ['port beyond the last', 'https://rp.example:65536/'],
  ['a file', 'file:///etc/passwd'],
  ['gopher', 'gopher://127.0.0.1:6379/_FLUSHALL'],
  ['data', 'data:application/json,{"keys":[]}'],
  ['FTP', 'ftp://rp.example/'],
  ['a UNIX socket', 'unix:/var/run/docker.sock'],
  ['no URL', 'rp.example'],
  ['nothing', ''],
  ['too long', `https://rp.example/${'a'.repeat(2000)}`],
]

describe('a URL', () => {
  test.each(spellings)('%s', async (_, url) => {
    const out = guarded({ resolve: async () => ['93.184.216.34'] })
    const error: unknown = await out.fetch(url).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OutboundError)
    expect(error).toMatchObject({ reason: 'refused' })
    expect(out.asked).toEqual([])
  })

  test.each([
    ['https://rp.example', 'rp.example', 443],
    ['https://RP.Example:443/a', 'rp.example', 443],
    ['https://rp.example:8443/', 'rp.example', 8443],
    ['https://93.184.216.34/', '93.184.216.34', 443],
    ['https://[2606:4700::1111]/', '2606:4700::1111', 443],
    ['https://xn--bcher-kva.example/jwks?a=@b', 'xn--bcher-kva.example', 443],
  ])('%s may be asked', (url, host, port) => {
    expect(readTarget(url, new Set())).toMatchObject({ secure: true, host, port, exempt: false })
  })
})

describe('a name', () => {
  const answers: [what: string, addresses: string[]][] = [
    ['loopback', ['127.0.0.1']],
    ['IPv6 loopback', ['::1']],
    ['metadata', ['169.254.169.254']],
    ['private', ['10.1.2.3']],
    ['unique local', ['fd12:3456::1']],
    ['mapped', ['::ffff:10.1.2.3']],
    ['NAT64', ['64:ff9b::a01:203']],
    ['a zone', ['fe80::1%eth0']],
    ['public with a zone', ['2606:4700::1%lo']],
    ['one public, one private', ['93.184.216.34', '192.168.0.1']],
    ['one private, one public', ['192.168.0.1', '93.184.216.34']],
    ['public IPv4, loopback IPv6', ['93.184.216.34', '::1']],
    ['no address at all', ['rp.example']],
    ['octal', ['0177.0.0.1']],
  ]
  test.each(answers)('that leads to %s', async (_, addresses) => {
    const out = guarded({ resolve: async () => addresses })
    const error = await out.fetch('https://rp.example/').catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ reason: 'refused', message: 'must lead to a public address' })
  })

  test('that leads nowhere, or whose server fails, is unreachable, and the caller is not told why', async () => {
    for (const resolve of [
      async () => [],
      async () => {
        throw new Error('SERVFAIL 10.0.0.53')
      },
    ]) {
      const error = await guarded({ resolve })
        .fetch('https://rp.example/')
        .catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ reason: 'unreachable', message: 'could not be reached' })
    }
  })

  test('that turns private between two requests is judged anew', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']]
    const target = readTarget('https://rp.example/', new Set())
    const resolve = async () => answers.shift() ?? []
    expect(await addressesOf(target, resolve)).toEqual(['93.184.216.34'])
    await expect(addressesOf(target, resolve)).rejects.toMatchObject({ reason: 'refused' })
  })
})

test('the addresses of that table are special in their plain spelling too', () => {
  const plain = spellings
    .map(([, url]) => URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? '')
    .filter((host) => isIP(host) > 0)
  expect(plain.length).toBeGreaterThan(55)
  expect(plain.filter(isPublicAddress)).toEqual([])
})

test('addresses at the edges of what is special', () => {
  const publicOnes = [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
  ]
  publicOnes.push('128.0.0.0', '169.253.255.255', '172.15.255.255', '172.32.0.0', '192.167.255.255')
  publicOnes.push('198.17.255.255', '198.20.0.0', '223.255.255.255', '2001:200::1', '2003::1', '2606:4700::1')
  expect(publicOnes.filter((ip) => !isPublicAddress(ip))).toEqual([])
  const special = ['9.9.9.9.', '1.1.1', '', 'x', '4000::1', '1fff::1', '2001:1ff:ffff::1', '239.255.255.255']
  expect(special.filter(isPublicAddress)).toEqual([])
})

describe('a server', () => {
  let lab: Laboratory
  beforeAll(() => {
    lab = laboratory()
  })
  afterAll(() => lab.close())

  const name = 'rp.example'
  const open = (port: number, more: Parameters<typeof guarded>[0] = {}) =>
    guarded({ allow: [`${name}:${port}`], caPath: lab.caPath, timeoutMs: 1_000, ...more })

  test('a name that answers differently the next time: the connection goes where the first answer said', async () => {
    const good = await lab.https(name, (_, response) => void response.end('good'))
    const trap = await lab.https(name, (_, response) => void response.end('trap'), good.port, '127.0.0.2')
    const answers = [['127.0.0.1']]
    const out = open(good.port, { resolve: async () => answers.shift() ?? ['127.0.0.2'] })
    expect((await out.fetch(`https://${name}:${good.port}/`)).body).toBe('good')
    expect(out.asked).toEqual([name])
    expect(trap.connections()).toBe(0)
    // The trap is a trap: whoever asks again goes there, over no connection left from before.
    expect((await out.fetch(`https://${name}:${good.port}/`)).body).toBe('trap')
  })

  test('with the certificate of another name gets no request, though it has the address', async () => {
    let requests = 0
    const other = await lab.https('other.example', (_, response) => (requests++, void response.end()))
    const allow = [`${name}:${other.port}`, `other.example:${other.port}`]
    const out = open(other.port, { allow })
    const url = `https://${name}:${other.port}/`
    await expect(out.fetch(url)).rejects.toMatchObject({
      reason: 'unreachable',
      message: 'could not be reached',
    })
    // Nor after a connection to the same address was verified for its own name.
    await out.fetch(`https://other.example:${other.port}/`)
    await expect(out.fetch(url)).rejects.toMatchObject({ reason: 'unreachable' })
    expect(requests).toBe(1)
  })

  test('at an address, its certificate must be for that address', async () => {
    const right = await lab.https('127.0.0.1', (_, response) => void response.end('right'))
    const wrong = await lab.https(name, (_, response) => void response.end('wrong'))
    const allow = [`127.0.0.1:${right.port}`, `127.0.0.1:${wrong.port}`]
    const out = guarded({ allow, caPath: lab.caPath })
    expect((await out.fetch(`https://127.0.0.1:${right.port}/`)).body).toBe('right')
    await expect(out.fetch(`https://127.0.0.1:${wrong.port}/`)).rejects.toMatchObject({
      reason: 'unreachable',
    })
  })

  test('that redirects to a private address: nobody goes there', async () => {
    const inside = await lab.http((_, response) => void response.end('secret'))
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://127.0.0.1:${inside.port}/`
      const outside = await lab.https(
        name,
        (_, response) => void response.writeHead(status, { location }).end(),
      )
      const allow = [`${name}:${outside.port}`, `127.0.0.1:${inside.port}`]
      const out = open(outside.port, { allow })
      await expect(out.fetch(`https://${name}:${outside.port}/`)).rejects.toMatchObject({
        reason: 'redirect',
      })
    }
    expect(inside.connections()).toBe(0)
  })

  const head = 'HTTP/1.1 200 OK\r\n'
  const hostile: [what: string, speak: (socket: Socket) => unknown, reason: string][] = [
    [
      'sends a body without end',
      (socket) => (socket.write(`${head}\r\n`), flood(socket, 'a'.repeat(8192))),
      'too_large',
    ],
    [
      'sends chunks without end',
      (socket) => {
        socket.write(`${head}transfer-encoding: chunked\r\n\r\n`)
        flood(socket, `2000\r\n${'a'.repeat(8192)}\r\n`)
      },
      'too_large',
    ],
    [
      'announces a huge body',
      (socket) => socket.write(`${head}content-length: 99999999999\r\n\r\n`),
      'too_large',
    ],
    [
      'sends headers without end',
      (socket) => (socket.write(head), flood(socket, `x: ${'a'.repeat(500)}\r\n`)),
      'too_large',
    ],
    [
      'sends one header without end',
      (socket) => (socket.write(`${head}x: `), flood(socket, 'a'.repeat(8192))),
      'too_large',
    ],
    [
      'sends early hints without end',
      (socket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'),
      'timeout',
    ],
    [
      'drips a byte at a time',
      (socket) => {
        socket.write(`${head}content-length: 1000\r\n\r\n`)
        const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write('a')), 20)
      },
      'timeout',
    ],
    [
      'drips its headers',
      (socket) => {
        const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write('H')), 20)
        socket.write(`${head}x: `)
      },
      'timeout',
    ],
    ['says nothing', () => {}, 'timeout'],
    ['hangs up', (socket) => socket.destroy(), 'unreachable'],
    ['stops in the middle', (socket) => socket.end(`${head}content-length: 1000\r\n\r\nabc`), ''],
    ['speaks no HTTP', (socket) => socket.end('220 mail.example ESMTP\r\n'), 'malformed'],
    ['switches protocols', (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'), 'malformed'],
    [
      'has both lengths',
      (socket) =>
        socket.end(`${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`),
      'malformed',
    ],
  ]
  test.each(hostile)('that %s', async (_, speak, reason) => {
    const server = await lab.tls(name, speak)
    const error = await open(server.port)
      .fetch(`https://${name}:${server.port}/`)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OutboundError)
    if (reason) expect(error).toMatchObject({ reason })
    await until(() => server.open() === 0, 'the connection to be closed')
  })

  test('that accepts and never shakes hands', async () => {
    const sockets: Socket[] = []
    const { createServer } = await import('node:net')
    const mute = createServer((socket) => void sockets.push(socket.on('error', () => {})))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const address = mute.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await expect(open(port).fetch(`https://${name}:${port}/`)).rejects.toMatchObject({ reason: 'timeout' })
    for (const socket of sockets) socket.destroy()
    mute.close()
  })

  test.each(['gzip', 'br', 'deflate', 'zstd', 'x-unknown'])('that sends a bomb of %s', async (encoding) => {
    const bomb = Bun.gzipSync(new Uint8Array(50_000_000))
    expect(bomb.length).toBeLessThan(65_536)
    const server = await lab.https(name, (_, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(bomb)
    })
    const before = process.memoryUsage().rss
    await expect(open(server.port).fetch(`https://${name}:${server.port}/`)).rejects.toMatchObject({
      reason: 'malformed',
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000)
  })

  test('whose body is just as large as allowed is heard to the end', async () => {
    const server = await lab.https(name, (_, response) => void response.end('a'.repeat(65_536)))
    const out = open(server.port)
    const url = `https://${name}:${server.port}/`
    expect((await out.fetch(url)).body).toHaveLength(65_536)
    await expect(out.fetch(url, { maxBytes: 65_535 })).rejects.toMatchObject({ reason: 'too_large' })
  })

  test('of many names at one address holds sixteen turns, and no more', async () => {
    const server = await lab.https(name, () => {})
    const names = Array.from({ length: 40 }, (_, i) => `n${i}.example:${server.port}`)
    const out = guarded({ allow: names, timeoutMs: 1_500, caPath: lab.caPath })
    const all = await Promise.allSettled(names.map((each) => out.fetch(`https://${each}/`)))
    const busy = all.filter((each) => each.status === 'rejected' && each.reason.reason === 'busy')
    expect(busy).toHaveLength(24)
  })
})
