/** All rows of the store in PostgreSQL, in the order of their primary keys. https://www.postgresql.org/docs/current/functions-comparisons.html#ROW-WISE-COMPARISON */
import { inOrder, pageRows } from './pages.ts'
import type { PostgresPool } from './postgres_pool.ts'
import { longest, never } from './postgres_schema.ts'
import { type Found, StoreUnavailable } from './store.ts'

const now = 'latchkey.now_ms()'
/** Null for never: a bigint would come as text. */
const left = `CASE WHEN expires_at < ${never} THEN greatest(expires_at - ${now}, 1)::float8 END AS ttl`

const sql = {
  entries: `SELECT key, value, ${left} FROM latchkey.entries
    WHERE key >= $1 AND expires_at > ${now} ORDER BY key LIMIT ${pageRows}`,
  members: `SELECT name, member, whole, score, ${left} FROM latchkey.members JOIN latchkey.indexes USING (name)
    WHERE (name, member) >= ($1, $2) AND expires_at > ${now} ORDER BY name, member LIMIT ${pageRows}`,
}

interface Entry {
  key: Buffer
  value: Buffer
  ttl: number | null
}

interface Member {
  name: Buffer
  member: Buffer
  whole: Buffer | null
  score: number
  ttl: number | null
}

const none: Buffer = Buffer.alloc(0)
/** The next text in the order of bytes. */
const next = (text: Buffer): Buffer => Buffer.concat([text, Buffer.alloc(1)])

const ttlOf = (ttl: number | null): { ttl?: number } => (ttl === null ? {} : { ttl })

/** Of a key that is too long for an index, the end is not kept (postgres_key.ts). */
function textOf(key: Buffer): string {
  if (key.length > longest)
    throw new StoreUnavailable(
      `postgres: the key ${key.toString('utf8', 0, 40)}… is longer than ${longest} bytes, so that its end is not kept and it cannot be listed`,
    )
  return key.toString('utf8')
}

export async function* scanTables(pool: PostgresPool): AsyncGenerator<readonly Found[]> {
  const entries = inOrder<Entry, Buffer>(
    none,
    (from) => pool.ask<Entry>(sql.entries, [from]),
    ({ key }) => next(key),
  )
  for await (const rows of entries)
    yield rows.map(({ key, value, ttl }) => ({
      kind: 'value',
      key: textOf(key),
      value: value.toString('utf8'),
      ...ttlOf(ttl),
    }))
  const members = inOrder<Member, [Buffer, Buffer]>(
    [none, none],
    (from) => pool.ask<Member>(sql.members, from),
    ({ name, member }) => [name, next(member)],
  )
  for await (const rows of members)
    yield rows.map(({ name, member, whole, score, ttl }) => ({
      kind: 'member',
      index: textOf(name),
      member: (whole ?? member).toString('utf8'),
      score,
      ...ttlOf(ttl),
    }))
}
