/** An ioredis client that rejects early and never repeats a command by itself. https://redis.github.io/ioredis/ */
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis'
import type { RedisTarget } from '../lib/redis_url.ts'

/**
 * Each script has one key, so it runs in a cluster too. It reads and writes the key in one atomic step, so that no other
 * client can change the key in between.
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
  /** KEYS: value. The value, or nothing, and the milliseconds left, below 0 for no end. */
  latchkeyRead: {
    numberOfKeys: 1,
    lua: `return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}`,
  },
  /** KEYS: counter. ARGV: by, ttl. The count and the milliseconds left. */
  latchkeyIncrement: {
    numberOfKeys: 1,
    lua: `local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]); left = tonumber(ARGV[2]) end
return {count, left}`,
  },
  /** KEYS: index. ARGV: member, score, ttl or '', NX or '' to keep the score of a member that is there. The TTL is never shortened; '' means that the index never expires. */
  latchkeyLink: {
    numberOfKeys: 1,
    lua: `local left = redis.call('PTTL', KEYS[1])
if ARGV[4] == 'NX' then redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
else redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) end
if ARGV[3] == '' then
  if left >= 0 then redis.call('PERSIST', KEYS[1]) end
elseif left == -2 or (left >= 0 and left < tonumber(ARGV[3])) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1`,
  },
  /**
   * KEYS: index. ARGV: from (score, member), to (score, member), max, offset, limit, 1 for descending. Members and scores,
   * ascending. A sorted set is found by score or by place alone, so the place of a member among those of its score is
   * searched by halves. Bytes are compared here, because the comparison of Lua follows the language of the server.
   */
  latchkeyRange: {
    numberOfKeys: 1,
    lua: `local function isBefore(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local function place(score, member)
  local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. score)
  if member == '' then return low end
  local high = redis.call('ZCOUNT', KEYS[1], '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBefore(redis.call('ZRANGE', KEYS[1], middle, middle)[1], member) then low = middle + 1 else high = middle end
  end
  return low
end
local offset, limit = tonumber(ARGV[6]), tonumber(ARGV[7])
local first = place(ARGV[1], ARGV[2])
local last = math.min(place(ARGV[3], ARGV[4]), redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[5]))
if ARGV[8] == '1' then
  last = last - offset
  first = math.max(first, last - limit)
else
  first = first + offset
  last = math.min(last, first + limit)
end
if first >= last then return {} end
return redis.call('ZRANGE', KEYS[1], first, last - 1, 'WITHSCORES')`,
  },
}

/** The methods that ioredis adds to a client for these scripts. */
export interface Scripted {
  latchkeyReplace(key: string, expected: string, value: string, ttl: string): Promise<number>
  latchkeyRead(key: string): Promise<[value: string | null, ttl: number]>
  latchkeyIncrement(key: string, by: string, ttl: string): Promise<[number, number]>
  latchkeyRange(key: string, ...bounds: string[]): Promise<string[]>
  latchkeyLink(key: string, member: string, score: string, ttl: string, unless: string): Promise<number>
}

export type RedisClient = (Redis | Cluster) & Scripted

export interface ConnectOptions {
  timeoutMs: number
  /** The certificate authority (PEM) of the server. Default: those of the system. */
  caCert?: string
}

/** Begins to connect; the client's `status` and events show the progress. */
export function connectRedis(target: RedisTarget, options: ConnectOptions): RedisClient {
  const client = target.kind === 'cluster' ? cluster(target, options) : redis(target, options)
  if (client instanceof Cluster) client.on('+node', gatherWrites)
  else gatherWrites(client)
  return client as RedisClient
}

/**
 * The commands of one turn of the event loop leave in one packet. The pipelines of ioredis do that too, but a command then
 * waits for the answer to the pipeline before it, so that a slow network counts twice.
 */
function gatherWrites(redis: Redis): void {
  redis.on('connect', () => {
    const { stream } = redis
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
    let isGathering = false
    stream.write = (...args: unknown[]) => {
      if (!isGathering) {
        isGathering = true
        stream.cork()
        setImmediate(() => {
          isGathering = false
          stream.uncork()
        })
      }
      return write(...args)
    }
  })
}

/** How soon a server that loads its data is asked again whether it is ready. */
const loadingRetryMs = 500

function connection(target: RedisTarget, { timeoutMs, caCert }: ConnectOptions) {
  return {
    ...(target.username && { username: target.username }),
    ...(target.password && { password: target.password }),
    db: target.db,
    ...(target.tls && { tls: caCert ? { ca: caCert } : {} }),
    protocol: 2,
    connectTimeout: timeoutMs,
    maxLoadingRetryTime: loadingRetryMs,
    // Errors of CLIENT SETINFO are not reported, and the first one says why a server closes the connection.
    disableClientInfo: true,
    // The connection to a stopped or unplugged server stays open. After this time without an answer it is closed, and
    // the commands that wait on it are rejected.
    socketTimeout: timeoutMs,
    // A command whose reply was lost may have been done. Sending it again would make a `create` lose against
    // itself and an `increment` count twice, so it is rejected and the caller decides.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number) => Math.min(50 * times, 1000),
    reconnectOnError: onReadOnly(),
  } satisfies RedisOptions
}

/** Milliseconds. A server that stays read-only refuses every write, so it must not reconnect for each of them. */
const readOnlyPauseMs = 5000

/** The master became a replica: connect again, to find the new master. The command was refused, so it was not executed. */
function onReadOnly(): (error: Error) => boolean {
  let last = -Infinity
  return ({ message }) => {
    if (!message.startsWith('READONLY') || performance.now() - last < readOnlyPauseMs) return false
    last = performance.now()
    return true
  }
}

function redis(target: RedisTarget, options: ConnectOptions): Redis {
  const shared = {
    ...connection(target, options),
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

/** Keeps the host name, because the certificate is checked against it. */
const byName: NonNullable<ClusterOptions['dnsLookup']> = (host, done) => done(null, host)

function cluster(target: RedisTarget, options: ConnectOptions): Cluster {
  const { retryStrategy: _, ...node } = connection(target, options) // the cluster client finds a lost node again through its slots
  return new Cluster(target.hosts, {
    redisOptions: node,
    scripts,
    clusterRetryStrategy: (times) => Math.min(50 * times, 1000),
    slotsRefreshTimeout: options.timeoutMs,
    slotsRefreshInterval: 5000,
    maxRedirections: 4,
    // MOVED, ASK and TRYAGAIN mean that the command was not executed, so it is safe to repeat it at once. ioredis would
    // also repeat it after "connection closed", which does not mean that; 0 turns that off.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 20,
    ...(target.tls && { dnsLookup: byName }),
  })
}
