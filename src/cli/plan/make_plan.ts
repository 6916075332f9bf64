/** Compares a configuration file with the store: what would be created, changed and removed, and the steps of it. docs/decisions/0087-configuration-files.md */
import type { Context } from '../../contracts/context.ts'
import { deriveKeys, isMacOf, macOf } from '../../lib/secret_keys.ts'
import { Applied, type Document, type FileClient, type State, type Step } from '../../models/applied.ts'
import { Client } from '../../models/client.ts'
import { consequencesOf } from '../client_changes.ts'
import { Refusal } from '../failure.ts'
import { printable } from '../output.ts'
import { type Lost, lostBetween, lostNothing } from './lost.ts'
import type { Break, Row } from './row.ts'
import { secretChange } from './secret_change.ts'
import type { SecretRules } from './secret_places.ts'
import { Problems } from './source.ts'
import { fileMembersOf, targetOf } from './target.ts'
import { clientsConcerned, type SettingChange, settingChanges } from './setting_changes.ts'
import type { Wanted, WantedClient } from './wanted.ts'

export interface Change {
  client_id: string
  client_name?: string | undefined
  do: 'create' | 'change' | 'remove' | 'release'
  members: Readonly<Record<string, Row>>
  breaks: Break[]
  /** As it is now. */
  current?: Client | undefined
  after?: Client | undefined
}

export interface Plan {
  base: State
  file: string
  document: Document
  changes: readonly Change[]
  settings: readonly SettingChange[]
  /** Clients that the settings concern. */
  breaks: readonly Break[]
  /** What the settings take away from people. */
  lost: Lost
  /** The provider as it would be. */
  under: Context
  steps: readonly Step[]
  /** Random secrets of this plan, by client_id. */
  made: Readonly<Record<string, string>>
}

export interface PlanOptions {
  /** The path that faults name. */
  path: string
  rules: SecretRules
  isRollback?: boolean
  /** The provider as it is, where the settings of the file make it another one. */
  before?: Context
}

interface Part {
  change?: Change
  step?: Step
  kept: FileClient
  made?: string
}

/** Throws Refusal with all faults of the file. */
export async function makePlan(wanted: Wanted, options: PlanOptions, context: Context): Promise<Plan> {
  const base = await Applied.open(context)
  const known = await Applied.document(context, base)
  const problems = new Problems(options.path)
  const parts = new Map<string, Part>()
  for (const [clientId, client] of wanted.clients) {
    const part = await partOf(clientId, client, { wanted, known, options, problems }, context)
    if (part) parts.set(clientId, part)
  }
  problems.requireNone()
  const removals = await Promise.all(
    Object.keys(known.clients)
      .filter((id) => !wanted.clients.has(id))
      .map((id) => removalOf(id, context)),
  )
  const list = [...parts.values()]
  const settings = settingChanges(known.settings, wanted.settings)
  const { before = context } = options
  const changes = [...list.flatMap(({ change }) => change ?? []), ...removals.map(({ change }) => change)]
  return {
    base,
    file: wanted.file,
    document: {
      file: wanted.file,
      clients: Object.fromEntries([...parts].map(([id, { kept }]) => [id, kept])),
      settings: wanted.settings,
    },
    changes,
    settings,
    breaks: settings.length === 0 ? [] : await clientsConcerned(before, context),
    lost: settings.length === 0 ? lostNothing : lostBetween(before, context),
    under: context,
    steps: [
      ...settingSteps(settings),
      ...list.flatMap(({ step }) => step ?? []),
      ...removals.map(({ step }) => step),
    ],
    made: Object.fromEntries(
      [...parts].flatMap(([id, { made }]) => (made === undefined ? [] : [[id, made] as const])),
    ),
  }
}

/** For the audit trail alone: servers read the settings of the version. */
function settingSteps(settings: readonly SettingChange[]): Step[] {
  if (settings.length === 0) return []
  const rows = Object.fromEntries(settings.map(({ setting, from, to }) => [setting, { from, to }]))
  return [{ do: 'settings', ...toldOf(rows) }]
}

interface Setting {
  wanted: Wanted
  known: Document
  options: PlanOptions
  problems: Problems
}

