/** How a page of an index is read in PostgreSQL: by the B-tree alone, at any depth. https://www.postgresql.org/docs/current/sql-select.html#SQL-LIMIT */
import { rangeBounds } from './bounds.ts'
import { indexable } from './postgres_key.ts'
import { longest } from './postgres_schema.ts'
import type { RangeOptions } from './store.ts'

/** What the index `members_score` has of a member. */
const start = (member: string) => `substring(${member}, 1, ${longest})`
const whole = 'coalesce(whole, member)'

/** Of members that begin as a bound does, those that are out of bounds: the index does not have the rest of a long one. */
const beyond = (bound: string, comparison: '<' | '>=') =>
  `${start('member')} = ${start(`${bound}::bytea`)} AND ${whole} ${comparison} ${bound}`

const inBounds = `score <= $8
    AND (score, ${start('member')}) >= ($4, ${start('$5::bytea')}) AND NOT (score = $4 AND ${beyond('$5', '<')})
    AND (score, ${start('member')}) <= ($6, ${start('$7::bytea')}) AND NOT (score = $6 AND ${beyond('$7', '>=')})`

/** Between two members of one score: a scan ends at the last of them, which it does not for a comparison of pairs. */
const inTies = `score = $4
    AND ${start('member')} >= ${start('$5::bytea')} AND NOT (${beyond('$5', '<')})
    AND ${start('member')} <= ${start('$6::bytea')} AND NOT (${beyond('$6', '>=')})`

/**
 * The inner order is that of the index, so that the planner has nothing to sort, whatever it expects. It has all members that
 * begin as the last one of the page does, and the outer order tells them apart.
 */
const read = (where: string, direction: 'ASC' | 'DESC') => `SELECT * FROM (
    SELECT ${whole} AS member, ${start('member')} AS start, score FROM latchkey.members
    WHERE name = $1 AND ${where}
    AND EXISTS (SELECT 1 FROM latchkey.indexes WHERE name = $1 AND expires_at > latchkey.now_ms())
    ORDER BY score ${direction}, ${start('member')} ${direction} FETCH FIRST ($2::bigint + $3::bigint) ROWS WITH TIES
  ) AS page ORDER BY score ${direction}, start ${direction}, member ${direction} LIMIT $2 OFFSET $3`

const sql = {
  range: { up: read(inBounds, 'ASC'), down: read(inBounds, 'DESC') },
  ties: { up: read(inTies, 'ASC'), down: read(inTies, 'DESC') },
}

/** The statement of `Store.range` and its values. */
export function rangeRead(
  index: string,
  options: RangeOptions | undefined,
): { statement: string; values: unknown[] } {
  const { from, max, to, limit, offset, descending } = rangeBounds(options)
  const way = descending ? 'down' : 'up'
  const page = [indexable(index), limit, offset, from.score, Buffer.from(from.member)]
  return from.score === to.score
    ? { statement: sql.ties[way], values: [...page, Buffer.from(to.member)] }
    : { statement: sql.range[way], values: [...page, to.score, Buffer.from(to.member), max] }
}
