/** Pages of a list: an opaque cursor, a limit, the next cursor. The same for every list of the administration API. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { seal, unseal } from '../../lib/seal.ts'
import type { IndexPage, PageOptions } from '../../models/every_member.ts'

const mostItems = 200
const usualItems = 50

/** Query parameters of every list. */
export const pageQuery = {
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[1-9]\d{0,2}$/, `a number from 1 to ${mostItems}`),
      v.transform(Number),
      v.maxValue(mostItems, `a number from 1 to ${mostItems}`),
      v.description(`Items of a page: 1 to ${mostItems}. Default: ${usualItems}`),
    ),
    `${usualItems}`,
  ),
  cursor: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(2000),
      v.description('`next` of the page before, with the same other parameters'),
    ),
  ),
}

/** The answer of every list. */
export const pageOf = <const S extends v.GenericSchema>(item: S) =>
  v.object({
    items: v.array(item),
    next: v.pipe(v.nullable(v.string()), v.description('The cursor of the next page; null on the last one')),
  })

/** A cursor belongs to one list with one choice of filters and order, in the order in which the route names them. */
type Of = Readonly<Record<string, unknown>>

const purpose = (list: string, { cursor: _cursor, limit: _limit, ...chosen }: Of): string =>
  `admin cursor ${list} ${JSON.stringify(chosen)}`

/** Sealed, because a position may be a name, and cursors are in the logs of proxies. */
export const cursorOf = (context: Context, list: string, query: Of, position: unknown): string =>
  seal(context.secrets.people, JSON.stringify(position), purpose(list, query))

/** Where a page begins; undefined for the first one. Throws 400 for a cursor that this provider did not make for this list. */
export function positionOf<const S extends v.GenericSchema>(
  context: Context,
  list: string,
  query: Of & { cursor?: string | undefined },
  schema: S,
): v.InferOutput<S> | undefined {
  if (query.cursor === undefined) return undefined
  const opened = unseal(context.secrets.people, query.cursor, purpose(list, query))
  const position = opened === undefined ? undefined : v.safeParse(schema, JSON.parse(opened))
  if (position?.success) return position.output
  throw new HttpError('bad_request', {
    expected: 'a cursor of this list, with the same filters and order',
    came: query.cursor,
    next: 'begin again without cursor',
  })
}

/** Where a page of an index ended: its last member (`after` of the store). */
export const AfterMember = v.object({ member: v.string(), score: v.number() })

/** A page of a list that is in the order of an index. `read` gets where the page begins. */
export async function pageOfIndex<T>(
  context: Context,
  { list, query }: { list: string; query: Of & { cursor?: string | undefined; limit: number } },
  read: (at: PageOptions) => Promise<IndexPage<T>>,
): Promise<{ items: T[]; next: string | null }> {
  const { items, next } = await read({
    after: positionOf(context, list, query, AfterMember),
    limit: query.limit,
  })
  return { items, next: next ? cursorOf(context, list, query, next) : null }
}

/** A page of a list that is in memory as a whole, such as the sessions of one person, ascending by `keyOf`. */
export function pageWithin<T>(
  context: Context,
  { list, query }: { list: string; query: Of & { cursor?: string | undefined; limit: number } },
  all: readonly T[],
  keyOf: (item: T) => string,
): { items: T[]; next: string | null } {
  const after = positionOf(context, list, query, v.string())
  const rest = all
    .map((item) => [keyOf(item), item] as const)
    .filter(([key]) => after === undefined || key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const page = rest.slice(0, query.limit)
  const isLast = page.length === rest.length
  return {
    items: page.map(([, item]) => item),
    next: isLast ? null : cursorOf(context, list, query, page.at(-1)![0]),
  }
}
