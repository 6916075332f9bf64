/** Realms: providers of their own in this process, for the owners of the server. docs/realms.md */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { ConfigError } from '../../../config.ts'
import type { Context } from '../../../contracts/context.ts'
import type { Realms } from '../../../contracts/realms.ts'
import { realClock } from '../../../lib/clock.ts'
import { withoutMembers } from '../../../lib/without_members.ts'
import { type NewRealm, RealmError, type RealmRecord } from '../../../models/realm.ts'
import { addRealm, changeRealm, removeRealm, stateOfRealm } from '../../../people/realm_changes.ts'
import { realmStore } from '../../../store/realm.ts'
import { authorOf } from '../actor.ts'
import { pageOf, pageQuery, pageWithin } from '../cursor.ts'
import { GivenMoment, Moment, moment } from '../person.ts'
import { realmsExist } from '../existence.ts'
import { defineRoute } from '../route.ts'
import { versionOf } from '../version.ts'

const list = 'realms'

const ARealm = v.object({
  name: v.string(),
  title: v.nullable(v.string()),
  issuer: v.string(),
  state: v.picklist(['open', 'disabled', 'ended']),
  settings: v.pipe(
    v.record(v.string(), v.string()),
    v.description('Its own values of variables; the server has all others'),
  ),
  created_at: Moment,
  ends_at: v.pipe(v.nullable(Moment), v.description('When it is removed by itself')),
  demo: v.pipe(v.boolean(), v.description('It has the demo accounts and clients')),
})

const nowMs = ({ clock }: Context): number => realClock(clock).now()

const shown = (context: Context, realm: RealmRecord): v.InferInput<typeof ARealm> => ({
  name: realm.name,
  title: realm.title ?? null,
  issuer: realmsOf(context).issuerOf(realm.name),
  state: stateOfRealm(realm, nowMs(context)),
  settings: realm.settings,
  created_at: moment(realm.created_at),
  ends_at: realm.ends_at === undefined ? null : moment(realm.ends_at),
  demo: realm.demo ?? false,
})

const Name = v.pipe(
  v.string(),
  v.maxLength(40),
  v.description('1 to 40 lower-case letters, digits and dashes'),
)
const Title = v.pipe(v.string(), v.maxLength(200))
const Value = v.pipe(v.string(), v.nonEmpty('a value'), v.maxLength(10_000))

/** The routes exist where the server has realms, so it has them here. */
const realmsOf = ({ realms }: Context): Realms => {
  if (realms) return realms
  throw unknown('')
}

const unknown = (name: string): HttpError =>
  new HttpError('not_found', {
    expected: 'the name of a realm',
    came: name,
    problem: 'there is no realm with this name',
    next: 'GET /admin/v1/realms lists them',
  })

async function requireRealm(context: Context, name: string): Promise<RealmRecord> {
  const realm = await realmsOf(context).find(name)
  if (!realm) throw unknown(name)
  return realm
}

const refused = (problem: string): HttpError =>
  new HttpError('bad_request', {
    expected: 'a realm with settings that this server takes',
    problem,
    next: 'docs/configuration.md marks with ◆ what an administrator may set',
  })

/** Throws 400 with the words of the setting. */
async function withWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ConfigError) throw refused(error.problems.join('; '))
    if (error instanceof RealmError) throw refused(error.message)
    throw error
  }
}

function requireSettable(context: Context, names: readonly string[]): void {
  const problems = names.flatMap((name) => {
    const problem = realmsOf(context).problemOfSetting(name)
    return problem === undefined ? [] : [`${name}: ${problem}`]
  })
  if (problems.length > 0) throw refused(problems.join('; '))
}

/** Seconds. Throws 400 for a time that is over. */
function endOf(context: Context, text: string): number {
  const at = Date.parse(text)
  if (at <= nowMs(context)) throw refused('ends_at: expected a time to come')
  return Math.floor(at / 1000)
}

interface Changes {
  title?: string | null | undefined
  settings?: Readonly<Record<string, string | null>> | undefined
  ends_at?: string | null | undefined
}

function changed(
  context: Context,
  current: RealmRecord,
  { title, settings = {}, ends_at }: Changes,
): RealmRecord {
  const gone = Object.keys(settings).filter((name) => settings[name] === null)
  const set = Object.entries(settings).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  )
  return {
    ...withoutMembers(current, [
      ...(title === null ? ['title'] : []),
      ...(ends_at === null ? ['ends_at'] : []),
    ]),
    settings: { ...withoutMembers(current.settings, gone), ...Object.fromEntries(set) },
    ...(typeof title === 'string' && { title }),
    ...(typeof ends_at === 'string' && { ends_at: endOf(context, ends_at) }),
  }
}

