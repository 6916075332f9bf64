/** Channels for codes: mail to the verified address of the account, and SMS to a phone number that was verified by a code. */
import * as v from 'valibot'
import { withFactor } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { greeting, languageOfUser, sendMail } from '../../people/mail.ts'
import type { EventKind } from '../../people/tell_owner.ts'
import { wordsOf } from '../../html/words.ts'
import { seconds } from '../../lib/clock.ts'
import { type MessageKey, say } from '../../lib/say.ts'
import { defineRecord } from '../../models/define_record.ts'
import { provenEmail, type User } from '../../models/user.ts'
import { codeLifetimeSeconds, type CodeBinding, type Purpose } from './codes.ts'
import { sendText } from './sms.ts'
import { type Done, factorsPath } from './words.ts'
import { readPhone } from '../../auth/person_claims.ts'

const record = v.object({ sub: v.string(), to: v.string(), created_at: v.number() })
const phones = defineRecord('factor_phone', record)
const mailboxes = defineRecord('factor_mailbox', record)

export interface Message {
  to: string
  code: string
  purpose: Purpose
}

export interface Channel {
  name: CodeBinding['channel']
  records: typeof phones
  /** The address for codes of this End-User; undefined if the channel is not set up. */
  addressOf(user: User, context: Context): Promise<string | undefined>
  /** The address for the code that sets the channel up, from the typed text; undefined if it is not usable. */
  candidate(user: User, typed: string): string | undefined
  /** Throws DeliveryFailed, or StoreUnavailable. */
  deliver(context: Context, user: User, message: Message): Promise<void>
  /** Shortened, but enough to recognise the address. */
  masked(to: string): string
  addToAmr(amr: readonly string[]): string[]
  words: {
    title: MessageKey
    setUp: MessageKey
    offer: MessageKey
    sent: MessageKey
    unusable: MessageKey
  }
  told: { added: EventKind; removed: EventKind }
  done: Done
}

export const pathsOf = ({ name }: Channel) => ({
  challenge: `/second-factor/${name}`,
  enrol: `/second-factor/${name}/set-up`,
  account: `${factorsPath}/${name}`,
})

const minutes = Math.round(codeLifetimeSeconds / 60)

/** After a change of the account's address, the channel counts as not set up. */
const email: Channel = {
  name: 'email',
  records: mailboxes,
  async addressOf(user, context) {
    const to = provenEmail(user)
    return to !== undefined && (await mailboxes.find(context, user.sub))?.to === to ? to : undefined
  },
  candidate: provenEmail,
  deliver: (context, user, { to, code, purpose }) =>
    sendMail(context, {
      to,
      language: languageOfUser(user, context),
      subject: say('second_factor.mail_subject'),
      lines: [
        greeting(user, to),
        say(purpose === 'set_up' ? 'second_factor.mail_set_up' : 'second_factor.mail_text'),
      ],
      code,
      after: [say('second_factor.mail_after', { n: minutes })],
    }),
  masked: (to) => to.replace(/^(.).*(?=@)/, '$1***'),
  // No `mfa`: by NIST SP 800-63B §3.1.3.1 mail is not an authenticator, and after a password reset by mail both factors are the mailbox.
  addToAmr: (amr) => [...new Set([...amr, 'otp'])],
  words: {
    title: 'second_factor.email_title',
    setUp: 'second_factor.email_set_up',
    offer: 'second_factor.email_offer',
    sent: 'second_factor.email_sent',
    unusable: 'second_factor.email_unusable',
  },
  told: { added: 'email_codes_on', removed: 'email_codes_off' },
  done: 'email_added',
}

const sms: Channel = {
  name: 'sms',
  records: phones,
  addressOf: async ({ sub }, context) => (await phones.find(context, sub))?.to,
  candidate: (_, typed) => readPhone(typed),
  deliver(context, user, { to, code }) {
    const { text } = wordsOf(languageOfUser(user, context))
    return sendText(context, to, text(say('second_factor.sms_text', { code, n: minutes })))
  },
  masked: (to) => `***${to.slice(-3)}`,
  addToAmr: (amr) => withFactor(amr, 'sms'),
  words: {
    title: 'second_factor.sms_title',
    setUp: 'second_factor.sms_set_up',
    offer: 'second_factor.sms_offer',
    sent: 'second_factor.sms_sent',
    unusable: 'second_factor.phone_wrong',
  },
  told: { added: 'sms_codes_on', removed: 'sms_codes_off' },
  done: 'sms_added',
}

export const channels = { email, sms } as const

/** `same`: the address was stored already. `refused`: another one is, and may not be replaced. */
export type Stored = 'new' | 'same' | 'refused'

/** May be called again after a failure. */
export async function rememberAddress(
  context: Context,
  { records }: Channel,
  { sub, to, replaces }: { sub: string; to: string; replaces: boolean },
): Promise<Stored> {
  const record = { sub, to, created_at: seconds(context.clock) }
  if (await records.create(context, sub, record)) return 'new'
  if ((await records.find(context, sub))?.to === to) return 'same'
  if (!replaces) return 'refused'
  await records.put(context, sub, record)
  return 'new'
}
