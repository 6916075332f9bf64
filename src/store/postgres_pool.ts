/** Connections to PostgreSQL: rejects early while the server is away, and finds it or its successor again. docs/decisions/0076-postgres.md */
import type { SQL } from 'bun'
import type { PostgresTarget } from '../lib/postgres_url.ts'
import { type ClientOptions, nameless, openClient, requireUsable, within } from './postgres_client.ts'
import {
  codeOf,
  isAnswer,
  isDefinite,
  isLoss,
  tookTooLong,
  unavailable,
  wasUndone,
} from './postgres_reason.ts'
import { StoreUnavailable } from './store.ts'

export interface PostgresPool {
  /** Runs one statement, which is its own transaction, once. Rejects with StoreUnavailable when the timeout ends. */
  ask<Row>(statement: string, values?: readonly unknown[]): Promise<Row[]>
  close(): Promise<void>
}

export type PoolOptions = Pick<ClientOptions, 'timeoutMs' | 'caCert'> & { poolSize: number }

interface Verb {
  statement: string
  values: readonly unknown[]
  /** Undefined once the caller has its answer. */
  timer: ReturnType<typeof setTimeout> | undefined
  tries: number
  /** While the server may answer it. */
  sent?: { query: SQL.Query<unknown[]>; client: SQL; at: number } | undefined
  resolve(rows: unknown[]): void
  reject(error: unknown): void
}

/** Most verbs in progress, so that a slow server does not fill the memory. */
const maxPending = 10_000
/** How often a statement is tried that the server has undone because of another one. */
const mostTries = 10
/** Milliseconds. A server that stays read-only refuses every write, and is not left for each of them. */
const readOnlyPauseMs = 5000

const slowdown = (tries: number): number => Math.min(50 * tries, 1000)

/** Begins to connect, and connects again by itself. */
export const openPool = (target: PostgresTarget, options: PoolOptions): PostgresPool =>
  new Pool(target, options)

class Pool implements PostgresPool {
  readonly #target: PostgresTarget
  readonly #options: ClientOptions
  readonly #timeoutMs: number
  #client: SQL | undefined
  #pending = 0
  #isClosed = false
  /** When the server was lost, by `performance.now()`; undefined while connected. */
  #lostAt: number | undefined = performance.now()
  #lastError = new StoreUnavailable('postgres: the server does not complete the connection')
  /** The server answers and does not let us in: waiting helps no verb. */
  #isRefused = false
  #answeredAt = -Infinity
  #foundReadOnlyAt = -Infinity
  #waiting = new Set<Verb>()

  constructor(target: PostgresTarget, { timeoutMs, poolSize, caCert }: PoolOptions) {
    this.#target = target
    this.#timeoutMs = timeoutMs
    // The server gives up first, so that its answer tells a slow statement from a lost server.
    const statementMs = Math.max(1, Math.floor(timeoutMs * 0.9))
    this.#options = { timeoutMs, max: poolSize, statementMs, ...(caCert !== undefined && { caCert }) }
    void this.#connect()
  }

