/** The store in one SQLite file that several processes may share. https://www.sqlite.org/wal.html */
import { Database, type Statement } from 'bun:sqlite'
import { type Clock, type SlowClock, slowClock } from '../lib/clock.ts'
import { finiteScore, rangeBounds, wholeStep, wholeTtl } from './bounds.ts'
import { withTtl } from './pages.ts'
import { retryWhileBusy } from './sqlite_busy.ts'
import { makeFile, sameFile } from './sqlite_file.ts'
import { unavailable } from './sqlite_reason.ts'
import { never, scanRows } from './sqlite_scan.ts'
import { schema, sql, sweepRows } from './sqlite_statements.ts'
import {
  type Backend,
  type Counted,
  type Found,
  pingTtl,
  type RangeOptions,
  type Scored,
  type StoreUnavailable,
  type Ttl,
} from './store.ts'

/** Most verbs in one commit; bounds the time for which the event loop is blocked. */
const batchSize = 256
const sweepMs = 1000

interface PendingWrite {
  run(): unknown
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * A store in the file `path`, created with mode 0600. TTLs follow `clock`. Throws StoreUnavailable when the file cannot
 * be opened. An unref'd timer deletes expired rows, a bounded number at a time, until `close`.
 */
export const sqliteStore = (path: string, clock: Clock): Backend => new SqliteStore(path, clock)

class SqliteStore implements Backend {
  readonly seals = false
  readonly #clock: Clock
  readonly #db: Database
  readonly #do: Record<keyof typeof sql, Statement>
  readonly #timer: ReturnType<typeof setInterval>
  #pending: PendingWrite[] = []
  #flushing: Promise<void> | undefined
  #pinging: Promise<void> | undefined
  readonly #sweptTo: SlowClock
  /** Throws when the file is not the one that is open. */
  readonly #requireFile: () => void
  /** Why nothing is read or written, looked at once a second. */
  #lost: StoreUnavailable | undefined

  constructor(path: string, clock: Clock) {
    this.#clock = clock
    this.#sweptTo = slowClock(clock)
    try {
      if (path !== ':memory:') makeFile(path)
      this.#requireFile = path === ':memory:' ? () => {} : sameFile(path)
      this.#db = open(path)
      this.#requireFile() // another may be there since: `open` waits for other processes
      this.#do = Object.fromEntries(
        Object.entries(sql).map(([name, text]) => [name, this.#db.prepare(text)]),
      ) as Record<keyof typeof sql, Statement>
    } catch (error) {
      throw unavailable(error)
    }
    this.#timer = setInterval(() => {
      this.#look()
      void this.#sweep().catch(() => {})
    }, sweepMs)
    this.#timer.unref()
  }

  async get(key: string): Promise<string | undefined> {
    const row = await this.#read(() => this.#do.get.get(key, this.#now()) as { value: string } | null)
    return row?.value
  }

  async read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined> {
    const row = await this.#read(
      () => this.#do.read.get(key, this.#now()) as { value: string; expires_at: number } | null,
    )
    return row ? { value: row.value, ...withTtl(row.expires_at, this.#now(), never) } : undefined
  }

  async put(key: string, value: string, ttl?: Ttl): Promise<void> {
    const expiresAt = this.#expiry(ttl)
    await this.#write(() => this.#do.put.run(key, value, expiresAt))
  }

  async create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    const expiresAt = this.#expiry(ttl)
    return this.#write(() => this.#do.create.run(key, value, expiresAt, this.#now()).changes > 0)
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    const expiresAt = this.#expiry(ttl)
    return this.#write(() => this.#do.replace.run(key, expected, value, expiresAt, this.#now()).changes > 0)
  }

