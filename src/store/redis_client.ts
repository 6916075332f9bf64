/** An ioredis client that fails fast and never repeats a command by itself. https://redis.github.io/ioredis/ */
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis'
import type { RedisTarget } from './redis_url.ts'

/**
 * One key each, so they run in a cluster too. All effects hang on what the key holds now; nothing is read before
 * and written after, as other clients would come between.
 */
const scripts = {
  /** KEYS: value. ARGV: expected, value, ttl or ''. 1 when swapped. */
  latchkeyReplace: {
    numberOfKeys: 1,
    lua: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`,
  },
  /** KEYS: counter. ARGV: by, ttl. The count and the milliseconds left. */
  latchkeyIncrement: {
    numberOfKeys: 1,
    lua: `local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]); left = tonumber(ARGV[2]) end
return {count, left}`,
  },
  /** KEYS: index. ARGV: member, score, ttl or ''. A TTL is only ever lengthened; none is the longest. */
  latchkeyLink: {
    numberOfKeys: 1,
    lua: `local left = redis.call('PTTL', KEYS[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if ARGV[3] == '' then
  if left >= 0 then redis.call('PERSIST', KEYS[1]) end
elseif left == -2 or (left >= 0 and left < tonumber(ARGV[3])) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1`,
  },
}

/** The scripts above as ioredis adds them to a client. */
export interface Scripted {
  latchkeyReplace(key: string, expected: string, value: string, ttl: string): Promise<number>
  latchkeyIncrement(key: string, by: string, ttl: string): Promise<[number, number]>
  latchkeyLink(key: string, member: string, score: string, ttl: string): Promise<number>
}

export type RedisClient = (Redis | Cluster) & Scripted

export interface ConnectOptions {
  timeoutMs: number
  /** PEM of the authority that signed the server's certificate; the system's authorities without it. */
  caCert?: string
}

/** Begins to connect; what happens shows in the client's `status` and events. */
export function connectRedis(target: RedisTarget, options: ConnectOptions): RedisClient {
  const client = target.kind === 'cluster' ? cluster(target, options) : redis(target, options)
  return client as RedisClient
}

function connection(target: RedisTarget, { timeoutMs, caCert }: ConnectOptions) {
  return {
    ...(target.username && { username: target.username }),
    ...(target.password && { password: target.password }),
    db: target.db,
    ...(target.tls && { tls: caCert ? { ca: caCert } : {} }),
    protocol: 2,
    connectTimeout: timeoutMs,
    // A stopped or unplugged server keeps its connections: one that owes an answer for so long is dropped, and
    // with it go the commands that wait for it.
    socketTimeout: timeoutMs,
    // A command whose reply was lost may have been done. Sending it again would make a `create` lose against
    // itself and an `increment` count twice, so it is rejected and the caller decides.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number) => Math.min(50 * times, 1000),
    // A master that became a replica under us: look again who is master. The command was refused, not done.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions
}

function redis(target: RedisTarget, options: ConnectOptions): Redis {
  const shared = {
    ...connection(target, options),
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    scripts,
  }
  if (target.kind === 'single') return new Redis({ ...shared, ...target.hosts[0] })
  return new Redis({
    ...shared,
    sentinels: target.hosts,
    ...(target.master && { name: target.master }),
    ...(target.sentinelPassword && { sentinelPassword: target.sentinelPassword }),
    sentinelCommandTimeout: options.timeoutMs,
    enableTLSForSentinelMode: target.tls,
    ...(shared.tls && { sentinelTLS: shared.tls }),
    failoverDetector: true,
  })
}

/** Certificates name hosts: looking the address up first would leave nothing to compare with. */
const byName: NonNullable<ClusterOptions['dnsLookup']> = (host, done) => done(null, host)

function cluster(target: RedisTarget, options: ConnectOptions): Cluster {
  const { retryStrategy: _, ...node } = connection(target, options) // a lost node is found again through its slots
  return new Cluster(target.hosts, {
    redisOptions: node,
    enableAutoPipelining: true,
    scripts,
    clusterRetryStrategy: (times) => Math.min(50 * times, 1000),
    slotsRefreshTimeout: options.timeoutMs,
    slotsRefreshInterval: 5000,
    maxRedirections: 4,
    // MOVED, ASK and TRYAGAIN say that nothing was done: following them is safe and at once. ioredis would also
    // repeat after "connection closed", which says nothing of the kind; 0 turns that off.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 20,
    ...(target.tls && { dnsLookup: byName }),
  })
}
