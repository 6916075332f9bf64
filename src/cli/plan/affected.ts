/** Whom a plan concerns: End-Users by client, scope, upstream provider and role, and redirect URIs that are in use. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { Consent } from '../../models/consent.ts'
import { Grant } from '../../models/grant.ts'
import { arePeopleIndexed, countPeopleWith } from '../../models/people_search.ts'
import { redirectUseOf } from '../../models/usage/redirects.ts'
import { provenEmail, User } from '../../models/user.ts'
import { countSignInMethods } from '../../people/sign_in_methods.ts'
import type { Lost } from './lost.ts'
import type { Change, Plan } from './make_plan.ts'

/** The dates are those of the last use that was noted. */
export interface Redirects {
  /** Of the first use of any; null without one. */
  noted_since: string | null
  last_used: Record<string, string | null>
}

export interface Affected {
  /** End-Users with a grant or a consent of the client. */
  people: number
  /** The first of them by the time of their accounts. */
  names: string[]
  grants: number
  consents: number
  /** End-Users who agreed to a scope that the client loses, by scope. */
  scopes: Record<string, number>
  /** End-Users with a role that the client is no longer told, by role. */
  roles: Record<string, number>
  redirect_uris?: Redirects
}

/** People with a connection to a provider that goes. */
export interface Connected {
  people: number
  /** Of them: without a password, a passkey or a connection to another provider. */
  stranded: number
  /** Of those: with a verified address, to which they can have a link for a new password sent. */
  recoverable: number
  /** The first that are stranded. */
  names: string[]
}

export interface Found {
  clients: ReadonlyMap<string, Affected>
  /** People with a grant or a consent that has a scope which goes. */
  scopes: Record<string, number>
  providers: Record<string, Connected>
  /** People with a role whose second step begins or ends. */
  roles: Record<string, number>
  /** Roles are still being indexed: there may be more people. */
  rolesArePartial: boolean
  /** There are more accounts than were read. */
  isPartial: boolean
  read: number
}

export interface Reading {
  /** Accounts that are read at most: each takes a few requests of the store. */
  most: number
  progress?: (read: number) => void
}

export const mostPeople = 20_000
const mostNames = 10
const atOnce = 32

const differing = (before: readonly string[] = [], after: readonly string[] = []): string[] =>
  before.filter((each) => each !== '' && !after.includes(each))

const lostScopes = ({ current, after }: Change): string[] =>
  differing(current?.scope.split(' '), after?.scope.split(' '))

/** Without `role_names` a client is told all roles. */
const lostRoles = ({ current, after }: Change): string[] =>
  current?.role_names && after?.role_names
    ? differing(Object.keys(current.role_names), Object.keys(after.role_names))
    : []

const dateOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)

async function redirectsOf(
  { client_id, current, after }: Change,
  context: Context,
): Promise<Redirects | undefined> {
  const lost = differing(current?.redirect_uris, after?.redirect_uris)
  if (lost.length === 0) return undefined
  const use = await redirectUseOf(context, client_id)
  const day = (uri: string) => use?.days.get(uri)
  return {
    noted_since: use ? dateOf(use.since) : null,
    last_used: Object.fromEntries(
      lost.map((uri) => [uri, day(uri) === undefined ? null : dateOf(day(uri)!)]),
    ),
  }
}

async function clientOf(change: Change, context: Context): Promise<Affected> {
  const [redirects, roles] = await Promise.all([
    redirectsOf(change, context),
    countRoles(lostRoles(change), context),
  ])
  return {
    ...{ people: 0, names: [], grants: 0, consents: 0, scopes: {}, roles },
    ...(redirects && { redirect_uris: redirects }),
  }
}

const countRoles = async (roles: readonly string[], context: Context): Promise<Record<string, number>> =>
  Object.fromEntries(
    await Promise.all(roles.map(async (role) => [role, await countPeopleWith(context, role)] as const)),
  )

