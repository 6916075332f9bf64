/** SIGHUP ended the process, at once and with all requests in progress; a renewed certificate needed a restart. */
import { afterAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { fixed } from '../../src/cli/reload.ts'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { basic, demo } from '../support/client.ts'
import { freePort } from '../support/free_port.ts'
import { until } from '../support/until.ts'
import { fromSource, latchkeyCommand } from '../support/latchkey_command.ts'

const folders: string[] = []
const certificates: Certificate[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  for (const each of certificates) each.remove()
})

interface Server {
  port: number
  folder: string
  issuer: string
  env(lines: Record<string, string>): void
  output(): string
  events(name: string): Record<string, unknown>[]
  hangUp(): void
  child: Bun.Subprocess
  [Symbol.asyncDispose](): Promise<void>
}

/** `serve` in a folder with `.env`; `ready` is false for a test that does not wait for it. */
async function serve(
  lines: Record<string, string> = {},
  { ready = true, scheme = 'http', preload = [] as string[] } = {},
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-hup-'))
  folders.push(folder)
  const port = freePort()
  const env = (more: Record<string, string>) =>
    writeFileSync(
      join(folder, '.env'),
      Object.entries({ PORT: `${port}`, LOG_FORMAT: 'json', ...more })
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
  env(lines)
  const child = Bun.spawn(
    [
      ...(preload.length > 0 ? fromSource(...preload.map((path) => `--preload=${path}`)) : latchkeyCommand),
      'serve',
    ],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  let text = ''
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  void drain(child.stdout)
  void drain(child.stderr)
  const server: Server = {
    port,
    folder,
    issuer: `${scheme}://localhost:${port}`,
    env,
    child,
    output: () => text,
    events: (name) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{') && line.includes(`"event":"${name}"`))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    hangUp: () => child.kill('SIGHUP'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
  if (ready) await until(() => server.events('started').length > 0, 'the server to start')
  return server
}

const isUp = async ({ issuer }: Server): Promise<boolean> =>
  (await fetch(`${issuer}/health`, { keepalive: false, tls: { rejectUnauthorized: false } })).ok

const reloads = (server: Server) => [...server.events('reloaded'), ...server.events('reload_refused')]
const nextReload = async (server: Server) => {
  const before = reloads(server).length
  server.hangUp()
  await until(() => reloads(server).length > before, 'an answer to SIGHUP')
}

const certificateOf = ({ port }: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerX509Certificate()!.fingerprint256)
        socket.destroy()
      },
    )
    socket.on('error', reject)
  })

/** A token request over TLS that the server has begun to answer (`100 Continue`), and whose body has not all arrived yet. */
async function requestInProgress({ port }: Server) {
  const body = 'grant_type=client_credentials'
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
  let text = ''
  let failure: Error | undefined
  socket.on('data', (chunk: Buffer) => void (text += chunk.toString()))
  socket.on('error', (error) => void (failure = error))
  socket.on('close', () => void (failure ??= new Error('the connection was closed')))
  const next = async (what: string): Promise<string> => {
    await until(() => failure !== undefined || text.includes('\r\n\r\n'), what)
    if (failure && text === '') throw failure // the connection may close behind the answer
    const came = text
    text = ''
    return came
  }
  await new Promise<void>((resolve) => void socket.once('secureConnect', resolve))
  socket.write(
    [
      'POST /token HTTP/1.1',
      'Host: localhost',
      `Authorization: ${basic(demo).authorization}`,
      'Content-Type: application/x-www-form-urlencoded',
      'Expect: 100-continue',
      `Content-Length: ${body.length}`,
      '',
      body.slice(0, 10),
    ].join('\r\n'),
  )
  expect(await next('the server to begin')).toStartWith('HTTP/1.1 100 ')
  return {
    async finish() {
      socket.write(body.slice(10))
      const answer = await next('the answer')
      socket.destroy()
      return answer
    },
  }
}

