/** Real Redis servers for the tests: one alone, three as a cluster, one watched by a Sentinel. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free_port.ts'
import { until } from './until.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** A directory of this server alone; gone after `stop`. */
  readonly directory: string
  /** SIGKILL, as a crash: nothing is flushed and the port goes dead. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  resume(): void
  /** SIGKILL when still running, then start again on the same port and directory. */
  restart(): Promise<void>
  /** End the process and remove its directory. */
  stop(): Promise<void>
}

export interface RedisCluster {
  readonly url: string
  readonly nodes: RedisServer[]
  stop(): Promise<void>
}

export interface RedisOptions {
  /** More command line, e.g. `['--appendonly', 'yes']`. */
  args?: string[]
  /** Sets `requirepass` and puts it into `url`. */
  password?: string
  /** Serve TLS on the port instead of plain TCP; `url` becomes rediss://. */
  tls?: { cert: string; key: string; ca: string }
}

/** The path of a program, or an error that says what to install: a missing backend fails the tests. */
function installed(program: string): string {
  const path = Bun.which(program)
  if (!path) throw new Error(`${program} is missing: install Redis 7 (apt-get install redis-server)`)
  return path
}

/** The text `redis-cli` prints. */
export function redisCli(port: number, ...args: string[]): string {
  return Bun.spawnSync([installed('redis-cli'), '-p', `${port}`, ...args]).stdout.toString()
}

