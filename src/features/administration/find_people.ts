/** Finds people for lists: by their names, or all of them in order, a page at a time. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { User } from '../../models/user.ts'

export const sortings = ['created_at'] as const

/** Where a page ended: how many people came before it. */
export const Position = v.pipe(v.number(), v.integer(), v.minValue(0))

interface Search {
  q?: string | undefined
  sort: (typeof sortings)[number]
  limit: number
  after: number | undefined
}

/** The one place that reads the index of people. `next` is undefined on the last page. */
export async function findPeople(
  context: Context,
  { q, limit, after = 0 }: Search,
): Promise<{ people: User[]; next?: number }> {
  if (q !== undefined) {
    const found = (await User.findByLogin(context, q)) ?? (await User.find(context, q))
    return { people: found ? [found] : [] }
  }
  const people = await User.list(context, after, limit + 1)
  return people.length > limit ? { people: people.slice(0, limit), next: after + limit } : { people }
}
