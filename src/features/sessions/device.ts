/** The device of a session: it may not change under way, and one that is new to an account is told to its owner. OWASP ASVS 5.0 V7.4, V6.3.5 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { browserOf } from '../../http/csrf.ts'
import { userAgentOf } from '../../people/device_words.ts'
import { endSession } from '../../people/end_session.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import { hmac } from '../../lib/hash.ts'
import { fingerprintOf } from '../../lib/user_agent.ts'
import { defineRecord } from '../../models/define_record.ts'
import { everyMember, oldestBeyond } from '../../models/every_member.ts'
import { User } from '../../models/user.ts'
import type { Session } from '../../models/session.ts'
import { settings } from './settings.ts'

/**
 * A cookie that is used by another kind of browser was copied. Compared are the headers themselves, each read anew, so
 * that a better reader of them ends no session.
 */
export async function sameDevice(call: Call, context: Context, session: Session): Promise<boolean> {
  if (session.user_agent === undefined || !settings(context).sessionDeviceCheck) return true
  if (fingerprintOf(session.user_agent) === fingerprintOf(userAgentOf(call))) return true
  const ended = await endSession(session.sid, context)
  // Of many requests at once one has ended it, and tells.
  const user = ended && (await User.find(context, ended.sub))
  if (user) await tellOwner(call, context, user, { kind: 'session_moved' })
  context.log.warn('session_moved', { sub: session.sub, sid: session.sid, address: call.address })
  return false
}

/** Seconds a device is remembered after its last sign-in. */
const lifetimeSeconds = 400 * 86_400
/** Devices of one person that are remembered: whoever signs in by a program has a new one each time. */
const mostKnown = 500
/** Seconds in which the first device of a new account is no news to whoever has just made it. */
const beginning = 3_600

const devices = defineRecord('known_device', v.object({ exp: v.number() }))
const ofUser = (sub: string) => `user_devices:${sub}`

/** By the browser's cookie and what its header says: a copy of the cookie elsewhere is another device. */
const idOf = (call: Call, context: Context, sub: string): string =>
  hmac(
    context.secrets.people,
    `device\n${sub}\n${browserOf(call, context) ?? context.random(24)}\n${fingerprintOf(userAgentOf(call))}`,
  )

/** Remembers the device, and tells the owner of one that was not known: once, however many sign in from it at once. */
export async function meetDevice(call: Call, context: Context, user: User): Promise<void> {
  if (!settings(context).newDeviceMail) return
  const id = idOf(call, context, user.sub)
  const now = Math.floor(context.clock.now() / 1000)
  const [isNew, others] = await Promise.all([
    devices.create(context, id, { exp: now + lifetimeSeconds }),
    context.store.range(ofUser(user.sub), { limit: 1, min: context.clock.now() }),
  ])
  if (!isNew) await devices.update(context, id, () => ({ exp: now + lifetimeSeconds }))
  await context.store.trim(ofUser(user.sub), context.clock.now())
  await context.store.link(ofUser(user.sub), id, (now + lifetimeSeconds) * 1000, lifetimeSeconds * 1000)
  const oldest = await oldestBeyond(context.store, ofUser(user.sub), mostKnown)
  if (oldest !== undefined) await forgetDevice(context, user.sub, oldest)
  if (!isNew || (others.length === 0 && now - user.created_at < beginning)) return
  try {
    await tellOwner(call, context, user, { kind: 'new_device' })
  } catch (error) {
    await devices.take(context, id) // not told, so still unknown
    throw error
  }
}

async function forgetDevice(context: Context, sub: string, id: string): Promise<void> {
  await devices.take(context, id)
  await context.store.unlink(ofUser(sub), id)
}

export async function forgetDevices(context: Context, sub: string): Promise<void> {
  for (const id of await everyMember(context.store, ofUser(sub))) await forgetDevice(context, sub, id)
}

/** When devices were met first is not kept; how many are known is all there is to say. */
export const countDevices = async (context: Context, sub: string): Promise<number> =>
  (await everyMember(context.store, ofUser(sub), context.clock.now())).length
