/** The store in Redis 7: one server, one behind Sentinels, or a cluster. https://redis.io/docs/latest/commands/ */
import { Cluster } from 'ioredis'
import { finiteScore, rangeBounds, wholeStep, wholeTtl } from './bounds.ts'
import { withTtl } from './pages.ts'
import { connectRedis, type RedisClient } from './redis_client.ts'
import { isWrongDatabase, reason, refusesWrites } from './redis_reason.ts'
import { parseRedisUrl } from '../lib/redis_url.ts'
import { scanKeys } from './redis_scan.ts'
import { settingsConcerns } from './redis_settings.ts'
import {
  type Backend,
  type Concern,
  type Counted,
  type Found,
  pingTtl,
  type RangeOptions,
  type Scored,
  StoreUnavailable,
  type Ttl,
} from './store.ts'

export interface RedisStoreOptions {
  /** The prefix of every key. Default: `latchkey:`. */
  prefix?: string
  /** How long the answer to a verb may take, and how long a verb waits for a lost connection. Default: 1,000 ms. */
  timeoutMs?: number
  /** The certificate authority (PEM) of a `rediss` server. */
  caCert?: string
}

/** Most verbs in progress, so that a slow Redis does not fill the memory. */
const maxPending = 10_000
const reconnectDelayMs = 50
/** How long the first connection may take, unless it fails: it needs several answers of the server, and a verb needs one. */
const firstConnectionMs = 5000
/** A server that is connected for this long and not ready is most likely reading its data from its disk. */
const loadingAfterMs = 300
/** Different keys that `ping` writes in a cluster. */
const pingSlots = 16

/**
 * A store in the Redis of `url` (its forms: redis_url.ts). Connects in the background and reconnects by itself. Throws an
 * Error that does not contain the URL when the URL is invalid. An acknowledged write is as durable as Redis makes it:
 * `appendonly yes` with `appendfsync always` loses none.
 */
export function redisStore(url: string, options: RedisStoreOptions = {}): Backend {
  const { prefix = 'latchkey:', timeoutMs = 1000, caCert } = options
  return new RedisStore(
    connectRedis(parseRedisUrl(url), { timeoutMs, ...(caCert && { caCert }) }),
    prefix,
    timeoutMs,
  )
}

class RedisStore implements Backend {
  readonly seals = false
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #timeoutMs: number
  #pending = 0
  #pings = 0
  #isClosed = false
  /** When the connection was lost, by `performance.now()`; undefined while connected. */
  #lostAt: number | undefined = performance.now()
  #lastError = 'the server does not complete the connection; redis:// is without TLS, rediss:// with TLS'
  /** The first connection is neither made nor refused yet. */
  #isFirst = true
  /** Why the server does not serve this connection, although it is connected. */
  #refusal: string | undefined
  #awaitingReady = new Set<() => void>()