describe('SIGHUP', () => {
  test('reloads what requests read: the level of the log, limits, the theme', async () => {
    await using server = await serve({ LOG_LEVEL: 'info' })
    const theme = join(server.folder, 'theme')
    expect((await (await fetch(`${server.issuer}/`)).text()).includes('Acme')).toBe(false)
    await Bun.write(join(theme, 'theme.json'), JSON.stringify({ name: 'Acme' }))
    server.env({
      LOG_LEVEL: 'debug',
      THEME_PATH: theme,
      RATE_LIMITING_ENABLED: 'true',
      RATE_LIMIT_PER_MINUTE: '1',
    })
    await nextReload(server)
    const [reloaded] = server.events('reloaded')
    expect(reloaded).toMatchObject({
      changed: ['LOG_LEVEL', 'RATE_LIMITING_ENABLED', 'RATE_LIMIT_PER_MINUTE', 'THEME_PATH'],
    })
    expect(await (await fetch(`${server.issuer}/`)).text()).toContain('Acme')
    expect((await fetch(`${server.issuer}/userinfo`)).status).toBe(401)
    expect((await fetch(`${server.issuer}/userinfo`)).status).toBe(429)
  })

  test('uses a renewed certificate, and requests in progress finish', async () => {
    const [old, renewed] = [makeCertificate(), makeCertificate()]
    certificates.push(old, renewed)
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-hup-'))
    folders.push(folder)
    const at = { TLS_CERT_PATH: join(folder, 'cert.pem'), TLS_KEY_PATH: join(folder, 'key.pem') }
    const install = ({ certPath, keyPath }: Certificate) => {
      copyFileSync(certPath, at.TLS_CERT_PATH)
      copyFileSync(keyPath, at.TLS_KEY_PATH)
    }
    install(old)
    await using server = await serve(at, { scheme: 'https' })
    const first = await certificateOf(server)

    // Half of a renewal: the key does not belong to the certificate.
    copyFileSync(renewed.certPath, at.TLS_CERT_PATH)
    await nextReload(server)
    expect(String(server.events('reload_refused')[0]!.problems)).toContain('TLS_KEY_PATH')
    expect(await certificateOf(server)).toBe(first)

    const said = async () => {
      await nextReload(server)
      return String(server.events('reload_refused').at(-1)!.problems)
    }
    const damages: [name: 'TLS_CERT_PATH' | 'TLS_KEY_PATH', make: (path: string) => unknown][] = [
      ['TLS_CERT_PATH', (path) => rmSync(path)],
      ['TLS_CERT_PATH', (path) => writeFileSync(path, 'no certificate')],
      ['TLS_KEY_PATH', (path) => rmSync(path)],
      ['TLS_KEY_PATH', (path) => writeFileSync(path, 'no key')],
    ]
    for (const [name, damage] of damages) {
      install(old)
      damage(at[name])
      expect(await said()).toContain(`${name}: expected `)
      expect(await certificateOf(server)).toBe(first)
    }

    install(renewed)
    const request = await requestInProgress(server)
    for (let i = 0; i < 3; i++) await nextReload(server)
    expect(await isUp(server)).toBe(true)
    expect(await request.finish()).toStartWith('HTTP/1.1 200 ')
    expect(await certificateOf(server)).not.toBe(first)
    expect(server.events('reloaded').map(({ certificate }) => certificate)).toEqual([true, false, false])
  })

  test.each([
    ['a .env that cannot be read', { LOG_LEVEL: '"debug' }, '.env'],
    ['a value that does not fit', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    ['a variable that does not exist', { SESION_TTL: '600' }, 'SESION_TTL'],
    ['a theme that does not exist', { THEME_PATH: '/nowhere' }, '/nowhere'],
    ['what needs a restart', { LOG_LEVEL: 'debug', HOST: '127.0.0.2', ACCESS_TOKEN_TTL: '77' }, 'HOST'],
  ] as [string, Record<string, string>, string][])(
    'keeps all old values for %s, and one line says it',
    async (_, lines, named) => {
      await using server = await serve()
      server.env(lines)
      await nextReload(server)
      expect(server.events('reloaded')).toEqual([])
      const [refusal, ...more] = server.events('reload_refused')
      expect(more).toEqual([])
      expect(refusal!.level).toBe('error')
      expect(JSON.stringify(refusal!.problems)).toContain(named)
      server.env({})
      await nextReload(server)
      expect(server.events('reloaded')).toHaveLength(1)
      expect(await isUp(server)).toBe(true)
    },
  )

  test('no secret is in the line', async () => {
    await using server = await serve()
    server.env({ SECRET_KEY: 'another-secret-that-nobody-may-read-0123456789' })
    await nextReload(server)
    expect(JSON.stringify(reloads(server))).toContain('SECRET_KEY')
    expect(server.output()).not.toContain('another-secret')
  })

  test('does not kill before the server is ready, nor while it stops', async () => {
    await using server = await serve({ SHUTDOWN_DELAY: '2' }, { ready: false })
    // The runtime itself needs a moment before it runs any code of ours.
    await until(
      () =>
        Bun.file(`/proc/${server.child.pid}/status`)
          .text()
          .then((it) => {
            const caught = BigInt(`0x${/SigCgt:\s*([0-9a-f]+)/.exec(it)?.[1] ?? '0'}`)
            return (caught & 1n) === 1n
          }),
      'the signal to be caught',
    )
    await until(() => {
      server.hangUp()
      return server.events('started').length > 0
    }, 'the server to start')
    await until(() => reloads(server).length > 0, 'an answer to SIGHUP')
    expect(await isUp(server)).toBe(true)
    server.child.kill('SIGTERM')
    await until(() => server.events('stopping').length > 0, 'the server to stop')
    server.hangUp()
    expect(await server.child.exited).toBe(0)
  })

  test('counts of metrics go on', async () => {
    await using server = await serve()
    await fetch(`${server.issuer}/userinfo`)
    await nextReload(server)
    const metrics = await (await fetch(`${server.issuer}/metrics`)).text()
    expect(metrics).toMatch(/requests_total\{endpoint="userinfo",status="401"\} 1/)
  })
})

test('every setting that only the start reads needs a restart', () => {
  const source = ['open', 'listener']
    .map((name) => readFileSync(join(import.meta.dir, `../../src/cli/${name}.ts`), 'utf8'))
    .join('\n')
  const names = [
    ...[...source.matchAll(/\bconfig\.(\w+)/g)].map(([, name]) => name!),
    ...[...source.matchAll(/\{([^{}]*)\}: Config\b/g)].flatMap(([, list]) =>
      list!.split(',').map((each) => each.trim()),
    ),
  ].filter((name) => name !== 'ts' && name !== '')
  expect(names.length).toBeGreaterThan(15)
  const reloaded = ['logLevel', 'tls']
  expect(names.filter((name) => !(name in fixed) && !reloaded.includes(name))).toEqual([])
})

test('the start says address, port and version', async () => {
  await using server = await serve()
  const { version } = (await Bun.file(join(import.meta.dir, '../../package.json')).json()) as {
    version: string
  }
  const [line] = server
    .output()
    .split('\n')
    .filter((each) => each.startsWith('Latchkey '))
  expect(line).toContain(version)
  expect(line).toContain(`localhost:${server.port}`)
  expect(line).toMatch(/listening on (127\.0\.0\.1|\[::1\]|localhost):\d+/)
  expect(server.events('started')[0]).toMatchObject({ version, port: server.port, address: 'localhost' })
})

test.each(['true', 'false'])(
  'LAB=%s needs a restart, and so does the listener of the recorder',
  async (LAB) => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-hup-'))
    folders.push(folder)
    const preload = join(folder, 'listens.ts')
    writeFileSync(
      preload,
      `import { channel } from 'node:diagnostics_channel'
process.on('SIGUSR2', () => console.log(JSON.stringify({ event: 'asked', listens: channel('latchkey.check').hasSubscribers })))`,
    )
    await using server = await serve({ LAB }, { preload: [preload] })
    const listens = async () => {
      const before = server.events('asked').length
      server.child.kill('SIGUSR2')
      await until(() => server.events('asked').length > before, 'the answer of the process')
      return server.events('asked').at(-1)!.listens
    }
    expect(await listens()).toBe(LAB === 'true')
    server.env({ LAB: LAB === 'true' ? 'false' : 'true' })
    await nextReload(server)
    expect(server.events('reload_refused')).toHaveLength(1)
    expect(await listens()).toBe(LAB === 'true')
  },
)
