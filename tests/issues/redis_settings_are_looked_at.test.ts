/** Production does not start with a Redis that evicts, and warns of a replicated one that may lose writes. Issue 9, 54. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { concernsOf } from '../../src/store/redis_settings.ts'
import { quietConcerns } from '../../src/store/store.ts'
import { redisStore } from '../../src/store/redis.ts'
import { commandLine } from '../support/command.ts'
import { clusterGroup, type Group, sentinelGroup } from '../support/failover_groups.ts'
import { freePort } from '../support/free_port.ts'
import { redisCli, type RedisServer, replicated, startRedis, startRedisCluster } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { spawnProvider } from '../support/provider.ts'

let primary: RedisServer
let replica: RedisServer
beforeAll(async () => {
  primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${primary.port}`] })
  await replicated(replica.port)
})
afterAll(() => Promise.all([primary.stop(), replica.stop()]))
afterEach(() => {
  redisCli(primary.port, 'config', 'set', 'maxmemory-policy', 'noeviction')
  redisCli(primary.port, 'config', 'set', 'min-replicas-to-write', '0')
})

const production = {
  NODE_ENV: 'production',
  STORE_TIMEOUT_MS: '30000',
  ISSUER_URL: 'https://localhost',
  SECRET_KEY: 'Zk9vQ2h1bXBTdGF0aWM3NDEyOTgzNkxhdGNoa2V5U2V0dGluZ3M',
}

const allConcerns = async (url: string): Promise<string[]> => {
  const store = redisStore(url, { timeoutMs: 30_000 })
  const found = (await store.concerns?.()) ?? []
  await store.close()
  return found.map(({ name }) => name)
}
const isQuiet = (name: string): boolean => quietConcerns.some((each) => each === name)
const concerns = async (url: string): Promise<string[]> =>
  (await allConcerns(url)).filter((name) => !isQuiet(name))

test('what a start does not repeat is told too: no file of changes, and the user that may do all', async () => {
  expect((await allConcerns(primary.url)).filter(isQuiet).toSorted()).toEqual(['every_right', 'not_on_disk'])
  redisCli(primary.port, 'acl', 'setuser', 'some', 'on', '>word', '~*', '&*', '+@all')
  redisCli(primary.port, 'config', 'set', 'appendonly', 'yes')
  try {
    const url = `redis://some:word@127.0.0.1:${primary.port}`
    expect((await allConcerns(url)).filter(isQuiet)).toEqual([])
  } finally {
    redisCli(primary.port, 'config', 'set', 'appendonly', 'no')
  }
})

test('a server tells what it may lose', async () => {
  expect(await concerns(primary.url)).toEqual(['may_lose_writes'])
  redisCli(primary.port, 'config', 'set', 'min-replicas-to-write', '1')
  expect(await concerns(primary.url)).toEqual([])
  redisCli(primary.port, 'config', 'set', 'maxmemory-policy', 'volatile-lru')
  expect(await concerns(primary.url)).toEqual(['evicts'])
})

test('of a cluster every master is asked', async () => {
  const cluster = await startRedisCluster()
  try {
    expect(await concerns(cluster.url)).toEqual([])
    redisCli(cluster.nodes[2]!.port, 'config', 'set', 'maxmemory-policy', 'allkeys-lfu')
    expect(await concerns(cluster.url)).toEqual(['evicts'])
  } finally {
    await cluster.stop()
  }
})

test('a user without INFO is a concern of its own', async () => {
  redisCli(primary.port, 'acl', 'setuser', 'plain', 'on', '>word', '~*', '&*', '+@all', '-info')
  expect(await concerns(`redis://plain:word@127.0.0.1:${primary.port}`)).toEqual(['unknown_settings'])
})

test('an empty INFO is no concern', () => expect(concernsOf('')).toEqual([]))

test('production refuses an evicting Redis and names the switch; with the switch it starts and warns', async () => {
  redisCli(primary.port, 'config', 'set', 'maxmemory-policy', 'allkeys-lru')
  const env = { ...production, REDIS_URL: primary.url, PORT: `${freePort()}` }
  const refused = await commandLine(env).latchkey(['serve'])
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('maxmemory-policy is allkeys-lru')
  expect(refused.stderr).toContain('REDIS_EVICTION=allow')
  const checked = await commandLine(env).latchkey(['config', 'check', '--deep'])
  expect(checked.code).toBe(2)
  expect(checked.stderr).toContain('REDIS_URL: maxmemory-policy is allkeys-lru')

  const served = await spawnProvider({
    ...env,
    ISSUER_URL: `http://localhost:${env.PORT}`,
    REDIS_EVICTION: 'allow',
  })
  expect((await fetch(`${served.issuer}/health`)).status).toBe(200)
  await served.stop()
  const allowed = await commandLine({ ...env, REDIS_EVICTION: 'allow' }).latchkey([
    'config',
    'check',
    '--deep',
  ])
  expect(allowed.code).toBe(0)
  expect(allowed.stderr).toContain('warning: maxmemory-policy is allkeys-lru')
  expect(allowed.stderr).toContain('warning: min-replicas-to-write is not set, with a replica')
})

test('what libraries write to the console is a line of the log', async () => {
  redisCli(primary.port, 'acl', 'setuser', 'plain', 'on', '>word', '~*', '&*', '+@all', '-info')
  const port = `${freePort()}`
  const served = await spawnProvider({
    ...production,
    REDIS_URL: `redis://plain:word@127.0.0.1:${primary.port}`,
    ISSUER_URL: `http://localhost:${port}`,
    PORT: port,
  })
  await served.stop()
  const events = served
    .output()
    .split('\n')
    .filter((line) => /INFO/.test(line))
    .map((line) => (JSON.parse(line) as { event: string }).event)
  expect(events).toContain('library_warning')
  expect(events).toContain('store_may_lose_records')
})

describe.each([
  ['Sentinel', sentinelGroup],
  ['a cluster', clusterGroup],
] as const)('production with %s', (_, make) => {
  let group: Group
  beforeAll(async () => {
    group = await make({ minReplicas: false, downAfterMs: 30_000 })
  }, 240_000)
  afterAll(() => group.stop())

  const onPrimaries = (...setting: string[]) => {
    for (const port of group.primaries) redisCli(port, 'config', 'set', ...setting)
  }
  const env = () => {
    const PORT = `${freePort()}`
    return { ...production, REDIS_URL: group.url, PORT, ISSUER_URL: `http://localhost:${PORT}` }
  }
  const warnings = async (): Promise<unknown[]> => {
    const served = await spawnProvider(env())
    await served.stop()
    const lines = served
      .output()
      .split('\n')
      .filter((line) => line.includes('store_may_lose_records'))
    return lines.map((line) => (JSON.parse(line) as { concern: string }).concern)
  }

  test('warns of replicas without min-replicas-to-write', async () => {
    expect(await warnings()).toEqual(['may_lose_writes'])
    // A primary without a replica would take no write at all: of the cluster, one has replicas.
    const hasReplica = (port: number) => redisCli(port, 'info', 'replication').includes('state=online')
    await until(() => group.primaries.some(hasReplica), 'a replica')
    for (const port of group.primaries.filter(hasReplica))
      redisCli(port, 'config', 'set', 'min-replicas-to-write', '1')
    expect(await warnings()).toEqual([])
  }, 240_000)

  test('refuses a maxmemory-policy that evicts, on whatever primary', async () => {
    redisCli(group.primaries.at(-1)!, 'config', 'set', 'maxmemory-policy', 'allkeys-lru')
    const refused = await commandLine(env()).latchkey(['serve'])
    onPrimaries('maxmemory-policy', 'noeviction')
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('maxmemory-policy is allkeys-lru'),
    ])
  }, 240_000)
})