  async take(key: string): Promise<string | undefined> {
    const row = await this.#write(
      () => this.#do.take.get(key) as { value: string; expires_at: number } | null,
    )
    return row && row.expires_at > this.#now() ? row.value : undefined
  }

  async increment(key: string, ttl: Ttl, by = 1): Promise<Counted> {
    const now = this.#now()
    const row = [key, `${wholeStep(by)}`, now + wholeTtl(ttl), now] as const
    const counted = await this.#write(
      () => this.#do.increment.get(...row) as { value: string; expires_at: number },
    )
    return { count: Number(counted.value), ttl: counted.expires_at - now }
  }

  link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#keep('link', index, { member, score }, ttl)
  }

  adopt(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    return this.#keep('adopt', index, { member, score }, ttl)
  }

  async #keep(how: 'link' | 'adopt', index: string, { member, score }: Scored, ttl?: Ttl): Promise<void> {
    const expiresAt = this.#expiry(ttl)
    finiteScore(score)
    await this.#write(() => {
      if (this.#do.forgetIndex.run(index, this.#now()).changes) this.#do.forgetMembers.run(index)
      this.#do.keepIndex.run(index, expiresAt)
      this.#do[how].run(index, member, score)
    })
  }

  async unlink(index: string, member: string): Promise<void> {
    await this.#write(() => {
      this.#do.unlink.run(index, member)
      this.#do.dropEmpty.run(index)
    })
  }

  async range(index: string, options?: RangeOptions): Promise<Scored[]> {
    const { from, max, to, limit, offset, descending } = rangeBounds(options)
    const bounds = [index, from.score, from.member, to.score, to.member, max, limit, offset] as const
    const statement = descending ? this.#do.rangeDescending : this.#do.range
    return this.#read(() => statement.all(...bounds, this.#now()) as Scored[])
  }

  async trim(index: string, max: number): Promise<void> {
    await this.#write(() => {
      this.#do.trim.run(index, max)
      this.#do.dropEmpty.run(index)
    })
  }

  scan(): AsyncGenerator<readonly Found[]> {
    return scanRows(
      (name, ...values) => this.#read(() => this.#do[name].all(...values) as never[]),
      () => this.#now(),
    )
  }

  /** Concurrent callers share one write, because each commit waits for the disk. */
  async ping(): Promise<void> {
    this.#look()
    this.#pinging ??= this.put('ping', '1', pingTtl).finally(() => (this.#pinging = undefined))
    await this.#pinging
  }

  async overwriteRemoved(): Promise<void> {
    await retryWhileBusy(() => this.#db.run('VACUUM'))
    await retryWhileBusy(() => this.#db.run('PRAGMA wal_checkpoint(TRUNCATE)'))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#flushing
    for (const statement of Object.values(this.#do)) statement.finalize()
    this.#db.close()
  }

  #look(): void {
    try {
      this.#requireFile()
      this.#lost = undefined
    } catch (error) {
      this.#lost = unavailable(error)
    }
  }

  #now(): number {
    return Math.floor(this.#clock.now())
  }

  #expiry(ttl: Ttl | undefined): number {
    return ttl === undefined ? never : this.#now() + wholeTtl(ttl)
  }

  async #read<T>(run: () => T): Promise<T> {
    if (this.#lost) throw this.#lost
    return retryWhileBusy(run)
  }

  /** Writes of one turn of the event loop share one commit and one sync of the disk. Their promises resolve after it. */
  #write<T>(run: () => T): Promise<T> {
    if (this.#lost) return Promise.reject(this.#lost)
    return new Promise((resolve, reject) => {
      this.#pending.push({ run, resolve: resolve as (result: unknown) => void, reject })
      this.#flushing ??= this.#flush()
    })
  }

  async #flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#pending.length) {
      const batch = this.#pending.splice(0, batchSize)
      try {
        const results = await retryWhileBusy(() => this.#commit(batch))
        batch.forEach(({ resolve }, i) => resolve(results[i]))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#flushing = undefined
  }

  #commit(batch: PendingWrite[]): unknown[] {
    this.#do.begin.run()
    try {
      const results = batch.map(({ run }) => run())
      this.#do.commit.run()
      return results
    } catch (error) {
      if (this.#db.inTransaction) this.#do.rollback.run()
      throw error
    }
  }

  /** Deletes expired rows in small transactions, so that other writes do not wait long. */
  async #sweep(): Promise<void> {
    for (let more = true; more;) {
      more = await this.#write(() => {
        const entries = this.#do.sweep.run(this.#sweptTo.now()).changes
        const index = this.#do.expiredIndex.get(this.#sweptTo.now()) as { name: string } | null
        if (!index) return entries >= sweepRows
        this.#do.sweepMembers.run(index.name)
        this.#do.dropEmpty.run(index.name)
        return true
      })
    }
  }
}

function open(path: string): Database {
  const db = new Database(path, { strict: true })
  db.run('PRAGMA busy_timeout = 5000') // switching to WAL and creating tables wait for other processes that do the same
  db.run('PRAGMA journal_mode = WAL')
  // FULL syncs the log at each commit. NORMAL would survive a killed process, but a power failure could undo the last
  // commits: a redeemed code could be redeemed again, a revoked grant would be valid. Shared commits reduce the cost.
  db.run('PRAGMA synchronous = FULL')
  db.transaction(() => db.run(schema)).immediate()
  db.run('PRAGMA busy_timeout = 5') // this wait blocks the event loop; that of `retryWhileBusy` does not
  return db
}
