/** `latchkey realm …`: providers of their own in the same process, each with an issuer, keys, people and clients. docs/realms.md */
import { everyMember } from '../../models/every_member.ts'
import { Realm, RealmError, type RealmRecord } from '../../models/realm.ts'
import { realmStore } from '../../store/realm.ts'
import { realClock } from '../../lib/clock.ts'
import { withoutMembers } from '../../lib/without_members.ts'
import { addRealm, changeRealm, removeRealm, stateOfRealm } from '../../people/realm_changes.ts'
import type { Context } from '../../contracts/context.ts'
import { requireRealm, type Scene, withContext } from '../administration.ts'
import { settingsInForce } from '../applied_settings.ts'
import { type Answer, defineCommand } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { readFuture } from '../moment_option.ts'
import { moment, print, printable, printFacts, printList } from '../output.ts'
import { askOnce } from '../password_prompt.ts'
import { seedDemo } from '../seed_demo.ts'
import { writtenRealms } from './check_realm.ts'
import { realmIssuer } from './realm_config.ts'

const setOption = {
  set: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    help: 'A setting of the realm: a variable with ◆ or ◇ in docs/configuration.md',
  },
} as const

const titleOption = { type: 'string', value: 'TEXT', help: 'What people read in place of the name' } as const

const endsHelp =
  'When it ends with all that it has: in 90m, 12h or 30d, or at a time such as 2027-01-31T12:00:00Z'

const within = <T>(work: (context: Context, scene: Scene) => Promise<T>): Promise<T> =>
  withContext('realms', (context, scene) =>
    work(context, scene).catch((error: unknown) => {
      throw error instanceof RealmError ? new UsageError(error.message) : error
    }),
  )

/** `NAME=VALUE` each. The value may have any further `=`. */
function readSettings(given: readonly string[] = []): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const each of given) {
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.+)$/s.exec(each) ?? []
    if (name === undefined || value === undefined)
      throw new UsageError(
        `--set: expected NAME=VALUE, such as --set ACCESS_TOKEN_TTL=300, got ${printable(each)}`,
      )
    if (Object.hasOwn(settings, name)) throw new UsageError(`--set ${name} came twice`)
    settings[name] = value
  }
  return settings
}

const nowMs = ({ clock }: Pick<Context, 'clock'>): number => realClock(clock).now()

/** Seconds; undefined for none. */
const endOf = (context: Context, text: string | undefined): number | undefined =>
  text === undefined ? undefined : Math.floor(readFuture('ends', text, nowMs(context)) / 1000)

const factsOf = (context: Context, realm: RealmRecord) => ({
  name: realm.name,
  title: realm.title ?? null,
  issuer: realmIssuer(context.config, realm.name),
  state: stateOfRealm(realm, nowMs(context)),
  settings: realm.settings,
  created_at: moment(realm.created_at),
  ends_at: realm.ends_at === undefined ? null : moment(realm.ends_at),
  demo: realm.demo ?? false,
  classroom: realm.classroom ?? null,
  id: realm.id,
})

function printRealm(facts: ReturnType<typeof factsOf>): void {
  const { settings, ...rest } = facts
  printFacts(
    Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== false)),
  )
  for (const [name, value] of Object.entries(settings)) print(`${name}=${printable(value)}`)
}

const shown = (context: Context, realm: RealmRecord, next: readonly string[] = []): Answer => {
  const facts = factsOf(context, realm)
  return {
    facts,
    show() {
      printRealm(facts)
      for (const line of next) print(`\n${line}`)
    },
  }
}

const soon = ({ config }: Context): string =>
  config.realms
    ? 'A running server has the change within seconds.'
    : 'REALMS is off here: a server answers for realms only with REALMS=true.'

export const add = defineCommand({
  takes: ['NAME'],
  options: {
    title: titleOption,
    ...setOption,
    ends: { type: 'string', value: 'TIME', help: endsHelp },
    demo: {
      type: 'boolean',
      help: 'With the demo people and clients of docs/walkthrough.md, whose passwords are public',
    },
  },
  run: ({ title, set, ends, demo }, [name]) =>
    within(async (context, scene) => {
      const root = await settingsInForce(context, scene.env)
      if (demo && root.config.environment === 'production')
        throw new UsageError(
          '--demo: the passwords are public (docs/walkthrough.md), so it is for NODE_ENV=development alone',
        )
      const ends_at = endOf(context, ends)
      const made = {
        name,
        settings: readSettings(set),
        ...(title !== undefined && { title }),
        ...(ends_at !== undefined && { ends_at }),
        ...(demo && { demo }),
      }
      const realm = await addRealm(
        context,
        'operator',
        writtenRealms(context, context.random, () => root),
        made,
      )
      if (!realm)
        throw new Refusal(`there is a realm ${printable(name)} already; latchkey realm set changes it`)
      // Also makes its keys: a store with clients and no keys is one that has lost them.
      if (demo) await scene.inRealm(realm, seedDemo)
      return shown(context, realm, [
        `Its first administrator: latchkey --realm ${name} user add USER, then latchkey --realm ${name} admin grant USER`,
        soon(context),
      ])
    }),
})

