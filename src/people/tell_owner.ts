/** Notifies the owner of an account of an event: it is stored, and mailed with what to do if it was not the owner. OWASP ASVS 5.0 V6.3.7 */
import * as v from 'valibot'
import type { Context } from '../contracts/context.ts'
import { typedEmail } from '../lib/spelling.ts'
import { type MessageValue, say } from '../lib/say.ts'
import type { Facts } from '../models/audit/kinds.ts'
import { activityKinds, type OperatorKind } from '../models/audit/kinds_of_people.ts'
import { note } from '../models/audit/note.ts'
import { Event } from '../models/event.ts'
import { type User } from '../models/user.ts'
import { foreignText } from '../html/foreign_text.ts'
import { sha256 } from '../lib/hash.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { placeOf } from './place.ts'
import type { Call } from '../contracts/call.ts'
import { deviceWords, userAgentOf } from './device_words.ts'
import { canMail, greeting, isProvenBy, languageOfUser, notYou, sendMail } from './mail.ts'
import { isWithinLimit } from './rate_limit.ts'

/** What the log and the audit trail tell of an event beyond the list of the End-User. */
export type MoreFacts = Partial<
  Record<'amr' | 'passkey' | 'problem' | 'aaguid' | 'provider' | 'sid' | 'client_id', string>
> & { invited?: boolean }

/** What End-Users read of what they, or others, did with their account. */
export type EventKind = keyof typeof activityKinds

export interface AccountEvent {
  kind: EventKind
  /** The `{detail}` of the message. */
  detail?: string
  /** The recipient when it is not the address of the account, such as its previous address. */
  to?: string
  more?: MoreFacts
}

/**
 * What an operator changed, without the operator's address and device. Stored once, and mailed to the address of the
 * account, or to each of `to` when that address changes.
 */
export async function tellOfOperator(
  context: Context,
  user: User,
  { kind, detail }: { kind: OperatorKind; detail?: string },
  to: readonly unknown[] = [user.claims.email],
): Promise<void> {
  const { sub } = user
  await Event.add(context, context.random, { sub, kind, ...(detail !== undefined && { detail }) })
  if (!canMail(context)) return
  for (const recipient of new Set(to))
    if (typeof recipient === 'string')
      await sendMail(context, {
        to: recipient,
        language: languageOfUser(user, context),
        subject: say('mail.notice_subject'),
        lines: [greeting(user, recipient), say(`event.${kind}`, { detail: detail ?? '' })],
        ...notYou(context),
      })
}

/** Says the event to the End-User, the log and the audit trail, without a mail. */
export async function noteEvent(
  call: Call,
  context: Context,
  sub: string,
  { kind, detail, more }: AccountEvent,
): Promise<void> {
  await Event.add(context, context.random, {
    sub,
    kind,
    address: call.address,
    user_agent: userAgentOf(call),
    ...(detail !== undefined && { detail }),
  })
  const isNamed = 'detail' in activityKinds[kind].details
  await note(call, context, kind, { sub, ...(isNamed && { detail }), ...more } as Facts<typeof kind>)
}

/** Notices a day to an unproven address: it may belong to another person, who must not be flooded with mails. */
const unproven = { most: 5, window: 86_400 }

const longestHarmless = 40

/** A detail may be text that the owner of the account typed: for a stranger, an address or letters and digits without a link. */
const harmless = (detail = ''): string =>
  readMailAddress(detail) === undefined
    ? foreignText(detail.replaceAll(/[^\p{L}\p{M}\p{N}-]/gu, ' '), longestHarmless)
    : detail

/** Stores the event and mails it to the address of the account, even if unverified: there is no other way to reach the owner. */
export async function tellOwner(
  call: Call,
  context: Context,
  user: User,
  event: AccountEvent,
): Promise<void> {
  await noteEvent(call, context, user.sub, event)
  const to = event.to ?? user.claims.email
  if (typeof to !== 'string' || !canMail(context)) return
  const { most, window } = unproven
  const isProven = isProvenBy(user, to)
  if (!isProven && !(await isWithinLimit(context, 'unproven_notice', typedEmail(to), most, window))) return
  const values: Record<string, MessageValue> = {
    detail: isProven ? (event.detail ?? '') : harmless(event.detail),
  }
  const language = languageOfUser(user, context)
  const place = await placeOf(context, call.address, language)
  const device = deviceWords(userAgentOf(call))
  await sendMail(context, {
    to,
    language,
    subject: say(`event.${event.kind}`, values),
    lines: [
      greeting(user, to),
      say(`event.${event.kind}`, values),
      say('mail.notice_when', { at: new Date(context.clock.now()), address: call.address }),
      place === undefined
        ? say('mail.notice_device', { device })
        : say('mail.notice_place', { device, place }),
    ],
    ...notYou(context),
  })
}

