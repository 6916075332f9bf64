/** The end of an account: asked for, waiting, kept after all, or carried out by one instance at a time until it is done. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { erasePerson } from '../../people/person_data.ts'
import { endEverything } from '../../people/end_session.ts'
import { defineLeaseQueue, leaseEntries } from '../../models/lease_queue.ts'
import { User } from '../../models/user.ts'
import type { Job } from '../../contracts/feature.ts'
import { settings } from './settings.ts'

const schema = v.object({
  ...leaseEntries,
  /** Milliseconds: the account is erased then. */
  due: v.number(),
  /** Kept and erased exclude each other: one swap decides which it is. */
  state: v.picklist(['waiting', 'kept', 'erasing']),
})

/** A member is a `sub`. */
const deletions = defineLeaseQueue('account_deletion', schema, {
  index: 'account_deletions',
  notBefore: ({ due }) => due,
  begin: (deletion) => (deletion.state === 'kept' ? undefined : { ...deletion, state: 'erasing' }),
})

/** Milliseconds in which requests under way for the account end: nothing is written about it after it is gone. */
const settling = 30_000

/**
 * From now on the account is good for nothing but to be kept; its tokens and sessions end at once. Returns when (ms) it
 * is erased, and whether this was the one request of many that asked for it.
 */
export async function askForDeletion(
  context: Context,
  sub: string,
): Promise<{ due: number; isFirst: boolean } | undefined> {
  const { accountDeletionGrace: grace } = settings(context.config)
  const due = context.clock.now() + Math.max(grace * 1000, settling)
  // The flag of the user decides: when this request ends before it is set, the job finds no flag and forgets the entry.
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
  await endEverything(sub, context)
  return { due: user.leaving_at * 1000, isFirst }
}

/** The account stays. False when it is too late. */
export async function keepAccount(context: Context, sub: string): Promise<boolean> {
  const kept = await deletions.update(context, sub, (current) =>
    current.state === 'erasing' ? undefined : { ...current, state: 'kept' },
  )
  if (!kept && (await deletions.find(context, sub))) return false
  await stay(context, sub)
  return true
}

async function stay(context: Context, sub: string): Promise<void> {
  await User.update(context, sub, ({ leaving_at: _, ...user }) => user)
  await deletions.finish(context, sub)
}

/** Milliseconds for which an instance holds an account that it erases, and after which one that failed is tried again. */
const leaseMs = 600_000
const pauseMs = 60_000
const perTurn = 20

export const erasing: Job = {
  name: 'account_deletions',
  every: 60,
  async run(context) {
    for (const sub of await deletions.due(context, { limit: perTurn })) await erase(context, sub)
  },
}

async function erase(context: Context, sub: string): Promise<void> {
  const claimed = await deletions.claim(context, sub, leaseMs)
  if (!claimed) {
    // The request that kept the account may have ended before it cleared the flag of the user.
    if ((await deletions.find(context, sub))?.state === 'kept') await stay(context, sub)
    return
  }
  try {
    const user = await User.find(context, sub)
    if (user?.leaving_at !== undefined) {
      await erasePerson(sub, context)
      context.log.info('account_erased', { sub })
      context.metrics.count('accounts_erased')
    }
    await deletions.finish(context, sub)
  } catch (error) {
    context.log.error('account_not_erased', { sub, problem: (error as Error).message })
    await deletions.postpone(context, claimed, pauseMs)
  }
}
