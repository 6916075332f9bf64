/** The deletion of an account: requested, waiting for the grace period, then cancelled, or carried out by one instance at a time until complete. */
import { realClock } from '../../lib/clock.ts'
import { note } from '../../models/audit/note.ts'
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { erasePerson } from '../../people/person_data.ts'
import { requireDone, resumeAdministrator, suspendAdministrator } from '../../people/administrator_account.ts'
import { endEverything } from '../../people/end_session.ts'
import { defineLeaseQueue, leaseEntries } from '../../models/lease_queue.ts'
import { User } from '../../models/user.ts'
import type { Job } from '../../contracts/feature.ts'
import { settings } from './settings.ts'

const schema = v.object({
  ...leaseEntries,
  /** Milliseconds: when the account is erased. */
  due: v.number(),
  /** One compare-and-swap decides between `kept` and `erasing`. */
  state: v.picklist(['waiting', 'kept', 'erasing']),
})

/** A member is a `sub`. */
const deletions = defineLeaseQueue('account_deletion', schema, {
  index: 'account_deletions',
  notBefore: ({ due }) => due,
  begin: (deletion) => (deletion.state === 'kept' ? undefined : { ...deletion, state: 'erasing' }),
})

/** Milliseconds in which requests in progress end, so that none writes data of the account after the erasure. */
const settling = 30_000

/**
 * Marks the account for deletion and ends its tokens and sessions at once; after that it can only be kept. Returns when
 * (ms) it is erased, and whether this was the first of concurrent requests. Undefined when the account does not exist.
 */
export async function requestDeletion(
  context: Context,
  sub: string,
): Promise<{ due: number; isFirst: boolean } | undefined> {
  const { accountDeletionGrace: grace } = settings(context.config)
  const due = context.clock.now() + Math.max(grace * 1000, settling)
  requireDone(await suspendAdministrator(context, sub)) // the last owner stays
  // `leaving_at` of the user decides. When this request fails before setting it, the job finds none and drops the entry.
  await deletions.update(context, sub, (current) =>
    current.state === 'waiting' ? { ...current, due } : undefined,
  )
  await deletions.add(context, sub, { due, state: 'waiting' }, due)
  let isFirst = false
  const user = await User.update(context, sub, (current) => {
    isFirst = current.leaving_at === undefined
    return isFirst ? { ...current, leaving_at: Math.ceil(due / 1000) } : current
  })
  if (user?.leaving_at === undefined) return undefined
  // Once more: the account may have got a role since. From now on it gets none.
  const late = await suspendAdministrator(context, sub)
  if (late !== 'done') await clearDeletion(context, sub)
  requireDone(late)
  await endEverything(sub, context)
  return { due: user.leaving_at * 1000, isFirst }
}

/** From now on the account is not erased. False when the erasure has begun. May be repeated, until `clearDeletion`. */
export async function stopDeletion(context: Context, sub: string): Promise<boolean> {
  const kept = await deletions.update(context, sub, (current) =>
    current.state === 'erasing' ? undefined : { ...current, state: 'kept' },
  )
  return kept !== undefined || (await deletions.find(context, sub)) === undefined
}

/** After `stopDeletion`: the account is one as any other again. */
export async function clearDeletion(context: Context, sub: string): Promise<void> {
  const kept = await User.update(context, sub, ({ leaving_at: _, ...user }) => user)
  // An operator may have disabled the account since.
  if (kept && !kept.disabled) await resumeAdministrator(context, sub)
  await deletions.finish(context, sub)
}

/** Milliseconds: the lease of an instance on an account that it erases, and the delay after a failure. */
const leaseMs = 600_000
const pauseMs = 60_000
const perTurn = 20

export const erasing: Job = {
  name: 'account_deletions',
  every: 60,
  async run(given) {
    // The clock of the lab ends no grace period: what it erases would stay erased when the clock goes back.
    const context = { ...given, clock: realClock(given.clock) }
    for (const sub of await deletions.due(context, { limit: perTurn })) await erase(context, sub)
  },
}

async function erase(context: Context, sub: string): Promise<void> {
  const claimed = await deletions.claim(context, sub, leaseMs)
  if (!claimed) {
    // The request that cancelled the deletion may have failed before it cleared `leaving_at`.
    if ((await deletions.find(context, sub))?.state === 'kept') await clearDeletion(context, sub)
    return
  }
  try {
    const user = await User.find(context, sub)
    if (user?.leaving_at !== undefined) {
      await erasePerson(sub, context)
      await note(undefined, context, 'account_erased', { sub })
      context.metrics.count('accounts_erased')
    }
    await deletions.finish(context, sub)
  } catch (error) {
    context.log.error('account_not_erased', { sub, problem: (error as Error).message })
    await deletions.postpone(context, claimed, pauseMs)
  }
}