export const list = defineCommand({
  takes: [],
  options: {},
  run: () =>
    within(async (context) => {
      const found: RealmRecord[] = []
      for (const { name } of await Realm.keys(context)) {
        const realm = await Realm.find(context, name)
        if (realm) found.push(realm)
      }
      const facts = found.map((realm) => factsOf(context, realm))
      const rows = facts.map((each) => [
        each.name,
        each.state,
        each.title ?? '',
        each.issuer,
        each.created_at,
        each.ends_at ?? '',
      ])
      return {
        facts,
        show: () =>
          printList(
            ['NAME', 'STATE', 'TITLE', 'ISSUER', 'CREATED', 'ENDS'],
            rows,
            'there are no realms; latchkey realm add NAME makes one',
          ),
      }
    }),
})

export const show = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_options, [name]) => within(async (context) => shown(context, await requireRealm(context, name))),
})

const changed = (name: string, change: (current: RealmRecord) => RealmRecord): Promise<Answer> =>
  within(async (context, scene) => {
    await requireRealm(context, name)
    const root = await settingsInForce(context, scene.env)
    const realms = writtenRealms(context, context.random, () => root)
    const realm = await changeRealm(context, 'operator', realms, name, change)
    return shown(context, realm ?? (await requireRealm(context, name)), [soon(context)])
  })

export const set = defineCommand({
  takes: ['NAME'],
  options: {
    title: titleOption,
    ...setOption,
    unset: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      help: 'The realm has the value of the server again',
    },
    ends: { type: 'string', value: 'TIME', help: `${endsHelp}; never: it does not end by itself` },
  },
  run({ title, set: given, unset = [], ends }, [name]) {
    const settings = readSettings(given)
    const both = unset.find((each) => Object.hasOwn(settings, each))
    if (both !== undefined) throw new UsageError(`${printable(both)} is both in --set and in --unset`)
    if ([title, given, ends].every((each) => each === undefined) && unset.length === 0)
      throw new UsageError('nothing to change: add --title, --set, --unset or --ends')
    const at = ends === undefined || ends === 'never' ? undefined : readFuture('ends', ends, Date.now())
    return changed(name, (current) => {
      const unknown = unset.find((each) => !Object.hasOwn(current.settings, each))
      if (unknown !== undefined)
        throw new Refusal(`the realm has no setting ${printable(unknown)} of its own`)
      return {
        ...withoutMembers(current, ends === 'never' ? ['ends_at'] : []),
        settings: { ...withoutMembers(current.settings, unset), ...settings },
        ...(title !== undefined && { title }),
        ...(at !== undefined && { ends_at: Math.floor(at / 1000) }),
      }
    })
  },
})

export const disable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_options, [name]) => changed(name, (current) => ({ ...current, disabled: true })),
})

export const enable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_options, [name]) => changed(name, (current) => withoutMembers(current, ['disabled'])),
})

/** What goes with a realm, as far as it is counted without a look at the whole store. */
async function contentOf(
  { store }: Context,
  { id }: RealmRecord,
): Promise<{ people: number; clients: number }> {
  const inside = realmStore(store, id)
  const [people, clients] = await Promise.all(['users', 'clients'].map((index) => everyMember(inside, index)))
  return { people: people!.length, clients: clients!.length }
}

export const remove = defineCommand({
  takes: ['NAME'],
  options: {
    'dry-run': { type: 'boolean', help: 'Only say what would be removed' },
    yes: { type: 'boolean', help: 'Do not ask. Needed without a terminal' },
  },
  run: ({ 'dry-run': dryRun = false, yes = false }, [name]) =>
    within(async (context, scene) => {
      const realm = await requireRealm(context, name)
      const content = await contentOf(context, realm)
      const words = `${content.people} ${content.people === 1 ? 'person' : 'people'} and ${content.clients} ${content.clients === 1 ? 'client' : 'clients'}`
      if (!dryRun) {
        if (!yes) await confirm(name, words)
        const root = await settingsInForce(context, scene.env)
        const realms = writtenRealms(context, context.random, () => root)
        if (!(await removeRealm(context, 'operator', realms, realm)))
          throw new Refusal(`the realm ${name} was removed by another command just now`)
      }
      return {
        facts: { name, removed: !dryRun, dry_run: dryRun, ...content },
        show: () =>
          print(
            dryRun
              ? `${name} would be removed, with ${words}`
              : `${name} is removed, with ${words}. A running server answers it no more within seconds, and clears its part of the store within minutes. A realm that comes again under this name has nothing of it.`,
          ),
      }
    }),
})

async function confirm(name: string, words: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new UsageError(`this removes the realm ${name} for good, with ${words}: add --yes to confirm`)
  if ((await askOnce(`Remove the realm ${name}, with ${words}? Type its name: `)) !== name)
    throw new Refusal('the name does not match; nothing was changed')
}
