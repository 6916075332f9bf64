/** Realms: each is a provider of its own in this process, by its name. docs/realms.md, docs/decisions/0100-realms.md */
import * as v from 'valibot'
import { realClock, seconds } from '../lib/clock.ts'
import { isVisible } from '../lib/plain_name.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { everyMember } from './every_member.ts'

const shape = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/

/** The name is a part of the issuer, and one spelling is one realm. */
export const isRealmName = (text: string): boolean => shape.test(text)

export const realmNameWords = '1 to 40 lower-case letters, digits and dashes, with no dash at an end'

const Name = v.pipe(v.string(), v.check(isRealmName))
const Seconds = v.pipe(v.number(), v.integer(), v.minValue(0))

const schema = v.object({
  /** Random: a realm that comes again under a name has another one, hence other names in the store and other secrets. */
  id: v.string(),
  name: Name,
  title: v.optional(v.pipe(v.string(), v.check(isVisible))),
  /** Values of variables, by name. */
  settings: v.record(v.string(), v.string()),
  created_at: Seconds,
  /** From then on it is as if it did not exist, and what it kept is removed. By the clock of the machine. */
  ends_at: v.optional(Seconds),
  disabled: v.optional(v.boolean()),
  /** It has the demo people and clients. */
  demo: v.optional(v.boolean()),
  /** The id of the classroom that it belongs to. */
  classroom: v.optional(v.string()),
  /** It was removed. What is left of it keeps another realm of the name from being taken for it, until `exp`. */
  removed_at: v.optional(Seconds),
  exp: v.optional(Seconds),
})
const records = defineRecord('realm_named', schema)

export type RealmRecord = v.InferOutput<typeof schema>

/** The members of a realm that are chosen when it is created. */
export type NewRealm = Pick<RealmRecord, 'name' | 'title' | 'settings' | 'ends_at' | 'demo' | 'classroom'>

/** `name id`, scored by creation (ms): a removal never takes a later realm of the name out. */
const index = 'realms'
/** `name id` of realms whose data is to be removed, scored by the moment of their removal (ms). */
const goneIndex = 'realms_gone'
/** `name id` of realms that end, scored by that moment (ms). */
const endsIndex = 'realms_end'
/** Changes with each change of any realm, so that an instance sees by one read whether what it knows still holds. */
const versionKey = 'realms_version'

const mostSettings = 100
const idBytes = 15
/** Seconds for which the record of a removed realm stays. */
const keptFor = 86_400

/** What names one realm for good, also when another one comes under its name. */
export interface RealmKey {
  id: string
  name: string
}

const memberOf = ({ id, name }: RealmKey): string => `${name} ${id}`

/** What a member of the list of realms names. */
export function realmKeyOf(member: string): RealmKey {
  const [name = '', id = ''] = member.split(' ')
  return { id, name }
}

export class RealmError extends Error {
  override name = 'RealmError'
}

const now = ({ clock }: Memory): number => realClock(clock).now()
const secondsNow = ({ clock }: Memory): number => seconds(realClock(clock))
/** Realms begin and end by the clock of the machine, wherever the lab has moved that of the root. */
const real = (memory: Memory): Memory =>
  memory.clock.lab ? { ...memory, clock: realClock(memory.clock) } : memory

/** Whether requests to it are answered at `ms`. */
export const isOpen = ({ disabled, removed_at, ends_at }: RealmRecord, ms: number): boolean =>
  disabled !== true && removed_at === undefined && (ends_at === undefined || ends_at * 1000 > ms)

const touch = ({ store }: Memory, random: Random): Promise<void> => store.put(versionKey, random(9))

