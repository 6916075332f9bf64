/** The administrators and their roles: one record, so that one compare-and-swap decides which owners remain. docs/administration.md */
import * as v from 'valibot'
import { type AdminRole, adminRoleNames } from '../auth/admin_roles.ts'
import { ownMember } from '../lib/own_member.ts'
import { seconds } from '../lib/clock.ts'
import { defineRecord, type Memory } from './define_record.ts'

const Administrator = v.object({
  role: v.picklist(adminRoleNames),
  /** Seconds. */
  since: v.number(),
  /** The account is disabled: an owner who is suspended is no owner who remains. */
  suspended: v.optional(v.boolean()),
  /** The role waits until the account was seen to be active. A suspension takes it away, so that the role stays suspended. */
  offer: v.optional(v.string()),
})
export type Administrator = v.InferOutput<typeof Administrator>

const schema = v.object({ people: v.record(v.string(), Administrator) })
const records = defineRecord('administrators', schema)
type Administration = v.InferOutput<typeof schema>

/** There is one record. */
const id = 'all'

/** The record is read at each request of an administrator, so it stays small. */
export const mostAdministrators = 500

export type Outcome = 'done' | 'last_owner' | 'too_many' | 'not_allowed'

const ownersOf = ({ people }: Administration): string[] =>
  Object.entries(people).flatMap(([sub, { role, suspended }]) =>
    role === 'owner' && !suspended ? [sub] : [],
  )

/**
 * Changes one entry: undefined removes it. Of two changes that race, the second sees the first, so that an owner remains
 * once there is one. `isAllowed` is asked for the entry that is replaced.
 */
async function change(
  memory: Memory,
  sub: string,
  next: (current: Administrator | undefined) => Administrator | undefined,
  isAllowed: (current: Administrator | undefined) => boolean = () => true,
): Promise<Outcome> {
  let outcome = 'not_allowed' as Outcome
  const changed = (current: Administration): Administration | undefined => {
    const before = ownMember(current.people, sub)
    outcome = 'not_allowed'
    if (!isAllowed(before)) return undefined
    const { [sub]: _, ...others } = current.people
    const entry = next(before)
    // An entry keeps its place, so that roles of one second stay in the order in which they were given.
    const after = { people: entry ? { ...current.people, [sub]: entry } : others }
    if (ownersOf(current).length > 0 && ownersOf(after).length === 0) outcome = 'last_owner'
    else if (Object.keys(after.people).length > mostAdministrators) outcome = 'too_many'
    else {
      outcome = 'done'
      return after
    }
    return undefined
  }
  await records.create(memory, id, { people: {} })
  await records.update(memory, id, changed)
  return outcome
}

export const Administrators = {
  /** By `sub`, in the order in which they got their roles. */
  async all(memory: Memory): Promise<ReadonlyMap<string, Administrator>> {
    const { people = {} } = (await records.find(memory, id)) ?? {}
    return new Map(Object.entries(people).sort(([, a], [, b]) => a.since - b.since))
  },

  async find(memory: Memory, sub: string): Promise<Administrator | undefined> {
    const found = await records.find(memory, id)
    return found && ownMember(found.people, sub)
  },

  async hasOwner(memory: Memory): Promise<boolean> {
    const found = await records.find(memory, id)
    return found !== undefined && ownersOf(found).length > 0
  },

  /** Whether no owner would remain without this account. */
  async isLastOwner(memory: Memory, sub: string): Promise<boolean> {
    const found = await records.find(memory, id)
    return found !== undefined && ownersOf(found).length === 1 && ownersOf(found)[0] === sub
  },

  /** True for one caller: only while there is no owner. */
  async claim(memory: Memory, sub: string): Promise<boolean> {
    let won = false
    await records.create(memory, id, { people: {} })
    const since = seconds(memory.clock)
    const updated = await records.update(memory, id, (current) => {
      won = ownersOf(current).length === 0
      return won ? { people: { ...current.people, [sub]: { role: 'owner', since } } } : undefined
    })
    return won && updated !== undefined
  },

  /** Gives a role, or takes it: `isAllowed` gets the entry as it is at the moment of the change. */
  set: (
    memory: Memory,
    sub: string,
    role: AdminRole | undefined,
    isAllowed?: (current: Administrator | undefined) => boolean,
  ): Promise<Outcome> =>
    change(
      memory,
      sub,
      (current) =>
        role && {
          role,
          since: seconds(memory.clock),
          ...(current?.suspended && { suspended: true }),
        },
      isAllowed,
    ),

  /**
   * As `set` for an account without a role, but the role is suspended until `accept` gets the same text: the account may
   * have been disabled since it was read, and must not count as an owner who remains.
   */
  offer: (
    memory: Memory,
    sub: string,
    { role, offer }: { role: AdminRole; offer: string },
    isAllowed?: (current: Administrator | undefined) => boolean,
  ): Promise<Outcome> =>
    change(
      memory,
      sub,
      (current) => {
        const since = seconds(memory.clock)
        return !current || current.offer !== undefined
          ? { role, since, suspended: true, offer }
          : { role, since, ...(current.suspended && { suspended: true }) }
      },
      isAllowed,
    ),

  /** Puts the offered role in force. False when the offer is gone: the account was disabled, or another administrator took the role away. */
  async accept(memory: Memory, sub: string, offer: string): Promise<boolean> {
    let isInForce = false
    const outcome = await change(memory, sub, (current) => {
      isInForce =
        current !== undefined && (current.offer === undefined ? !current.suspended : current.offer === offer)
      if (current?.offer !== offer) return current
      const { suspended: _suspended, offer: _offer, ...rest } = current
      return rest
    })
    return outcome === 'done' && isInForce
  },

  /** Takes back what `offer` changed: nothing stays of a role that was refused. `before` is the entry that it replaced. */
  withdraw: (
    memory: Memory,
    sub: string,
    { role, offer, before }: { role: AdminRole; offer: string; before: Administrator | undefined },
  ): Promise<Outcome> =>
    change(memory, sub, (current) => {
      if (!current || current.offer === offer) return undefined
      if (current.offer !== undefined || current.role !== role || !before || before.offer !== undefined)
        return current
      return { ...before, ...(current.suspended && { suspended: true }) }
    }),

  /** Before an account is disabled, and after it is enabled. An account without a role has nothing to suspend. */
  suspend: (
    memory: Memory,
    sub: string,
    suspended: boolean,
    isAllowed?: (current: Administrator | undefined) => boolean,
  ): Promise<Outcome> =>
    change(
      memory,
      sub,
      (current) => {
        if (!current) return undefined
        if (current.offer !== undefined) return suspended ? undefined : current // an offer is no role yet
        const { suspended: _suspended, ...rest } = current
        return suspended ? { ...rest, suspended } : rest
      },
      isAllowed,
    ),

  /** The account is erased: its entry goes, whatever remains. */
  async forget(memory: Memory, sub: string): Promise<void> {
    await records.update(memory, id, ({ people }) => {
      const { [sub]: entry, ...others } = people
      return entry && { people: others }
    })
  },
}