  ask<Row>(statement: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#pending >= maxPending)
      return Promise.reject(new StoreUnavailable('postgres: too many verbs wait'))
    const lostFor = this.#lostAt === undefined ? 0 : performance.now() - this.#lostAt
    // Lost for longer than the timeout: reject at once, so that verbs do not accumulate.
    if (this.#isClosed || this.#isRefused || lostFor > this.#timeoutMs)
      return Promise.reject(this.#disconnected())
    return new Promise<Row[]>((resolve, reject) => {
      const verb: Verb = {
        statement,
        values,
        timer: undefined,
        tries: 0,
        resolve: resolve as (rows: unknown[]) => void,
        reject,
      }
      verb.timer = setTimeout(() => this.#late(verb), this.#timeoutMs)
      this.#pending++
      this.#send(verb)
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const client = this.#client
    this.#refuseWaiting()
    await client?.close({ timeout: this.#timeoutMs / 1000 }).catch(() => {})
  }

  #send(verb: Verb): void {
    const client = this.#client
    if (!client) return void this.#waiting.add(verb)
    const query = client.unsafe<unknown[]>(verb.statement, [...verb.values])
    verb.sent = { query, client, at: performance.now() }
    query.then(
      (rows) => {
        verb.sent = undefined
        this.#answeredAt = performance.now()
        this.#settle(verb, () => verb.resolve(rows))
      },
      (error: unknown) => this.#failed(verb, client, error),
    )
  }

  #failed(verb: Verb, client: SQL, error: unknown): void {
    verb.sent = undefined
    if (isLoss(error)) this.#lose(client, error)
    else if (isAnswer(error)) this.#answeredAt = performance.now()
    if (codeOf(error) === '25006') this.#leaveReadOnly(client, error)
    if (wasUndone(error) && verb.timer !== undefined && ++verb.tries < mostTries) {
      // Random, so that statements that stopped each other do not meet again.
      setTimeout(() => verb.timer !== undefined && this.#send(verb), Math.random() * 10 * verb.tries)
      return
    }
    const told = tookTooLong(error) ? new StoreUnavailable('postgres: no answer in time') : unavailable(error)
    this.#settle(verb, () => verb.reject(told))
  }

  #settle(verb: Verb, then: () => void): void {
    if (verb.timer === undefined) return
    clearTimeout(verb.timer)
    verb.timer = undefined
    this.#pending--
    then()
  }

  /** The timeout of a verb ended. What was not sent must not be sent any more. */
  #late(verb: Verb): void {
    const { sent } = verb
    const wasWaiting = this.#waiting.delete(verb)
    if (sent && !sent.query.active) void sent.query.cancel()
    this.#settle(verb, () =>
      verb.reject(wasWaiting ? this.#disconnected() : new StoreUnavailable('postgres: no answer in time')),
    )
    if (!sent) return
    const silence = new StoreUnavailable('postgres: the server does not answer')
    if (this.#answeredAt < sent.at) return this.#lose(sent.client, silence, sent.at)
    // The server answers others. Its own limit ends this statement soon, unless the connection is dead.
    setTimeout(() => verb.sent === sent && this.#lose(sent.client, silence), this.#timeoutMs).unref()
  }

  /** Verbs in progress may still end; new ones wait for another connection. */
  #lose(client: SQL, error: unknown, since = performance.now()): void {
    if (client !== this.#client || this.#isClosed) return
    this.#client = undefined
    this.#lostAt = since
    this.#lastError = unavailable(error)
    void client.close({ timeout: this.#timeoutMs / 1000 }).catch(() => {})
    void this.#connect()
  }

  /** After a failover the same connection may lead to a replica. */
  #leaveReadOnly(client: SQL, error: unknown): void {
    if (performance.now() - this.#foundReadOnlyAt < readOnlyPauseMs) return
    this.#foundReadOnlyAt = performance.now()
    this.#lose(client, error)
  }

  async #connect(): Promise<void> {
    const { hosts } = this.#target
    for (let tries = 1; !this.#isClosed; tries++) {
      for (const host of hosts) {
        const client = await this.#tryHost(host)
        if (!client) continue
        if (this.#isClosed) return void client.close({ timeout: 0 })
        this.#client = client
        this.#lostAt = undefined
        this.#isRefused = false
        const waiting = this.#waiting
        this.#waiting = new Set()
        for (const verb of waiting) this.#send(verb)
        return
      }
      if (this.#isRefused) this.#refuseWaiting()
      await Bun.sleep(slowdown(tries))
    }
  }

  /** One connection asks first, so that a server that refuses is not asked by all of them. */
  async #tryHost(host: PostgresTarget['hosts'][number]): Promise<SQL | undefined> {
    let trial: SQL | undefined
    try {
      trial = openClient(this.#target, host, { ...this.#options, max: 1 })
      await within(2 * this.#timeoutMs, requireUsable(trial))
      return openClient(this.#target, host, this.#options)
    } catch (error) {
      this.#lastError = unavailable(await nameless(error, host))
      this.#isRefused = isDefinite(error)
      return undefined
    } finally {
      void trial?.close({ timeout: 0 }).catch(() => {})
    }
  }

  #refuseWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const verb of waiting) this.#settle(verb, () => verb.reject(this.#disconnected()))
  }

  #disconnected(): StoreUnavailable {
    if (this.#isClosed) return new StoreUnavailable('postgres: the store is closed')
    return new StoreUnavailable(
      `postgres: no connection (${this.#lastError.message.replace(/^postgres: /, '')})`,
      { refusesWrites: this.#lastError.refusesWrites },
    )
  }
}
