/**
 * The deployment of deploy/compose.ha.yaml without containers: three instances, nginx and six Redis servers with the files
 * of that folder. Under a load of real flows, instances are restarted and killed, and a Redis primary is killed.
 * `FIGURES=1` prints what docs/operations.md has.
 */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from '../support/certificate.ts'
import { type ClusterOfSix, startClusterOfSix } from '../support/cluster_of_six.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { type LoadOptions, type MixedLoad, startMixedLoad } from '../support/mixed_load.ts'
import { type Nginx, runNginx } from '../support/nginx.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { redisCli } from '../support/redis.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(240_000)

const deploy = join(import.meta.dir, '../../deploy')
const outer = freePort()
const issuer = `https://localhost:${outer}`
const certificate = makeCertificate()
const ports = [freePort(), freePort(), freePort()]
const redirect = 'https://shop.example/callback'
const left = 'https://shop.example/left'

let cluster: ClusterOfSix
let nginx: Nginx
let env: Record<string, string>
const instances: SpawnedProvider[] = []
let options: LoadOptions
let load: MixedLoad

const start = async (i: number): Promise<void> => {
  instances[i] = await spawnProvider({ ...env, PORT: `${ports[i]}` })
}

/** deploy/nginx.conf with the addresses and files of this machine. */
function configure(folder: string): void {
  const own = [
    ['listen 8443 ', `listen 127.0.0.1:${outer} `],
    ...ports.map((port, i) => [`172.30.77.1${i + 1}:5000`, `127.0.0.1:${port}`] as const),
    ['/run/secrets/tls_certificate', certificate.certPath],
    ['/run/secrets/tls_key', certificate.keyPath],
    ['/dev/stderr', `${folder}/error.log`],
  ] as const
  const text = readFileSync(join(deploy, 'nginx.conf'), 'utf8').replaceAll(' /tmp/', ` ${folder}/`)
  for (const [theirs] of own) expect(text.split(theirs), theirs).toHaveLength(2)
  writeFileSync(
    join(folder, 'nginx.conf'),
    own.reduce((conf, [theirs, ours]) => conf.replace(theirs, ours), text),
  )
}

beforeAll(async () => {
  cluster = await startClusterOfSix()
  env = {
    NODE_ENV: 'production',
    ISSUER_URL: issuer,
    SECRET_KEY: 'Xb9-kq2mV7_rT4yLw8zNf3cHj6pDs1gA5eQu0oRiMtE',
    REDIS_URL: cluster.url,
    HOST: '127.0.0.1',
    TRUSTED_PROXIES: 'loopback',
    SHUTDOWN_DELAY: '1',
    REFRESH_TOKEN_GRACE: '30', // as compose.ha.yaml has it
    RATE_LIMITING_ENABLED: 'false', // all of the load comes from one address
  }
  const line = commandLine({ ...env, STORE_TIMEOUT_MS: '30000', LOG_LEVEL: 'error' })
  const accounts = []
  for (const username of ['ada', 'ben', 'cleo', 'dora']) {
    const password = `correct-horse-${username}-battery`
    const { code, stderr, stdout } = await line.latchkey(
      ['user', 'add', username, '--password-stdin', '--json'],
      password,
    )
    if (code !== 0) throw new Error(stderr)
    accounts.push({ username, password, sub: (JSON.parse(stdout) as { sub: string }).sub })
  }
  const redirects = ['--redirect-uri', redirect, '--post-logout-redirect-uri', left]
  type Made = { client_id: string; client_secret: string }
  const shop = await line.json<Made>('client', 'add', 'Shop', ...redirects, '--json')
  const kind = ['--grant-type', 'client_credentials', '--resource-server']
  const service = await line.json<Made>('client', 'add', 'Reports', ...kind, '--json')
  line.remove()
  await Promise.all(ports.map((_, i) => start(i)))
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  configure(folder)
  const tls = { ca: certificate.pem }
  nginx = await runNginx(folder, async () => (await fetch(`${issuer}/health`, { tls })).ok)
  options = {
    issuer,
    fetch: (url, init) => fetch(url, { ...init, tls }),
    accounts,
    application: { ...shop, redirect_uri: redirect, post_logout_redirect_uri: left },
    service: { ...service, redirect_uri: '' },
  }
})
afterEach(() => load?.stop())
afterAll(async () => {
  await nginx?.stop()
  await Promise.all(instances.map((each) => each.stop()))
  await cluster?.stop()
  certificate.remove()
})

function figure(what: string, value: string): void {
  if (process.env.FIGURES) process.stdout.write(`${what}: ${value}\n`)
}

/** The load while `disturb` runs, and for a round before and after it. */
async function under(what: string, disturb: () => Promise<void>): Promise<MixedLoad> {
  load = startMixedLoad(options)
  await load.rounds(1)
  const before = { ...load.counts }
  await disturb()
  await load.rounds(1)
  await load.stop()
  expect(load.wrong).toEqual([])
  expect(before.right).toBeGreaterThan(0)
  expect(before).toMatchObject({ unavailable: 0, unanswered: 0, spent: 0 })
  figure(what, JSON.stringify(load.counts))
  return load
}

/** Requests that an instance has had from clients. */
async function served(i: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports[i]}/metrics`)).text()
  const rows = [...text.matchAll(/^latchkey_requests_total\{([^}]*)\} (\d+)$/gm)]
  return rows
    .filter(([, labels]) => !/health|metrics/.test(labels!))
    .reduce((sum, [, , count]) => sum + Number(count), 0)
}
const getsRequests = (i: number) =>
  until(async () => (await served(i)) > 0, `nginx to send requests to instance ${i + 1} again`)

test('instances restarted one after the other: no answer is wrong, none is 503', async () => {
  const { counts } = await under('rolling restart', async () => {
    for (const i of ports.keys()) {
      instances[i]!.signal('SIGTERM')
      expect(await instances[i]!.exited).toBe(0)
      await start(i)
      await getsRequests(i)
    }
  })
  expect(counts.unavailable).toBe(0)
  // nginx sends no request to an instance that refuses connections. One that arrives as the socket closes is lost.
  expect(counts.unanswered).toBeLessThanOrEqual(options.accounts.length)
})

test('an instance killed: what it was answering is lost, and nothing else', async () => {
  const { counts } = await under('instance killed', async () => {
    instances[0]!.signal('SIGKILL')
    await instances[0]!.exited
    await load.rounds(1)
    await start(0)
    await getsRequests(0)
  })
  expect(counts.unavailable).toBe(0)
  // Each worker has one request under way.
  expect(counts.unanswered).toBeLessThanOrEqual(options.accounts.length)
})

test('a Redis primary killed: 503 until its replica has taken over, then all flows go on', async () => {
  const killed = cluster.nodes.find(({ port }) => redisCli(port, 'role').startsWith('master'))!
  const witness = cluster.nodes.find((node) => node !== killed)!
  await under('Redis primary killed', async () => {
    await killed.kill()
    const killedAt = performance.now()
    await until(() => {
      const primaries = cluster.primaries(witness)
      return primaries.length === 3 && !primaries.includes(killed.port)
    }, 'a replica to take over')
    figure('takes over after', `${((performance.now() - killedAt) / 1000).toFixed(1)} s`)
    await load.rounds(1)
    // It comes back with old data, and must serve none of it.
    await killed.restart()
    await cluster.follows(killed.port)
  })
})
