/** All rows of the store in SQLite, in the order of their primary keys. https://www.sqlite.org/rowvalue.html */
import { inOrder, pageRows, withTtl } from './pages.ts'
import type { Found } from './store.ts'

/** `expires_at` of a row that does not expire: a number, so that one comparison is enough for all rows. */
export const never = Number.MAX_SAFE_INTEGER

/** CROSS JOIN keeps the order of the tables, so that each page is one step down the primary key of `members`. */
export const scanSql = {
  scanEntries: `SELECT key, value, expires_at FROM entries WHERE key >= ?1 AND expires_at > ?2
    ORDER BY key LIMIT ${pageRows}`,
  scanMembers: `SELECT members.name AS name, member, score, expires_at
    FROM members CROSS JOIN indexes ON indexes.name = members.name
    WHERE (members.name, member) >= (?1, ?2) AND expires_at > ?3
    ORDER BY members.name, member LIMIT ${pageRows}`,
}

interface Entry {
  key: string
  value: string
  expires_at: number
}

interface Member {
  name: string
  member: string
  score: number
  expires_at: number
}

type Read = <Row extends Entry | Member>(
  statement: keyof typeof scanSql,
  ...values: (string | number)[]
) => Promise<Row[]>

/** The next text in the order of bytes. */
const next = (text: string): string => `${text}\0`

export async function* scanRows(read: Read, now: () => number): AsyncGenerator<readonly Found[]> {
  const entries = inOrder(
    '',
    (from) => read<Entry>('scanEntries', from, now()),
    ({ key }) => next(key),
  )
  for await (const rows of entries)
    yield rows.map(({ key, value, expires_at }) => ({
      kind: 'value',
      key,
      value,
      ...withTtl(expires_at, now(), never),
    }))
  const members = inOrder<Member, [string, string]>(
    ['', ''],
    (from) => read<Member>('scanMembers', ...from, now()),
    ({ name, member }) => [name, next(member)],
  )
  for await (const rows of members)
    yield rows.map(({ name, member, score, expires_at }) => ({
      kind: 'member',
      index: name,
      member,
      score,
      ...withTtl(expires_at, now(), never),
    }))
}
