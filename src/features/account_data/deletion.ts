/** The end of an account: asked for, waiting, kept after all, or carried out by one instance at a time until it is done. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { erasePerson } from '../../people/person_data.ts'
import { endEverything } from '../../people/end_session.ts'
import { defineRecord } from '../../models/define_record.ts'
import { User } from '../../models/user.ts'
import type { Job } from '../../contracts/feature.ts'
import { settings } from './settings.ts'

const schema = v.object({
  /** Milliseconds: then it is erased. */
  due: v.number(),
  /** Kept and erased exclude each other: one swap decides which it is. */
  state: v.picklist(['waiting', 'kept', 'erasing']),
  /** Milliseconds: nobody else tries before. */
  held_until: v.number(),
})
const deletions = defineRecord('account_deletion', schema)

/** Milliseconds in which what is under way for the account comes to its end: nothing is written about it after it is gone. */
const settling = 30_000

/** Those that are asked for, by when something is to be done about them (ms). */
const index = 'account_deletions'

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
  const asked = { due, state: 'waiting', held_until: 0 } as const
  // The flag of the user is what counts: should that not be reached, the job finds nobody leaving and forgets it.
  if (!(await deletions.create(context, sub, asked)))
    await deletions.update(context, sub, (current) => (current.state === 'waiting' ? asked : undefined))
  await context.store.link(index, sub, due)
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
  await forget(context, sub)
}

async function forget(context: Context, sub: string): Promise<void> {
  await deletions.take(context, sub)
  await context.store.unlink(index, sub)
}

/** Milliseconds an instance holds an account that it erases, and after which another tries one that failed. */
const lease = 600_000
const pause = 60_000
const atOnce = 20

export const erasing: Job = {
  name: 'account_deletions',
  every: 60,
  async run(context) {
    const due = await context.store.range(index, { max: context.clock.now(), limit: atOnce })
    for (const { member } of due) await erase(context, member)
  },
}

async function erase(context: Context, sub: string): Promise<void> {
  const now = context.clock.now()
  const held_until = now + lease
  const mine = await deletions.update(context, sub, (current) =>
    current.state === 'kept' || current.due > now || current.held_until > now
      ? undefined
      : { ...current, state: 'erasing', held_until },
  )
  if (!mine) return leave(context, sub)
  await context.store.link(index, sub, held_until)
  try {
    const user = await User.find(context, sub)
    if (user?.leaving_at !== undefined) {
      await erasePerson(sub, context)
      context.log.info('account_erased', { sub })
      context.metrics.count('accounts_erased')
    }
    await forget(context, sub)
  } catch (error) {
    context.log.error('account_not_erased', { sub, problem: (error as Error).message })
    await deletions.update(context, sub, (current) => ({ ...current, held_until: now + pause }))
    await context.store.link(index, sub, now + pause)
  }
}

/** Somebody else has it, it is not due, or it was kept and whoever kept it died before saying so everywhere. */
async function leave(context: Context, sub: string): Promise<void> {
  const current = await deletions.find(context, sub)
  if (!current) return context.store.unlink(index, sub)
  if (current.state === 'kept') return stay(context, sub)
  await context.store.link(index, sub, Math.max(current.due, current.held_until))
}
