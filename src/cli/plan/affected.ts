/** The End-Users whom a plan concerns: counts and a few names for each client. */
import type { Context } from '../../contracts/context.ts'
import { Consent } from '../../models/consent.ts'
import { everyMember } from '../../models/every_member.ts'
import { Grant } from '../../models/grant.ts'
import { User } from '../../models/user.ts'
import type { Change } from './make_plan.ts'

export interface Affected {
  /** End-Users with a grant or a consent of the client. */
  people: number
  /** The first of them by the time of their accounts. */
  names: string[]
  grants: number
  consents: number
  /** End-Users who agreed to a scope that the client loses, by scope. */
  scopes: Record<string, number>
}

const mostNames = 10
/** Reading the grants of each account takes a while. */
const mostPeople = 20_000
const atOnce = 32

export interface Found {
  clients: ReadonlyMap<string, Affected>
  /** There are more accounts than were read. */
  isPartial: boolean
}

const lostScopes = ({ current, after }: Change): string[] => {
  const left = after?.scope.split(' ') ?? []
  return (current?.scope.split(' ') ?? []).filter((scope) => scope !== '' && !left.includes(scope))
}

/** Reads no account when nothing breaks. */
export async function affectedBy(changes: readonly Change[], context: Context): Promise<Found> {
  const concerned = changes.filter(({ breaks }) => breaks.length > 0)
  const clients = new Map<string, Affected>(
    concerned.map(({ client_id }) => [
      client_id,
      { people: 0, names: [], grants: 0, consents: 0, scopes: {} },
    ]),
  )
  if (clients.size === 0) return { clients, isPartial: false }
  const lost = new Map(concerned.map((change) => [change.client_id, lostScopes(change)]))
  const subs = await everyMember(context.store, 'users')
  for (let at = 0; at < Math.min(subs.length, mostPeople); at += atOnce) {
    const some = subs.slice(at, Math.min(at + atOnce, mostPeople))
    const read = await Promise.all(
      some.map(
        async (sub) =>
          [await Grant.listOfUser(context, sub), await Consent.clientsOf(context, sub, 1000)] as const,
      ),
    )
    for (const [i, [grants, consents]] of read.entries()) await count(some[i]!, grants, consents)
  }
  return { clients, isPartial: subs.length > mostPeople }

  async function count(sub: string, grants: readonly Grant[], consents: readonly string[]): Promise<void> {
    for (const [id, affected] of clients) {
      const own = grants.filter(({ client_id }) => client_id === id)
      const agreed = consents.includes(id) ? await Consent.find(context, sub, id) : undefined
      if (own.length === 0 && !agreed) continue
      affected.people += 1
      affected.grants += own.length
      if (agreed) affected.consents += 1
      const scopes = new Set([...own.flatMap(({ scope }) => scope), ...(agreed?.scope ?? [])])
      for (const scope of lost.get(id) ?? [])
        if (scopes.has(scope)) affected.scopes[scope] = (affected.scopes[scope] ?? 0) + 1
      if (affected.names.length < mostNames)
        affected.names.push((await User.find(context, sub))?.username ?? sub)
    }
  }
}
