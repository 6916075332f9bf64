/** The device of a session: a session ends when its device changes, and a new device of an account is reported to the End-User. OWASP ASVS 5.0 V7.4, V6.3.5 */
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
import { seconds } from '../../lib/clock.ts'

/**
 * A session cookie used by another kind of browser was copied, so the session ends. The stored User-Agent is parsed again
 * for each comparison, so that a change of the parser ends no session.
 */
export async function sameDevice(call: Call, context: Context, session: Session): Promise<boolean> {
  if (session.user_agent === undefined || !settings(context).sessionDeviceCheck) return true
  if (fingerprintOf(session.user_agent) === fingerprintOf(userAgentOf(call))) return true
  const ended = await endSession(session.sid, context)
  // Of concurrent requests, only the one that ended the session sends the mail.
  const user = ended && (await User.find(context, ended.sub))
  if (user) await tellOwner(call, context, user, { kind: 'session_moved', more: { sid: session.sid } })
  return false
}

/** Seconds for which a device is kept after its last sign-in. */
const lifetimeSeconds = 400 * 86_400
/** Devices kept for one End-User: a script without cookies is a new device at each sign-in. */
const mostKnown = 500
/** Seconds after the creation of an account in which its first device is not reported. */
const newAccount = 3_600

const devices = defineRecord('known_device', v.object({ exp: v.number() }))
const ofUser = (sub: string) => `user_devices:${sub}`

/** The browser cookie and the User-Agent identify a device, so a copied cookie in another kind of browser is another device. */
const idOf = (call: Call, context: Context, sub: string): string =>
  hmac(
    context.secrets.lasting('people'), // a name in the store: a change of SECRET_KEY makes no device new
    `device\n${sub}\n${browserOf(call, context) ?? context.random(24)}\n${fingerprintOf(userAgentOf(call))}`,
  )

/** Stores the device, and mails the End-User about a new one. `create` decides, so concurrent sign-ins send one mail. */
export async function rememberDevice(call: Call, context: Context, user: User): Promise<void> {
  if (!settings(context).newDeviceMail) return
  const id = idOf(call, context, user.sub)
  const now = seconds(context.clock)
  const [isNew, others] = await Promise.all([
    devices.create(context, id, { exp: now + lifetimeSeconds }),
    context.store.range(ofUser(user.sub), { limit: 1, min: context.clock.now() }),
  ])
  if (!isNew) await devices.update(context, id, () => ({ exp: now + lifetimeSeconds }))
  await context.store.trim(ofUser(user.sub), context.clock.now())
  await context.store.link(ofUser(user.sub), id, (now + lifetimeSeconds) * 1000, lifetimeSeconds * 1000)
  const oldest = await oldestBeyond(context.store, ofUser(user.sub), mostKnown)
  if (oldest !== undefined) await forgetDevice(context, user.sub, oldest)
  if (!isNew || (others.length === 0 && now - user.created_at < newAccount)) return
  try {
    await tellOwner(call, context, user, { kind: 'new_device' })
  } catch (error) {
    await devices.take(context, id) // the mail was not sent, so the device stays unknown
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

/** For the export: the record holds no more than an expiry, so only the number is exported. */
export const countDevices = async (context: Context, sub: string): Promise<number> =>
  (await everyMember(context.store, ofUser(sub), context.clock.now())).length