/** Milliseconds for which the repetition of a change that stopped halfway still tells the owner. */
const halfDoneMs = 86_400_000
/** Milliseconds: how often a request looks whether a change of another instance has come to its end, and for how long. */
const elsewhere = { every: 50, longest: 2_000 }
const halfDoneKey = (sub: string, kind: EventKind): string => `half_done:${sha256(`${kind}\n${sub}`)}`

/** The mark of a change that has begun: of which instance, and the detail of its event. */
const Mark = v.object({ by: v.string(), detail: v.string() })
type Mark = v.InferOutput<typeof Mark>

/** Until 0.2 the text was the detail. */
function readMark(text: string): Mark {
  try {
    const read = v.safeParse(Mark, JSON.parse(text))
    if (read.success) return read.output
  } catch {
    // Not JSON.
  }
  return { by: '', detail: text }
}

/** Whether a change of this kind has begun and not come to its end, since the store failed in between. */
export const isHalfDone = async (context: Context, sub: string, kind: EventKind): Promise<boolean> =>
  (await context.store.get(halfDoneKey(sub, kind))) !== undefined

/**
 * The mark of a change that did not come to its end. A change of another instance may still be on its way: undefined once
 * it has ended, which takes the mark. Those of this instance take turns, so that a mark of it is never on its way.
 */
async function markLeft({ store, changes }: Context, key: string): Promise<Mark | undefined> {
  for (let waited = 0; ; waited += elsewhere.every) {
    const text = await store.get(key)
    const mark = text === undefined ? undefined : readMark(text)
    if (mark === undefined || mark.by === changes.instance || waited >= elsewhere.longest) return mark
    await Bun.sleep(elsewhere.every)
  }
}

interface Turn {
  /** No mark was there. */
  isFirst: boolean
  /** Another request of this instance made this change, with the same detail, while this one waited. */
  follows: boolean
}

/** Runs `work` with a mark in the store until it has come to its end: one after the other on this instance. */
async function marked<T>(
  { store, changes: { instance, running } }: Context,
  key: string,
  detail: string,
  work: (turn: Turn) => Promise<T>,
): Promise<T> {
  const before = running.get(key)
  const run = async (): Promise<T> => {
    const follows = ((await before?.succeeded) ?? false) && before?.detail === detail
    const mark: Mark = { by: instance, detail }
    const isFirst = await store.create(key, JSON.stringify(mark), halfDoneMs)
    const result = await work({ isFirst, follows })
    // A mark that stays would make a repetition tell the owner once more.
    await store.take(key).catch(() => undefined)
    return result
  }
  const result = run()
  const succeeded = result.then(
    () => true,
    () => false,
  )
  const turn = { detail, succeeded }
  running.set(key, turn)
  await succeeded
  if (running.get(key) === turn) running.delete(key)
  return result
}

/**
 * A change of several records, of which the owner is told. Each write of `change` must leave a safe state, and `change` may
 * be repeated; it resolves to whether it changed anything. When the store fails in between, a mark stays: the repetition
 * tells the owner although it may find nothing left to change, with the detail that the mark has.
 */
export function changeAndTell(
  call: Call,
  context: Context,
  user: User,
  event: AccountEvent,
  change: () => Promise<boolean>,
  tell: (event: AccountEvent) => Promise<void> = (told) => tellOwner(call, context, user, told),
): Promise<boolean> {
  const key = halfDoneKey(user.sub, event.kind)
  const { detail: own = '' } = event
  return marked(context, key, own, async ({ isFirst }) => {
    const changed = await change()
    if (changed) await tell(event)
    // Of concurrent requests, the one that made the change tells.
    const left = isFirst ? undefined : await markLeft(context, key)
    // The change that stopped halfway may have been another one, such as that of another connection.
    if (left && (!changed || left.detail !== own))
      await tell({ ...event, ...(left.detail !== '' && { detail: left.detail }) })
    return changed
  })
}

/**
 * For a change that cannot be repeated once it was made: tells the owner first. A repetition after a stop tells again; of
 * concurrent requests one does.
 */
export function tellAndChange<T>(
  call: Call,
  context: Context,
  user: User,
  event: AccountEvent,
  change: () => Promise<T>,
): Promise<T> {
  const key = halfDoneKey(user.sub, event.kind)
  return marked(context, key, event.detail ?? '', async ({ isFirst, follows }) => {
    if (!follows && (isFirst || (await markLeft(context, key)))) await tellOwner(call, context, user, event)
    return change()
  })
}
