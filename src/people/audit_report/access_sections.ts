/** Sections of the report that come from accounts and clients as they are now: rights, factors, dormant accounts. */
import type { Context } from '../../contracts/context.ts'
import { textOfRealm } from '../../lib/realm_commands.ts'
import { Administrators } from '../../models/administrators.ts'
import { Client } from '../../models/client.ts'
import { Event } from '../../models/event.ts'
import { pagesOf } from '../../models/every_member.ts'
import { people as peopleIndex, signInsIndex } from '../../models/people_index.ts'
import { isFilled } from '../../models/search_fill.ts'
import { User } from '../../models/user.ts'
import { stateOf } from '../../people/account_state.ts'
import { type Cells, iso, type Section } from './section.ts'

async function* each<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page
}

async function factorsOf(context: Context, user: User): Promise<string[]> {
  const set = await Promise.all(
    context.table.secondFactors.map(async ({ name, standIn, isSetUp }) =>
      !standIn && (await isSetUp(context, user)) ? [name] : [],
    ),
  )
  return set.flat()
}

const signIns = ['signed_in', 'signed_in_with']

/** Milliseconds; undefined when none of the events that are kept is a sign-in. */
const lastSignIn = (context: Context, sub: string): Promise<number | undefined> =>
  Event.lastOfUser(context, sub, signIns)

/** Accounts without a sign-in since a time, with the newest one before it (milliseconds): the longest ago first, by the index of sign-ins. */
async function* notSignedInSince(
  context: Context,
  since: number,
): AsyncGenerator<[user: User, last: number | undefined]> {
  if (!(await isFilled(context, peopleIndex))) {
    // A store from before, whose index is being filled.
    for await (const user of each(User.everyone(context))) {
      const last = await lastSignIn(context, user.sub)
      if (last === undefined || last < since) yield [user, last]
    }
    return
  }
  // The index has seconds.
  for await (const page of pagesOf(context.store, signInsIndex, { max: Math.ceil(since / 1000) - 1 })) {
    const users = await Promise.all(page.map(({ member }) => User.find(context, member)))
    for (const [i, user] of users.entries())
      if (user) yield [user, page[i]!.score === 0 ? undefined : page[i]!.score * 1000]
  }
}

const day = 86_400_000

const people: Section = {
  name: 'people',
  title: 'Accounts with rights',
  words: () =>
    'Accounts with a role of administration, or with roles that applications read, as they are now. Review each: is the right still needed?',
  head: ['Username', 'Administration', 'Roles', 'State', 'Second factors', 'Last sign-in (UTC)', 'Pseudonym'],
  async *rows(asked) {
    const { context, audit } = asked
    const administrators = await Administrators.all(context)
    for await (const user of each(User.everyone(context))) {
      const administrator = administrators.get(user.sub)
      const roles = user.roles ?? []
      if (!administrator && roles.length === 0) continue
      const [factors, last] = [await factorsOf(context, user), await lastSignIn(context, user.sub)]
      yield [
        user.username,
        administrator ? `${administrator.role} since ${iso(administrator.since * 1000)}` : '',
        roles.join(' '),
        stateOf(user),
        factors.join(' ') || 'none',
        last === undefined ? 'never' : iso(last),
        audit.pseudonym(user.sub),
      ]
    }
  },
}

const clients: Section = {
  name: 'clients',
  title: 'Clients and their rights',
  words: () => 'Each client as it is now: how it gets tokens, and the scopes that it may have.',
  head: ['Client', 'Name', 'Grant types', 'Scopes', 'Authentication', 'Created (UTC)'],
  async *rows({ context }) {
    for await (const client of each(Client.every(context)))
      yield [
        client.client_id,
        client.client_name ?? '',
        client.grant_types.join(' '),
        client.scope,
        client.token_endpoint_auth_method,
        iso(client.client_id_issued_at * 1000),
      ]
  },
}

const factors: Section = {
  name: 'factors',
  title: 'Second factors',
  words: () => 'How many active accounts have which second factor. Recovery codes are none.',
  head: ['Factor', 'Accounts', 'Of all', 'Administrators', 'Of all'],
  async *rows(asked) {
    const { context } = asked
    const administrators = await Administrators.all(context)
    const counts = new Map<string, [number, number]>([
      ['any', [0, 0]],
      ['none', [0, 0]],
    ])
    const sums: [number, number] = [0, 0]
    for await (const user of each(User.everyone(context))) {
      if (stateOf(user) !== 'active') continue
      const isAdministrator = administrators.has(user.sub) ? 1 : 0
      const own = await factorsOf(context, user)
      sums[0] += 1
      sums[1] += isAdministrator
      for (const name of [own.length > 0 ? 'any' : 'none', ...own]) {
        const [accounts, among] = counts.get(name) ?? [0, 0]
        counts.set(name, [accounts + 1, among + isAdministrator])
      }
    }
    const part = (count: number, sum: number) => (sum === 0 ? '' : `${((100 * count) / sum).toFixed(1)} %`)
    for (const [name, [accounts, among]] of counts)
      yield [name, `${accounts}`, part(accounts, sums[0]), `${among}`, part(among, sums[1])]
    yield ['all', `${sums[0]}`, '', `${sums[1]}`, '']
  },
}

const dormant: Section = {
  name: 'dormant',
  title: 'Dormant accounts',
  words: ({ context: { realm }, dormantDays, to }) =>
    `Active accounts without a sign-in in the ${dormantDays} days before ${iso(to)} UTC. Disable what is not needed: ${textOfRealm(realm?.name, 'latchkey user disable NAME')}.`,
  head: ['Username', 'Created (UTC)', 'Last sign-in (UTC)', 'Roles'],
  async *rows(asked) {
    const { context, to, dormantDays } = asked
    const since = to - dormantDays * day
    for await (const [user, last] of notSignedInSince(context, since)) {
      if (stateOf(user) !== 'active' || user.created_at * 1000 > since) continue
      yield [
        user.username,
        iso(user.created_at * 1000),
        last === undefined ? 'never, or more than 400 days ago' : iso(last),
        (user.roles ?? []).join(' '),
      ] satisfies Cells
    }
  },
}

export const accessSections: readonly Section[] = [people, clients, factors, dormant]