/** Runs `redis-server` with `args` until it has logged `ready`. */
async function supervise(port: number, url: string, args: string[], ready: string): Promise<RedisServer> {
  const program = installed('redis-server')
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-'))
  const log = join(directory, 'log')
  const config = join(directory, 'redis.conf')
  writeFileSync(config, '')
  const spawn = async () => {
    writeFileSync(log, '')
    const child = Bun.spawn(
      [program, config, '--port', `${port}`, '--dir', directory, '--logfile', log, ...args],
      {
        stdio: ['ignore', 'ignore', 'ignore'],
      },
    )
    await until(() => {
      if (child.exitCode !== null) throw new Error(`redis-server ended:\n${readFileSync(log, 'utf8')}`)
      return readFileSync(log, 'utf8').includes(ready)
    }, `redis-server on port ${port}`)
    return child
  }
  /**
   * `bun test` calls nothing when it ends, and a failed test does not stop the server. So a shell reads its stdin, which
   * is closed when this process ends in any way, and then stops the server and removes the directory.
   */
  const guard = () =>
    Bun.spawn(['sh', '-c', 'cat >/dev/null; kill -9 "$0"; rm -rf "$1"', `${child.pid}`, directory], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
  let child = await spawn()
  let guardian = guard()
  const kill = async () => {
    child.kill('SIGKILL')
    await child.exited
  }
  return {
    url,
    port,
    directory,
    get pid() {
      return child.pid
    },
    kill,
    pause: () => process.kill(child.pid, 'SIGSTOP'),
    resume: () => process.kill(child.pid, 'SIGCONT'),
    async restart() {
      await kill()
      guardian.kill()
      child = await spawn()
      guardian = guard()
    },
    async stop() {
      await kill()
      guardian.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** One server on a random loopback port that keeps nothing on disk unless `args` says so. */
export async function startRedis({ args = [], password, tls }: RedisOptions = {}): Promise<RedisServer> {
  const port = freePort()
  const auth = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  const secure = tls
    ? [
        ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no'],
        ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-ca-cert-file', tls.ca],
      ].flat()
    : []
  const required = password === undefined ? [] : ['--requirepass', password]
  return supervise(
    port,
    `${tls ? 'rediss' : 'redis'}://${auth}127.0.0.1:${port}/0`,
    ['--bind', '127.0.0.1', '--save', '', ...required, ...secure, ...args],
    'Ready to accept connections',
  )
}

/** Three masters that share all slots, joined and agreed before this resolves. */
export async function startRedisCluster({ args = [] }: { args?: string[] } = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(
    [0, 1, 2].map(async () => {
      const bus = freePort()
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`]
      const node = await startRedis({ args: [...cluster, '--cluster-node-timeout', '2000', ...args] })
      return { node, bus }
    }),
  )
  const last = nodes.length - 1
  nodes.forEach(({ node }, i) => {
    const from = Math.floor((16384 * i) / nodes.length)
    const to = i === last ? 16383 : Math.floor((16384 * (i + 1)) / nodes.length) - 1
    redisCli(node.port, 'cluster', 'set-config-epoch', `${i + 1}`)
    redisCli(node.port, 'cluster', 'addslotsrange', `${from}`, `${to}`)
    for (const other of nodes.slice(0, i)) {
      redisCli(node.port, 'cluster', 'meet', '127.0.0.1', `${other.node.port}`, `${other.bus}`)
    }
  })
  const agreed = ({ node }: (typeof nodes)[number]) => {
    const info = redisCli(node.port, 'cluster', 'info')
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
  }
  await until(() => nodes.every(agreed), 'the cluster to agree')
  return {
    url: `redis+cluster://${nodes.map(({ node }) => `127.0.0.1:${node.port}`).join(',')}`,
    nodes: nodes.map(({ node }) => node),
    async stop() {
      await Promise.all(nodes.map(({ node }) => node.stop()))
    },
  }
}

export interface SentinelOptions {
  name?: string
  password?: string
  args?: string[]
  quorum?: number
  /** A Sentinel of the pace of production. Otherwise it looks several times a second. */
  downAfterMs?: number
  /** The port at which others reach it. */
  announcedPort?: number
}

/** A Sentinel that watches the master on `masterPort` under `name`, alone unless `quorum` says otherwise. */
export async function startSentinel(
  masterPort: number,
  { name = 'mymaster', password, args = [], quorum = 1, downAfterMs, announcedPort }: SentinelOptions = {},
): Promise<RedisServer> {
  const port = freePort()
  const auth = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  const server = await supervise(
    port,
    `redis+sentinel://${auth}127.0.0.1:${port}/${name}`,
    ['--bind', '127.0.0.1', '--sentinel', ...args],
    'Sentinel ID is',
  )
  if (announcedPort !== undefined) {
    redisCli(port, 'sentinel', 'config', 'set', 'announce-ip', '127.0.0.1')
    redisCli(port, 'sentinel', 'config', 'set', 'announce-port', `${announcedPort}`)
  }
  redisCli(port, 'sentinel', 'monitor', name, '127.0.0.1', `${masterPort}`, `${quorum}`)
  // Sentinel looks every second or ten by itself; its tests would be longer than they need be.
  // (It trusts a replica's word for five ping periods, so these must not be too short either.)
  const quick = ['info-period', '200', 'ping-period', '200', 'ask-period', '200', 'publish-period', '200']
  if (downAfterMs === undefined)
    redisCli(port, 'sentinel', 'debug', ...quick, 'min-link-reconnect-period', '100')
  redisCli(port, 'sentinel', 'set', name, 'down-after-milliseconds', `${downAfterMs ?? 500}`)
  redisCli(port, 'sentinel', 'set', name, 'failover-timeout', `${4 * (downAfterMs ?? 500)}`)
  if (password !== undefined) redisCli(port, 'sentinel', 'set', name, 'auth-pass', password)
  return server
}

/** Resolves once the replica on `replicaPort` is in step with its master. */
export const replicated = (replicaPort: number, password = ''): Promise<void> => {
  const auth = password ? ['-a', password, '--no-auth-warning'] : []
  return until(
    () => redisCli(replicaPort, ...auth, 'info', 'replication').includes('master_link_status:up'),
    'the replica to be in step',
  )
}

/** Resolves once the Sentinel has seen that its master has a replica fit to take over. */
export const watched = (sentinelPort: number, name = 'mymaster'): Promise<void> =>
  until(
    () => /master-link-status\s+ok/.test(redisCli(sentinelPort, 'sentinel', 'replicas', name)),
    'the Sentinel to know the replica',
  )
