/** The store in PostgreSQL 14 or later, which several instances may share. https://www.postgresql.org/docs/current/transaction-iso.html */
import { parsePostgresUrl } from '../lib/postgres_url.ts'
import { type Clock, type SlowClock, slowClock } from '../lib/clock.ts'
import { finiteScore, wholeStep, wholeTtl } from './bounds.ts'
import { countsOf, gathered } from './gathered.ts'
import { cutMember, indexable } from './postgres_key.ts'
import { migrate } from './postgres_migration.ts'
import { openPool, type PoolOptions, type PostgresPool } from './postgres_pool.ts'
import { rangeRead } from './postgres_range.ts'
import { scanTables } from './postgres_scan.ts'
import { never } from './postgres_schema.ts'
import { settingsConcerns } from './postgres_settings.ts'
import {
  type Backend,
  type Concern,
  type Counted,
  type Found,
  pingTtl,
  type RangeOptions,
  type Scored,
  type Ttl,
} from './store.ts'

export type PostgresOptions = Partial<PoolOptions>

const sweepMs = 1000
const sweepRows = 1000
/** Longer than any use, and far from the end of a bigint. */
const longestTtl = 1e15

const now = 'latchkey.now_ms()'
const until = (ttl: string) => `coalesce(${now} + ${ttl}::bigint, ${never})`
/** Of a counter, which is kept as its decimal digits. */
const digits = (value: string) => `encode(${value}, 'escape')`