  constructor(client: RedisClient, prefix: string, timeoutMs: number) {
    this.#client = client
    this.#prefix = prefix
    this.#timeoutMs = timeoutMs
    client.on('ready', () => {
      this.#lostAt = undefined
      this.#isFirst = false
      const waiting = this.#awaitingReady
      this.#awaitingReady = new Set()
      for (const go of waiting) go()
    })
    client.on('close', () => (this.#lostAt ??= performance.now()))
    // A client gives up when a Sentinel reports a failover while the client asks for the master.
    client.on('end', () => {
      if (!this.#isClosed) setTimeout(() => this.#connectAgain(), reconnectDelayMs)
    })
    client.on('connect', () => {
      this.#refusal = undefined
      setTimeout(() => {
        if (client.status === 'connect')
          this.#lastError = 'the server is connected and not ready: it loads its data'
      }, loadingAfterMs).unref()
    })
    client.on('error', (error: Error) => {
      this.#isFirst = false
      this.#lastError = reason(error)
      // ioredis would go on with database 0, where this provider has no data.
      if (isWrongDatabase(error))
        this.#refusal =
          'the server does not have the database that the URL names. Choose a number below its setting databases (16 unless set), such as /0'
    })
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#ask((redis) => redis.get(this.#value(key)))) ?? undefined
  }

  async read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined> {
    const [value, ttl] = await this.#ask((redis) => redis.latchkeyRead(this.#value(key)))
    return value === null ? undefined : { value, ...withTtl(ttl, 0, -1) }
  }

  async put(key: string, value: string, ttl?: Ttl): Promise<void> {
    const px = ttl === undefined ? undefined : wholeTtl(ttl)
    await this.#ask((redis) =>
      px === undefined ? redis.set(this.#value(key), value) : redis.set(this.#value(key), value, 'PX', px),
    )
  }

  async create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    const px = ttl === undefined ? undefined : wholeTtl(ttl)
    const reply = await this.#ask((redis) =>
      px === undefined
        ? redis.set(this.#value(key), value, 'NX')
        : redis.set(this.#value(key), value, 'PX', px, 'NX'),
    )
    return reply === 'OK'
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    const px = ttl === undefined ? '' : `${wholeTtl(ttl)}`
    return (await this.#ask((redis) => redis.latchkeyReplace(this.#value(key), expected, value, px))) === 1
  }

  async take(key: string): Promise<string | undefined> {
    return (await this.#ask((redis) => redis.getdel(this.#value(key)))) ?? undefined
  }

  async increment(key: string, ttl: Ttl, by = 1): Promise<Counted> {
    const [step, px] = [`${wholeStep(by)}`, `${wholeTtl(ttl)}`]
    const [count, left] = await this.#ask((redis) => redis.latchkeyIncrement(this.#value(key), step, px))
    return { count, ttl: left }
  }

  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#keep(index, { member, score }, ttl)
  }

  adopt(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#keep(index, { member, score }, ttl, 'NX')
  }

  async #keep(index: string, { member, score }: Scored, ttl: Ttl | undefined, unless = ''): Promise<void> {
    const px = ttl === undefined ? '' : `${wholeTtl(ttl)}`
    const at = `${finiteScore(score)}`
    await this.#ask((redis) => redis.latchkeyLink(this.#index(index), member, at, px, unless))
  }

  async unlink(index: string, member: string): Promise<void> {
    await this.#ask((redis) => redis.zrem(this.#index(index), member))
  }

  async range(index: string, options?: RangeOptions): Promise<Scored[]> {
    const { from, max, to, limit, offset, descending, isByScore } = rangeBounds(options)
    const [name, first, last] = [this.#index(index), bound(from.score), bound(max)]
    const flat = await this.#ask((redis) =>
      isByScore
        ? redis.zrangebyscore(name, first, last, 'WITHSCORES', 'LIMIT', offset, limit)
        : redis.latchkeyRange(
            name,
            ...[first, from.member, bound(to.score), to.member, last],
            ...[`${offset}`, `${limit}`, descending ? '1' : '0'],
          ),
    )
    const found = Array.from({ length: flat.length / 2 }, (_, i) => ({
      member: flat[2 * i] as string,
      score: Number(flat[2 * i + 1]),
    }))
    return descending ? found.reverse() : found
  }

  async trim(index: string, max: number): Promise<void> {
    await this.#ask((redis) => redis.zremrangebyscore(this.#index(index), '-inf', bound(max)))
  }

  scan(): AsyncGenerator<readonly Found[]> {
    return scanKeys((send) => this.#ask(send), this.#prefix)
  }

  /**
   * A cluster is available when all its slots are served, so the answer of one node is not enough. Its write goes to
   * another slot each time, so that a master that cannot write is found in a few probes.
   */
  async ping(): Promise<void> {
    await this.#ask(async (redis) => {
      const name = redis instanceof Cluster ? `ping:${this.#pings++ % pingSlots}` : 'ping'
      const [info] = await Promise.all([
        redis instanceof Cluster ? redis.cluster('INFO') : 'cluster_state:ok',
        redis.set(this.#value(name), '1', 'PX', pingTtl),
      ])
      if (!String(info).includes('cluster_state:ok')) throw new Error('CLUSTERDOWN')
    })
  }

  time(): Promise<number | undefined> {
    return this.#ask(async (redis) => {
      const told = await redis.time().catch((error: Error) => {
        if (error.message.startsWith('NOPERM')) return undefined
        throw error
      })
      return told && Number(told[0]) * 1000 + Math.floor(Number(told[1]) / 1000)
    })
  }

  concerns(): Promise<Concern[]> {
    return this.#ask(settingsConcerns)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#client.disconnect()
  }

  /** A failure is an `error` event too, and another `end`. */
  #connectAgain(): void {
    if (!this.#isClosed) this.#client.connect().catch(() => {})
  }

  #value(key: string): string {
    return `${this.#prefix}v:${key}`
  }

  #index(name: string): string {
    return `${this.#prefix}i:${name}`
  }

  /** Sends the command once, as soon as there is a connection. Rejects with StoreUnavailable when the timeout ends. */
  #ask<T>(send: (redis: RedisClient) => Promise<T>): Promise<T> {
    if (this.#pending >= maxPending) return Promise.reject(new StoreUnavailable('redis: too many verbs wait'))
    if (this.#refusal) return Promise.reject(new StoreUnavailable(`redis: ${this.#refusal}`))
    // Disconnected for longer than the timeout: reject at once, so that verbs do not accumulate.
    if (this.#connectingLeft() <= 0) return Promise.reject(this.#disconnected())
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        if (timer === undefined) return
        clearTimeout(timer)
        timer = undefined
        this.#pending--
        then()
      }
      const fail = (error: unknown) => settle(() => reject(this.#unavailable(error)))
      const go = () => {
        if (timer === undefined) return // timed out while it waited for the connection: must not be sent any more
        clearTimeout(timer)
        timer = setTimeout(() => fail(new StoreUnavailable('redis: no answer in time')), this.#timeoutMs)
        if (this.#refusal) return fail(new StoreUnavailable(`redis: ${this.#refusal}`))
        try {
          send(this.#client).then((reply) => settle(() => resolve(reply)), fail)
        } catch (error) {
          fail(error) // ioredis throws when a slot has no node
        }
      }
      const waitForConnection = () => {
        const left = this.#connectingLeft(waitedSince)
        if (left > 0) return (timer = setTimeout(waitForConnection, left))
        this.#awaitingReady.delete(go)
        return fail(this.#disconnected())
      }
      const waitedSince = performance.now()
      let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(waitForConnection, this.#timeoutMs)
      this.#pending++
      if (this.#client.status === 'ready') go()
      else this.#awaitingReady.add(go)
    })
  }

  /** Milliseconds for which a verb that waits since `since` waits on for a connection. */
  #connectingLeft(since = this.#lostAt): number {
    if (since === undefined) return this.#timeoutMs
    const most = this.#isFirst ? Math.max(this.#timeoutMs, firstConnectionMs) : this.#timeoutMs
    return most - (performance.now() - since)
  }

  #disconnected(): StoreUnavailable {
    return new StoreUnavailable(`redis: no connection (${this.#lastError})`)
  }

  #unavailable(error: unknown): StoreUnavailable {
    if (error instanceof StoreUnavailable) return error
    return new StoreUnavailable(`redis: ${reason(error)}`, { refusesWrites: refusesWrites(error) })
  }
}

const bound = (score: number): string =>
  score === Infinity ? '+inf' : score === -Infinity ? '-inf' : `${score}`