export const Realm = {
  /** Where the list of realms is, for a scan of the whole store. */
  index,
  key: records.key,

  /** The new record; undefined when the name is taken. Throws RealmError for a name or a title that no realm can have. */
  async create(memory: Memory, random: Random, made: NewRealm): Promise<RealmRecord | undefined> {
    requireGood(made)
    const record = { ...made, id: random(idBytes), created_at: secondsNow(memory) }
    const isNew =
      (await records.create(real(memory), made.name, record)) || (await replaceRemoved(memory, record))
    const there = isNew ? record : await Realm.find(memory, made.name)
    // Also of one that is there: the process that created it may have died in between.
    if (there) await memory.store.link(index, memberOf(there), there.created_at * 1000)
    if (there) await keepEnd(memory, there)
    await touch(memory, random)
    return isNew ? record : undefined
  },

  /** One that is disabled or has ended too; a removed one does not exist. */
  async find(memory: Memory, name: string): Promise<RealmRecord | undefined> {
    const record = isRealmName(name) ? await records.find(real(memory), name) : undefined
    return record?.removed_at === undefined ? record : undefined
  },

  /** The changed record; undefined when there is no such realm, or `change` gives none. */
  async update(
    memory: Memory,
    random: Random,
    name: string,
    change: (current: RealmRecord) => RealmRecord | undefined,
  ): Promise<RealmRecord | undefined> {
    const written = await records.update(real(memory), name, (current) => {
      if (current.removed_at !== undefined) return undefined
      const next = change(current)
      if (next) requireGood(next)
      return next && { ...next, id: current.id, name: current.name, created_at: current.created_at }
    })
    if (written) await keepEnd(memory, written)
    if (written) await touch(memory, random)
    return written
  },

  /**
   * Its name is free at once, and its data goes later. False when there is no such realm, or it has another `id`. Of two that
   * remove one realm, one does; a new realm that takes the name during the removal stays. `check` gets the very record that is
   * removed; what it throws leaves the realm as it is, and so does an error before the swap.
   */
  async remove(
    memory: Memory,
    random: Random,
    name: string,
    id?: string,
    check: (current: RealmRecord) => void = () => {},
  ): Promise<boolean> {
    const record = await Realm.find(memory, name)
    if (!record || record.id !== (id ?? record.id)) return false
    check(record)
    // Noted before the swap, which decides: `gone` finishes a removal whose process died after it, and forgets one without a swap.
    await memory.store.link(goneIndex, memberOf(record), now(memory))
    const found = await markRemoved(memory, random, record, (current) => {
      check(current)
      return true
    })
    if (found !== 'removed') return false
    // Once more: a minute must pass from the swap on.
    await memory.store.link(goneIndex, memberOf(record), now(memory))
    await memory.store.unlink(endsIndex, memberOf(record))
    return true
  },

  /** Of all realms, also of those that are disabled or have ended. */
  keys: async (memory: Memory): Promise<RealmKey[]> =>
    (await everyMember(memory.store, index)).map(realmKeyOf),

  /** Changes with each change of any realm. */
  version: ({ store }: Memory): Promise<string | undefined> => store.get(versionKey),

  /** Removes the realms that have ended. A realm whose end is moved to a later time during the run stays. */
  async removeEnded(memory: Memory, random: Random): Promise<RealmKey[]> {
    const hasEnded = ({ ends_at = Infinity }: RealmRecord) => ends_at * 1000 <= now(memory)
    const removed: RealmKey[] = []
    for (const { member } of await memory.store.range(endsIndex, { max: now(memory) })) {
      const realm = realmKeyOf(member)
      const found = await markRemoved(memory, random, realm, hasEnded)
      if (found === 'removed') removed.push(realm)
      // Also of one that is absent: the process that removed it may have died before this.
      if (found !== 'kept') await memory.store.link(goneIndex, member, now(memory))
      await memory.store.unlink(endsIndex, member)
      // A change of the end may have been written before the member was taken out.
      const there = found === 'kept' ? await Realm.find(memory, realm.name) : undefined
      if (there?.id === realm.id) await keepEnd(memory, there)
    }
    return removed
  },

  /** Realms that were removed at least `ms` ago, and whose data may still be there. */
  async gone(memory: Memory, random: Random, ms: number): Promise<RealmKey[]> {
    const gone: RealmKey[] = []
    for (const { member } of await memory.store.range(goneIndex, { max: now(memory) - ms })) {
      const realm = realmKeyOf(member)
      const state = await stateOf(memory, realm)
      if (state === 'gone') gone.push(realm)
      else if (state === 'listed') await finish(memory, random, realm)
      else await takeBack(memory, member)
    }
    return gone
  },

  /** After its data was removed. */
  forget: ({ store }: Memory, realm: RealmKey): Promise<void> => store.unlink(goneIndex, memberOf(realm)),
}

/** `listed`: a process died after the swap that removed it, so that instances may not have seen the removal. */
async function stateOf(memory: Memory, realm: RealmKey): Promise<'there' | 'listed' | 'gone'> {
  const record = await records.find(real(memory), realm.name)
  if (record?.id !== realm.id) return 'gone'
  if (record.removed_at === undefined) return 'there'
  const at = record.created_at * 1000
  const members = await memory.store.range(index, { min: at, max: at, prefix: memberOf(realm) })
  return members.length > 0 ? 'listed' : 'gone'
}

/** Its data goes a minute later, when no instance serves it. */
async function finish(memory: Memory, random: Random, realm: RealmKey): Promise<void> {
  await memory.store.link(goneIndex, memberOf(realm), now(memory))
  await memory.store.unlink(index, memberOf(realm))
  await touch(memory, random)
}

/**
 * Removes the note of a removal that stopped before its swap. Another removal of the same realm may swap at that moment, and
 * the note that is removed here may be its own: then the note is written again.
 */
async function takeBack(memory: Memory, member: string): Promise<void> {
  await memory.store.unlink(goneIndex, member)
  if ((await stateOf(memory, realmKeyOf(member))) !== 'there')
    await memory.store.link(goneIndex, member, now(memory))
}

const keepEnd = async ({ store }: Memory, record: RealmRecord): Promise<void> => {
  if (record.ends_at !== undefined) await store.link(endsIndex, memberOf(record), record.ends_at * 1000)
}

/** Takes the place of a removed realm of the same name, for one caller. */
const replaceRemoved = async (memory: Memory, record: RealmRecord): Promise<boolean> =>
  (await records.update(real(memory), record.name, ({ removed_at }) =>
    removed_at === undefined ? undefined : record,
  )) !== undefined

/** `removed` for the one caller that removed this very realm; `kept` when `isDue` does not hold. Otherwise it leaves the list of realms. */
async function markRemoved(
  memory: Memory,
  random: Random,
  { id, name }: RealmKey,
  isDue: (current: RealmRecord) => boolean = () => true,
): Promise<'removed' | 'kept' | 'absent'> {
  const removed_at = secondsNow(memory)
  let isKept = false
  const written = await records.update(real(memory), name, (current) => {
    if (current.id !== id || current.removed_at !== undefined) return undefined
    isKept = !isDue(current)
    return isKept ? undefined : { ...current, removed_at, exp: removed_at + keptFor }
  })
  if (isKept) return 'kept'
  await memory.store.unlink(index, memberOf({ id, name }))
  if (!written) return 'absent'
  await touch(memory, random)
  return 'removed'
}

/** Throws RealmError. */
export function requireGood({ name, title, settings }: NewRealm): void {
  if (!isRealmName(name)) throw new RealmError(`the name of a realm is ${realmNameWords}`)
  if (title !== undefined && !isVisible(title))
    throw new RealmError('the title of a realm is one line of at most 200 characters')
  if (Object.keys(settings).length > mostSettings)
    throw new RealmError(`a realm has at most ${mostSettings} settings`)
}