/** Each verb is one statement and its own transaction, READ COMMITTED: a statement that waited for a row sees the row as it is. */
const sql = {
  get: `SELECT value FROM latchkey.entries WHERE key = $1 AND expires_at > ${now}`,
  read: `SELECT value, CASE WHEN expires_at < ${never} THEN greatest(expires_at - ${now}, 1)::float8 END AS ttl
    FROM latchkey.entries WHERE key = $1 AND expires_at > ${now}`,
  put: `INSERT INTO latchkey.entries (key, value, expires_at) VALUES ($1, $2, ${until('$3')})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
  create: `INSERT INTO latchkey.entries AS old (key, value, expires_at) VALUES ($1, $2, ${until('$3')})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
    WHERE old.expires_at <= ${now} RETURNING true AS done`,
  replace: `UPDATE latchkey.entries SET value = $3, expires_at = ${until('$4')}
    WHERE key = $1 AND value = $2 AND expires_at > ${now} RETURNING true AS done`,
  take: `DELETE FROM latchkey.entries WHERE key = $1 RETURNING value, expires_at > ${now} AS live`,
  increment: `INSERT INTO latchkey.entries AS old (key, value, expires_at)
      VALUES ($1, convert_to($2::bigint::text, 'UTF8'), ${until('$3')})
    ON CONFLICT (key) DO UPDATE SET
      value = CASE WHEN old.expires_at <= ${now} THEN excluded.value
        ELSE convert_to((${digits('old.value')}::bigint + $2::bigint)::text, 'UTF8') END,
      expires_at = CASE WHEN old.expires_at <= ${now} OR old.expires_at = ${never} THEN excluded.expires_at
        ELSE old.expires_at END
    RETURNING ${digits('value')} AS count, expires_at - ${now} AS ttl`,
  link: 'SELECT latchkey.link_members($1, $2, $3, $4, $5)',
  // The row of the index is locked by its own upsert. Members of one that has expired are as good as absent.
  adopt: `WITH expired AS (SELECT 1 FROM latchkey.indexes WHERE name = $1 AND expires_at <= ${now}),
    swept AS (DELETE FROM latchkey.members WHERE name = $1 AND member <> ALL ($2::bytea[]) AND EXISTS (SELECT 1 FROM expired)),
    kept AS (INSERT INTO latchkey.indexes AS old (name, expires_at) VALUES ($1, ${until('$5')})
      ON CONFLICT (name) DO UPDATE SET expires_at = CASE WHEN old.expires_at <= ${now} THEN excluded.expires_at
        ELSE greatest(old.expires_at, excluded.expires_at) END
      RETURNING name)
    INSERT INTO latchkey.members AS there (name, member, score, whole)
    SELECT kept.name, each.member, each.score, each.whole
    FROM kept, unnest($2::bytea[], $4::float8[], $3::bytea[]) AS each (member, score, whole)
    ON CONFLICT (name, member) DO UPDATE SET score = excluded.score WHERE EXISTS (SELECT 1 FROM expired)`,
  unlink: 'SELECT latchkey.unlink_members($1, $2)',
  trim: 'SELECT latchkey.trim_index($1, $2)',
  sweep: 'SELECT latchkey.sweep($1, $2) AS more',
  time: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
}

/**
 * A store in the database of `url` (its forms: postgres_url.ts), whose tables are created or brought up to date first. TTLs
 * follow the clock of the server. Throws an Error that does not contain the URL when the URL is invalid, and StoreUnavailable
 * when the tables cannot be made ready. Connects again by itself. An unref'd timer deletes expired rows until `close`.
 */
export async function postgresStore(
  url: string,
  clock: Clock,
  options: PostgresOptions = {},
): Promise<Backend> {
  const { timeoutMs = 1000, poolSize = 10, caCert } = options
  const target = parsePostgresUrl(url)
  const whole = { timeoutMs, poolSize, ...(caCert !== undefined && { caCert }) }
  await migrate(target, whole)
  return new PostgresStore(openPool(target, whole), clock)
}

const ttlOf = (ttl: Ttl | undefined): number | null =>
  ttl === undefined ? null : Math.min(wholeTtl(ttl), longestTtl)

interface Step {
  key: string
  ttl: number | null
  by: number
}

interface Unlink {
  index: string
  member: string
}

interface Link extends Unlink {
  score: number
  ttl: number | null
}

class PostgresStore implements Backend {
  readonly seals = false
  readonly #pool: PostgresPool
  readonly #sweptTo: SlowClock
  readonly #timer: ReturnType<typeof setInterval>
  #isSweeping = false
  #pinging: Promise<void> | undefined
  readonly #increment = gathered<Step, Counted>((steps) => this.#incrementAll(steps))
  readonly #link = gathered<Link, void>((links) => this.#linkAll(sql.link, links))
  readonly #adopt = gathered<Link, void>((links) => this.#linkAll(sql.adopt, links))
  readonly #unlink = gathered<Unlink, void>((unlinks) => this.#unlinkAll(unlinks))

  constructor(pool: PostgresPool, clock: Clock) {
    this.#pool = pool
    this.#sweptTo = slowClock(clock)
    this.#timer = setInterval(() => void this.#sweep().catch(() => {}), sweepMs)
    this.#timer.unref()
  }

  async get(key: string): Promise<string | undefined> {
    const [row] = await this.#pool.ask<{ value: Buffer }>(sql.get, [indexable(key)])
    return row?.value.toString('utf8')
  }

  async read(key: string): Promise<{ value: string; ttl?: Ttl } | undefined> {
    const [row] = await this.#pool.ask<{ value: Buffer; ttl: number | null }>(sql.read, [indexable(key)])
    return row && { value: row.value.toString('utf8'), ...(row.ttl !== null && { ttl: row.ttl }) }
  }

  async put(key: string, value: string, ttl?: Ttl): Promise<void> {
    await this.#pool.ask(sql.put, [indexable(key), Buffer.from(value), ttlOf(ttl)])
  }

  async create(key: string, value: string, ttl?: Ttl): Promise<boolean> {
    const rows = await this.#pool.ask(sql.create, [indexable(key), Buffer.from(value), ttlOf(ttl)])
    return rows.length > 0
  }

  async replace(key: string, expected: string, value: string, ttl?: Ttl): Promise<boolean> {
    const values = [indexable(key), Buffer.from(expected), Buffer.from(value), ttlOf(ttl)]
    return (await this.#pool.ask(sql.replace, values)).length > 0
  }

  async take(key: string): Promise<string | undefined> {
    const [row] = await this.#pool.ask<{ value: Buffer; live: boolean }>(sql.take, [indexable(key)])
    return row?.live ? row.value.toString('utf8') : undefined
  }

  async increment(key: string, ttl: Ttl, by = 1): Promise<Counted> {
    const step = { key, ttl: ttlOf(ttl), by: wholeStep(by) }
    return this.#increment(`${step.ttl} ${key}`, step)
  }

  /** Steps of one counter with one TTL. */
  async #incrementAll(steps: readonly Step[]): Promise<Counted[]> {
    const [{ key, ttl }] = steps as [Step]
    const sum = steps.reduce((total, { by }) => total + by, 0)
    const [row] = await this.#pool.ask<{ count: string; ttl: string }>(sql.increment, [
      indexable(key),
      sum,
      ttl,
    ])
    const counts = countsOf(
      Number(row?.count),
      steps.map(({ by }) => by),
    )
    return counts.map((count) => ({ count, ttl: Number(row?.ttl) }))
  }

  async link(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    const link = { index, member, score: finiteScore(score), ttl: ttlOf(ttl) }
    await this.#link(`${link.ttl} ${index}`, link)
  }

  async adopt(index: string, member: string, score: number, ttl?: Ttl): Promise<void> {
    const link = { index, member, score: finiteScore(score), ttl: ttlOf(ttl) }
    await this.#adopt(`${link.ttl} ${index}`, link)
  }

  /** Members of one index with one TTL. Of two with one name the later one counts. */
  async #linkAll(statement: string, links: readonly Link[]): Promise<void[]> {
    const [{ index, ttl }] = links as [Link]
    const scores = new Map(links.map(({ member, score }) => [member, score]))
    const members = [...scores.keys()]
    await this.#pool.ask(statement, [
      indexable(index),
      members.map(indexable),
      members.map(cutMember),
      [...scores.values()],
      ttl,
    ])
    return links.map(() => {})
  }

  async unlink(index: string, member: string): Promise<void> {
    await this.#unlink(index, { index, member })
  }

  async #unlinkAll(unlinks: readonly Unlink[]): Promise<void[]> {
    const [{ index }] = unlinks as [Unlink]
    const members = unlinks.map(({ member }) => indexable(member))
    await this.#pool.ask(sql.unlink, [indexable(index), members])
    return unlinks.map(() => {})
  }

  async range(index: string, options?: RangeOptions): Promise<Scored[]> {
    const { statement, values } = rangeRead(index, options)
    const rows = await this.#pool.ask<{ member: Buffer; score: number }>(statement, values)
    return rows.map(({ member, score }) => ({ member: member.toString('utf8'), score }))
  }

  async trim(index: string, max: number): Promise<void> {
    await this.#pool.ask(sql.trim, [indexable(index), max])
  }

  scan(): AsyncGenerator<readonly Found[]> {
    return scanTables(this.#pool)
  }

  /** Concurrent callers share one write, because each commit waits for the disk. */
  async ping(): Promise<void> {
    this.#pinging ??= this.put('ping', '1', pingTtl).finally(() => (this.#pinging = undefined))
    await this.#pinging
  }

  async time(): Promise<number | undefined> {
    const [row] = await this.#pool.ask<{ now: number }>(sql.time)
    return row && Math.floor(row.now)
  }

  concerns(): Promise<Concern[]> {
    return settingsConcerns(this.#pool)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#pool.close()
  }

  /** Small portions, so that other writes do not wait long. A server whose clock was set ahead deletes nothing too early. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    try {
      for (let more = true; more;) {
        const [row] = await this.#pool.ask<{ more: boolean }>(sql.sweep, [this.#sweptTo.now(), sweepRows])
        more = row?.more === true
      }
    } finally {
      this.#isSweeping = false
    }
  }
}