const stateRoute = <const P extends string>(path: P, summary: string, disabled: boolean) =>
  defineRoute({
    method: 'POST',
    path,
    summary,
    scope: 'admin:realms.write',
    changes: 'whether requests to the realm are answered',
    answer: ARealm,
    exists: realmsExist,
    async run(call, context, { params, actor }) {
      const { name } = params as { name: string }
      await requireRealm(context, name)
      const realm = await changeRealm(context, authorOf(call, actor), realmsOf(context), name, (current) =>
        disabled ? { ...current, disabled: true } : withoutMembers(current, ['disabled']),
      )
      if (!realm) throw unknown(name)
      return { answer: shown(context, realm), etag: versionOf(realm) }
    },
  })

/** Of one kind; those beyond are not counted. */
const mostCounted = 1_000
const count = async ({ store }: Context, { id }: RealmRecord, index: string): Promise<number> =>
  (await realmStore(store, id).range(index, { limit: mostCounted })).length

export const realmRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/realms',
    summary: 'Lists the realms, by name',
    scope: 'admin:realms.read',
    query: pageQuery,
    answer: pageOf(ARealm),
    exists: realmsExist,
    async run(_call, context, { query }) {
      const { items, next } = pageWithin(
        context,
        { list, query },
        await realmsOf(context).list(),
        ({ name }) => name,
      )
      return { answer: { items: items.map((realm) => shown(context, realm)), next } }
    },
  }),

  read: defineRoute({
    method: 'GET',
    path: '/realms/{name}',
    summary: 'Reads a realm',
    scope: 'admin:realms.read',
    answer: ARealm,
    exists: realmsExist,
    async run(_call, context, { params: { name } }) {
      const realm = await requireRealm(context, name)
      return { answer: shown(context, realm), etag: versionOf(realm) }
    },
  }),

  create: defineRoute({
    method: 'POST',
    path: '/realms',
    summary: 'Makes a realm: a provider of its own at /realms/{name}',
    scope: 'admin:realms.write',
    changes: 'the realms',
    creates: { once: [] },
    body: {
      name: Name,
      title: v.optional(Title),
      settings: v.optional(v.record(v.string(), Value), {}),
      ends_at: v.optional(GivenMoment),
    },
    answer: ARealm,
    exists: realmsExist,
    async run(call, context, { actor, body: { name, title, settings, ends_at } }) {
      requireSettable(context, Object.keys(settings))
      const made: NewRealm = {
        name,
        settings,
        ...(title !== undefined && { title }),
        ...(ends_at !== undefined && { ends_at: endOf(context, ends_at) }),
      }
      const realm = await withWords(() => addRealm(context, authorOf(call, actor), realmsOf(context), made))
      if (!realm)
        throw new HttpError('conflict', {
          expected: 'a name that no realm has',
          came: name,
          problem: 'there is a realm with this name; nothing was changed',
        })
      return { answer: shown(context, realm), etag: versionOf(realm), location: `/realms/${name}` }
    },
  }),

  change: defineRoute({
    method: 'PATCH',
    path: '/realms/{name}',
    summary: 'Changes the title, the settings or the end of a realm',
    scope: 'admin:realms.write',
    changes: 'what the body names; null takes a member or a setting away',
    guarded: true,
    body: {
      title: v.optional(v.nullable(Title)),
      settings: v.optional(v.record(v.string(), v.nullable(Value))),
      ends_at: v.optional(v.nullable(GivenMoment)),
    },
    answer: ARealm,
    exists: realmsExist,
    async run(call, context, { params: { name }, actor, body, requireMatch }) {
      await requireRealm(context, name)
      requireSettable(context, Object.keys(body.settings ?? {}))
      const realm = await withWords(() =>
        changeRealm(context, authorOf(call, actor), realmsOf(context), name, (current) => {
          requireMatch(current)
          return changed(context, current, body)
        }),
      )
      if (!realm) throw unknown(name)
      return { answer: shown(context, realm), etag: versionOf(realm) }
    },
  }),

  disable: stateRoute(
    '/realms/{name}/disable',
    'Answers no request to a realm any more; it keeps what it has',
    true,
  ),
  enable: stateRoute('/realms/{name}/enable', 'Enables a realm that was disabled', false),

  remove: defineRoute({
    method: 'DELETE',
    path: '/realms/{name}',
    summary: 'Removes a realm with all its people, clients and keys',
    scope: 'admin:realms.write',
    changes: 'the realm; nothing brings it back but a backup',
    guarded: true,
    destructive: true,
    answer: v.object({
      name: v.string(),
      people: v.pipe(v.number(), v.description(`That go with it, of which ${mostCounted} are counted`)),
      clients: v.number(),
    }),
    exists: realmsExist,
    async run(call, context, { params: { name }, actor, dryRun, requireMatch }) {
      const realm = await requireRealm(context, name)
      if (dryRun) requireMatch(realm)
      const [people, clients] = await Promise.all([
        count(context, realm, 'users'),
        count(context, realm, 'clients'),
      ])
      // The realms do not know of a dry run.
      if (
        !dryRun &&
        !(await removeRealm(context, authorOf(call, actor), realmsOf(context), realm, requireMatch))
      )
        throw unknown(name)
      return { answer: { name, people, clients } }
    },
  }),
}
