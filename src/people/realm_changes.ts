/** Changes of realms, by an operator at a command line or an administrator of the server: checked, written, and in the audit trail. docs/realms.md */
import type { Context } from '../contracts/context.ts'
import type { Realms } from '../contracts/realms.ts'
import { type NewRealm, type RealmKey, type RealmRecord, requireGood } from '../models/realm.ts'
import { type Author, differences, noteChange } from './author.ts'

/** How realms are written: with a check of their settings, which throws what a start of the server would say of them. */
export type WrittenRealms = Pick<Realms, 'create' | 'update' | 'remove'>

type Shared = Pick<Context, 'log' | 'audit'>

/** As the audit trail tells it. A setting of a realm is never a secret. */
const told = ({ title, settings, ends_at, disabled, demo }: Partial<RealmRecord>) => ({
  title,
  settings,
  ends_at: ends_at === undefined ? undefined : new Date(ends_at * 1000).toISOString(),
  disabled,
  demo,
})

const openMembers = (...versions: readonly Partial<RealmRecord>[]): string[] => [
  ...['title', 'ends_at', 'disabled', 'demo'],
  ...versions.flatMap(({ settings = {} }) => Object.keys(settings).map((name) => `settings.${name}`)),
]

const differ = (context: Shared, before: Partial<RealmRecord>, after: Partial<RealmRecord>) =>
  differences(context, told(before), told(after), openMembers(before, after))

/** Undefined when the name is taken. */
export async function addRealm(
  context: Shared,
  author: Author,
  realms: WrittenRealms,
  made: NewRealm,
): Promise<RealmRecord | undefined> {
  requireGood(made)
  const record = await realms.create(made)
  if (record)
    await noteChange(context, author, 'realm_added', { realm: made.name, ...differ(context, {}, made) })
  return record
}

/** Undefined when there is no such realm. `change` is called again when another change came between. */
export async function changeRealm(
  context: Shared,
  author: Author,
  realms: WrittenRealms,
  name: string,
  change: (current: RealmRecord) => RealmRecord,
): Promise<RealmRecord | undefined> {
  let before: RealmRecord | undefined
  const after = await realms.update(name, (current) => {
    before = current
    return change(current)
  })
  if (!before || !after) return undefined
  const facts = differ(context, before, after)
  if (facts.changed!.length > 0)
    await noteChange(context, author, changeOf(before, after), { realm: name, ...facts })
  return after
}

function changeOf(before: RealmRecord, after: RealmRecord): string {
  if (before.disabled === after.disabled) return 'realm_set'
  return after.disabled === true ? 'realm_disabled' : 'realm_enabled'
}

/** False when there is no such realm, or another removal was first. `check` throws for a version that is not to be removed. */
export async function removeRealm(
  context: Shared,
  author: Author,
  realms: WrittenRealms,
  { name, id }: RealmKey,
  check?: (current: RealmRecord) => void,
): Promise<boolean> {
  const isDone = await realms.remove(name, id, check)
  if (isDone) await noteChange(context, author, 'realm_removed', { realm: name })
  return isDone
}

export type RealmState = 'open' | 'disabled' | 'ended'

/** `now` in milliseconds, by the clock of the machine. */
export function stateOfRealm({ disabled, ends_at }: RealmRecord, now: number): RealmState {
  if (ends_at !== undefined && ends_at * 1000 <= now) return 'ended'
  return disabled === true ? 'disabled' : 'open'
}
