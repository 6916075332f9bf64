/** Telling the owner of an account what happened to it: kept as an event, and mailed with what to do if it was not them. OWASP ASVS 5.0 V6.3.7 */
import type { Context } from '../contracts/context.ts'
import { type MessageKey, type MessageValue, say } from '../lib/say.ts'
import { Event } from '../models/event.ts'
import { canonicalEmail, provenEmail, type User } from '../models/user.ts'
import { placeOf } from './place.ts'
import type { Call } from '../contracts/call.ts'
import { deviceWords, userAgentOf } from './device_words.ts'
import { canMail, languageOfUser, notYou, sendMail } from './mail.ts'
import { isWithin } from './rate_limit.ts'

/** Every kind of thing that happens to an account has its sentence: `event.password_changed`, … */
export type EventKind = Extract<MessageKey, `event.${string}`> extends `event.${infer Kind}` ? Kind : never

export interface Happening {
  kind: EventKind
  /** What the sentence names as `{detail}`. */
  detail?: string
  /** Where the mail goes when not to the address of the account, such as the one it had before. */
  to?: string
}

/** Keep it, without a mail. */
export const noteEvent = (
  call: Call,
  context: Context,
  sub: string,
  { kind, detail }: Happening,
): Promise<void> =>
  Event.add(context, context.random, {
    sub,
    kind,
    address: call.address,
    user_agent: userAgentOf(call),
    ...(detail !== undefined && { detail }),
  })

/** Notices a day to an address that nobody has proven: whoever named it may do so to plague a stranger. */
const unproven = { most: 5, window: 86_400 }

/** Keep it and mail it to the address of the account, verified or not: the one way to reach its owner. */
export async function tellOwner(
  call: Call,
  context: Context,
  user: User,
  happening: Happening,
): Promise<void> {
  await noteEvent(call, context, user.sub, happening)
  const to = happening.to ?? user.claims.email
  if (typeof to !== 'string' || !canMail(context)) return
  const { most, window } = unproven
  const isProven = provenEmail(user) !== undefined
  if (!isProven && !(await isWithin(context, 'unproven_notice', canonicalEmail(to), most, window))) return
  const values: Record<string, MessageValue> = { detail: happening.detail ?? '' }
  const language = languageOfUser(user, context)
  const place = await placeOf(context, call.address, language)
  const device = deviceWords(userAgentOf(call))
  await sendMail(context, {
    to,
    language,
    subject: say(`event.${happening.kind}`, values),
    lines: [
      say('mail.hello', { username: user.username }),
      say(`event.${happening.kind}`, values),
      say('mail.notice_when', { at: new Date(context.clock.now()), address: call.address }),
      place === undefined
        ? say('mail.notice_device', { device })
        : say('mail.notice_place', { device, place }),
    ],
    ...notYou(context),
  })
}