/** Reads no account when nothing breaks. `context`: the provider as it would be. */
export async function affectedBy(
  { changes, lost }: Pick<Plan, 'changes' | 'lost'>,
  context: Context,
  { most, progress }: Reading,
): Promise<Found> {
  const concerned = changes.filter(({ breaks }) => breaks.length > 0)
  const clients = new Map(
    await Promise.all(
      concerned.map(async (change) => [change.client_id, await clientOf(change, context)] as const),
    ),
  )
  const found: Found = {
    clients,
    scopes: Object.fromEntries(lost.scopes.map((scope) => [scope, 0])),
    providers: Object.fromEntries(
      lost.providers.map(({ id }) => [id, { people: 0, stranded: 0, recoverable: 0, names: [] }]),
    ),
    roles: await countRoles([...lost.bound, ...lost.released], context),
    rolesArePartial: !(await arePeopleIndexed(context)),
    isPartial: false,
    read: 0,
  }
  const ofClients = new Map(concerned.map((change) => [change.client_id, lostScopes(change)]))
  if (ofClients.size + lost.scopes.length + lost.providers.length === 0) return found
  const needed = { clients: ofClients, lost, readsAccess: ofClients.size + lost.scopes.length > 0 }
  for await (const page of User.everyone(context))
    for (let at = 0; at < page.length; at += atOnce) {
      const batch = page.slice(at, at + atOnce)
      const some = batch.slice(0, most - found.read)
      const people = await Promise.all(some.map((user) => readPerson(user, needed, context)))
      for (const person of people) add(found, person, needed)
      found.read += some.length
      progress?.(found.read)
      if (some.length < batch.length) return { ...found, isPartial: true }
    }
  return found
}

interface Needed {
  /** The scopes that each client loses. */
  clients: ReadonlyMap<string, readonly string[]>
  lost: Lost
  readsAccess: boolean
}

interface Access {
  grants: number
  consents: number
  scopes: ReadonlySet<string>
}

interface Person {
  user: User
  /** By client_id. */
  access: ReadonlyMap<string, Access>
  /** Ids of providers that go. */
  connections: readonly string[]
  isStranded: boolean
}

async function readPerson(user: User, { lost, readsAccess }: Needed, context: Context): Promise<Person> {
  const [access, connections] = await Promise.all([
    readsAccess ? accessOf(user.sub, context) : new Map<string, Access>(),
    lost.providers.length > 0 ? connectionsOf(user.sub, lost, context) : [],
  ])
  const isStranded = connections.length > 0 && (await countSignInMethods(user, context)) === 0
  return { user, access, connections, isStranded }
}

async function accessOf(sub: string, context: Context): Promise<Map<string, Access>> {
  const [grants, agreed] = await Promise.all([
    Grant.listOfUser(context, sub),
    Consent.clientsOf(context, sub, mostConsents),
  ])
  const consents = new Map(
    await Promise.all(agreed.map(async (id) => [id, await Consent.find(context, sub, id)] as const)),
  )
  const ids = new Set([...grants.map(({ client_id }) => client_id), ...agreed])
  const access = new Map<string, Access>()
  for (const id of ids) {
    const own = grants.filter(({ client_id }) => client_id === id)
    const consent = consents.get(id)
    if (own.length === 0 && !consent) continue
    const scopes = new Set([...own.flatMap(({ scope }) => scope), ...(consent?.scope ?? [])])
    access.set(id, { grants: own.length, consents: consent ? 1 : 0, scopes })
  }
  return access
}

const mostConsents = 1000

const Connections = v.array(v.object({ provider: v.string() }))

/** Connections are data of a feature. */
async function connectionsOf(sub: string, { providers }: Lost, context: Context): Promise<string[]> {
  const data = context.table.personData.find(({ name }) => name === 'connections')
  const own = v.parse(Connections, (await data?.read(context, sub)) ?? []).map(({ provider }) => provider)
  return providers.flatMap(({ id }) => (own.includes(id) ? [id] : []))
}

const addOne = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1
}

function add(
  found: Found,
  { user, access, connections, isStranded }: Person,
  { clients, lost }: Needed,
): void {
  const name = (names: string[]) => void (names.length < mostNames && names.push(user.username))
  for (const [id, lostOfClient] of clients) {
    const own = access.get(id)
    const affected = found.clients.get(id)
    if (!own || !affected) continue
    affected.people += 1
    affected.grants += own.grants
    affected.consents += own.consents
    for (const scope of lostOfClient) if (own.scopes.has(scope)) addOne(affected.scopes, scope)
    name(affected.names)
  }
  for (const scope of lost.scopes)
    if ([...access.values()].some(({ scopes }) => scopes.has(scope))) addOne(found.scopes, scope)
  for (const id of connections) {
    const connected = found.providers[id]!
    connected.people += 1
    if (!isStranded) continue
    connected.stranded += 1
    if (provenEmail(user) !== undefined) connected.recoverable += 1
    name(connected.names)
  }
}
