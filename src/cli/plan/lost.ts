/** What settings take away from people: scopes, upstream providers, and roles that need a second step. */
import type { Context } from '../../contracts/context.ts'

export interface Lost {
  scopes: readonly string[]
  providers: readonly { id: string; label: string }[]
  /** Roles whose people need a second step from now on, and those whose people need none any more. */
  bound: readonly string[]
  released: readonly string[]
}

export const lostNothing: Lost = { scopes: [], providers: [], bound: [], released: [] }

const providersOf = (context: Context) =>
  context.table.operation.upstreams.flatMap((list) => list(context).map(({ id, label }) => ({ id, label })))

function secondFactorRoles({ config }: Context): readonly string[] {
  const found = config.features.second_factor?.secondFactorRoles
  return Array.isArray(found) ? found.map(String) : []
}

const without = (list: readonly string[], others: readonly string[]): string[] =>
  list.filter((each) => !others.includes(each))

/** `before` is the provider as it is. */
export function lostBetween(before: Context, after: Context): Lost {
  const [had, has] = [secondFactorRoles(before), secondFactorRoles(after)]
  const left = providersOf(after).map(({ id }) => id)
  return {
    scopes: without(before.scopes, after.scopes),
    providers: providersOf(before).filter(({ id }) => !left.includes(id)),
    bound: without(has, had),
    released: without(had, has),
  }
}