async function partOf(
  clientId: string,
  wanted: WantedClient,
  { wanted: { file }, known, options, problems }: Setting,
  context: Context,
): Promise<Part | undefined> {
  const fault = ({ member, problem }: { member?: string | undefined; problem: string }) =>
    problems.add(
      (member === undefined ? undefined : wanted.places[member]) ?? wanted.place,
      member === undefined ? clientId : `${clientId}.${member}`,
      problem,
    )
  const current = await Client.find(context, clientId)
  const found = await targetOf(clientId, wanted, current, context)
  if ('faults' in found) {
    found.faults.forEach(fault)
    return undefined
  }
  const { target } = found
  const last = known.clients[clientId]
  const secret = await secretChange(
    { wanted, current, target, known: last, isRollback: options.isRollback ?? false, rules: options.rules },
    context,
  )
  if ('problem' in secret) {
    fault(secret)
    return undefined
  }
  const members = fileMembersOf(target, context)
  const kept: FileClient = {
    given: wanted.given,
    target: members,
    overlap: wanted.overlap,
    ...(secret.place !== undefined && { secret: secret.place }),
  }
  const now = current ? fileMembersOf(current, context) : {}
  const secretByFile = secret.place !== undefined && secret.place !== 'generate'
  const isOurs = current?.managed_by?.file === file && (current.managed_by.secret ?? false) === secretByFile
  const rows: Record<string, Row> = {
    ...differences(now, members),
    ...(secret.row && { client_secret: secret.row }),
    ...(!isOurs && { managed_by: { from: current?.managed_by?.file ?? null, to: file } }),
    ...(current &&
      last &&
      last.overlap !== wanted.overlap && {
        client_secret_overlap: { from: last.overlap, to: wanted.overlap },
      }),
  }
  const made = secret.made === undefined ? {} : { made: secret.made }
  if (Object.keys(rows).length === 0) return { kept }
  const without = Object.keys(now).filter((name) => !Object.hasOwn(members, name))
  return {
    kept,
    ...made,
    change: {
      client_id: clientId,
      client_name: target.client_name,
      do: current ? 'change' : 'create',
      members: rows,
      breaks: current ? [...breaksOf(current, target), ...secret.breaks] : [],
      current,
      after: target,
    },
    step: {
      do: 'put',
      client_id: clientId,
      is_new: current === undefined,
      members,
      without: secret.drops ? [...without, 'secret_mac', 'sealed_secret', 'former_secret'] : without,
      file,
      secret_by_file: secretByFile,
      ...(secret.step && { secret: secret.step }),
      ...toldOf(rows, current !== undefined),
    },
  }
}

/** The sentences of `client set`, but those on the secret, of which the plan says more. */
function breaksOf(current: Client, target: Client): Break[] {
  const after = { ...target, ...(current.secret_mac !== undefined && { secret_mac: current.secret_mac }) }
  const sentences = consequencesOf(current, after).filter(({ name }) => name !== 'secret_stays')
  return target.disabled && !current.disabled
    ? [
        ...sentences,
        { name: 'disabled', text: 'While the client is disabled, it and all its tokens are refused.' },
      ]
    : sentences
}

async function removalOf(clientId: string, context: Context): Promise<{ change: Change; step: Step }> {
  const current = await Client.find(context, clientId)
  const text =
    'All its tokens and the consents of its users end. A later client of this client_id gets none of them back.'
  const members = { managed_by: { from: current?.managed_by?.file ?? null, to: null } }
  return {
    change: {
      client_id: clientId,
      client_name: current?.client_name,
      do: 'remove',
      members,
      breaks: current ? [{ name: 'removed', text }] : [],
      current,
    },
    step: { do: 'remove', client_id: clientId, ...toldOf(members) },
  }
}

export function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, Row> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return Object.fromEntries(
    names
      .filter((name) => !Bun.deepEquals(before[name], after[name]))
      .map((name) => [name, { from: before[name] ?? null, to: after[name] ?? null }]),
  )
}

/** For the audit trail: a secret is named by its place. */
const toldOf = (rows: Readonly<Record<string, Row>>, hadOne = true) => {
  const line = (name: string, value: unknown) => printable(`${name}: ${printable(value)}`).slice(0, 500)
  const entries = Object.entries(rows).slice(0, 200)
  return {
    changed: entries.map(([name]) => name),
    before: hadOne ? entries.map(([name, { from }]) => line(name, from)) : [],
    after: entries.map(([name, { to }]) => line(name, to)),
  }
}

/** What decides a plan, for comparison: the store, its version, and each change with the MAC of a new secret. */
const decidesOf = ({ base, file, document, changes, steps, made }: Plan): string =>
  JSON.stringify([
    base.store,
    base.version,
    file,
    document,
    changes.map(({ client_id, do: what, members, current }) => [
      client_id,
      what,
      members,
      current?.secret_mac ?? null,
    ]),
    steps.map((step) =>
      step.do === 'put' && step.secret !== undefined && made[step.client_id] === undefined
        ? step.secret.secret_mac
        : null,
    ),
  ])

const keyOf = ({ config }: Pick<Context, 'config'>) => deriveKeys(config.secretKey, 'plan')

/** Under a key of SECRET_KEY, so that it tells nothing of a secret, and only this provider can make one. */
export const fingerprintOf = (plan: Plan, context: Context): string => macOf(keyOf(context), decidesOf(plan))
export const isFingerprintOf = (given: string, plan: Plan, context: Context): boolean =>
  isMacOf(keyOf(context), decidesOf(plan), given)

export const isEmpty = ({ changes, settings }: Plan): boolean => changes.length + settings.length === 0

export const countsOf = ({ changes, settings }: Pick<Plan, 'changes' | 'settings'>) => {
  const count = (what: Change['do']) => changes.filter((each) => each.do === what).length
  return { created: count('create'), changed: count('change') + settings.length, removed: count('remove') }
}

/** Throws Refusal when another process has begun a version since the plan was made. */
export const movedOn = (): Refusal =>
  new Refusal(
    'another apply or rollback came first, so nothing was changed here: run latchkey plan again, and apply what it says',
  )
