/** /account/factors: lists and removes second factors, makes recovery codes, forgets trusted devices. */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { accountForm } from '../../flow/account_form.ts'
import { pageOfPerson } from '../../flow/signed_in_person.ts'
import {
  allowedFactors,
  askedFactors,
  changeFactors,
  dropStandIns,
  factorsChanged,
  isLastNeeded,
  readyFactors,
} from '../../flow/second_factors.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { EventKind } from '../../people/tell_owner.ts'
import type { Html } from '../../html/view.ts'
import { type MessageKey, type Said, say } from '../../lib/say.ts'
import type { User } from '../../models/user.ts'
import type { AccountSection, Attention, SecondFactor } from '../../contracts/feature.ts'
import { channels } from './channels.ts'
import { factorAccountForm, type FactorPage, accountFactorPage } from './factor_page.ts'
import { RecoveryCodes } from './recovery.ts'
import { accountPath as recoveryPath } from './recovery_pages.ts'
import { settingsOf } from './settings.ts'
import { Totp } from './totp.ts'
import { buttonFormOf, choiceAbout, factorEntry, factorList, removeFormOf } from './views.ts'
import { doneMessages, factorsPath } from './words.ts'

/** Removal and event of each factor of this feature. Factors of other features have their own pages. */
const removals: Readonly<
  Record<string, { kind: EventKind; remove(context: Context, sub: string): Promise<unknown> }>
> = {
  totp: { kind: 'totp_removed', remove: Totp.remove },
  sms: { kind: channels.sms.told.removed, remove: channels.sms.records.take },
  email: { kind: channels.email.told.removed, remove: channels.email.records.take },
}

const noticeOf = (word: string | undefined): Said | undefined =>
  word !== undefined && Object.hasOwn(doneMessages, word)
    ? say(doneMessages[word as keyof typeof doneMessages])
    : undefined

/** Whether the second step is on: at each sign-in, or for what needs a passkey. */
const stateOf = (ready: readonly SecondFactor[], user: User, context: Context): MessageKey =>
  ready.length === 0
    ? 'second_factor.off'
    : askedFactors(ready, user, context).length > 0
      ? 'second_factor.on'
      : 'second_factor.on_passkey'

async function show(
  context: Context,
  factorPage: FactorPage,
  csrfOfRecovery: string,
  status = 200,
  notice: { done?: Said | undefined; problem?: Said | undefined } = {},
): Promise<Reply> {
  const ready = await readyFactors(factorPage.user, context)
  const allowed = allowedFactors(context)
  const entries = context.table.secondFactors
    .filter((factor) => allowed.includes(factor) || ready.includes(factor))
    .filter(({ standIn, accountPath }) => !standIn && accountPath !== undefined)
    .map((factor) => entryOf(factor, ready.includes(factor), factorPage))
  const recovery = allowed.some(({ name }) => name === 'recovery')
  return factorPage.show(status, {
    title: say('second_factor.title'),
    text: say(stateOf(ready, factorPage.user, context)),
    notice,
    main: [
      factorList({
        entries: [
          ...entries,
          ...(recovery && ready.length > 0 ? [await recoveryEntry(context, factorPage, csrfOfRecovery)] : []),
          ...(ready.length > 0 && settingsOf(context.config).trustedDeviceTtl > 0
            ? [devicesEntry(factorPage)]
            : []),
        ],
      }),
    ],
  })
}

const entryOf = (
  { name, label, icon, accountPath }: SecondFactor,
  isSetUp: boolean,
  factorPage: FactorPage,
): Html => {
  const change: MessageKey = isSetUp ? 'second_factor.change' : 'second_factor.set_up'
  const mine = Object.hasOwn(removals, name)
  const about = `factor_${name}`
  return factorEntry({
    id: about,
    icon,
    name: say(label),
    text: say(isSetUp ? 'second_factor.is_set_up' : 'second_factor.not_set_up'),
    actions: [
      choiceAbout({ path: factorPage.pathTo(accountPath!), label: say(change), about }),
      ...(mine && isSetUp
        ? [
            removeFormOf({
              action: factorPage.action,
              hidden: { ...factorPage.hidden, factor: name },
              about,
              label: say('second_factor.remove'),
            }),
          ]
        : []),
    ],
  })
}

const codesLeft = async (context: Context, { sub }: User): Promise<number> =>
  (await RecoveryCodes.find(context, sub))?.hashes.length ?? 0

async function recoveryEntry(context: Context, factorPage: FactorPage, csrf_token: string): Promise<Html> {
  const left = await codesLeft(context, factorPage.user)
  return factorEntry({
    id: 'recovery_codes',
    icon: 'life-buoy',
    name: say('second_factor.recovery_name'),
    text: left > 0 ? say('second_factor.recovery_left', { n: left }) : say('second_factor.recovery_none'),
    actions: buttonFormOf({
      action: factorPage.pathTo(recoveryPath),
      hidden: { csrf_token },
      name: 'make',
      label: say('second_factor.recovery_make'),
    }),
  })
}

const devicesEntry = (factorPage: FactorPage): Html =>
  factorEntry({
    id: 'trusted_devices',
    icon: 'monitor-smartphone',
    name: say('second_factor.devices'),
    text: say('second_factor.devices_text'),
    actions: buttonFormOf({
      action: factorPage.action,
      hidden: factorPage.hidden,
      name: 'forget_devices',
      label: say('second_factor.devices_forget'),
    }),
  })

export const factorsPage = defineEndpoint({
  name: 'account_factors',
  path: factorsPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(factorsPath, (call, context, person) => {
    const factorPage = accountFactorPage(call, context, factorsPath, person)
    const { csrf } = accountForm(call, context, person.session, recoveryPath)
    return show(context, factorPage, csrf, 200, { done: noticeOf(query(call, context).done) })
  }),
  form: factorAccountForm(factorsPath),
  async post(call, context, { factorPage, fields, session }) {
    if (fields.forget_devices !== undefined) {
      await factorsChanged(call, context, factorPage.user, { kind: 'devices_forgotten' })
      return redirectWithin(`${factorPage.pathTo(factorsPath)}?done=devices_forgotten`)
    }
    const problem = await remove(call, context, factorPage.user, fields.factor ?? '')
    const { csrf } = accountForm(call, context, session, recoveryPath)
    return problem
      ? show(context, factorPage, csrf, 409, { problem })
      : redirectWithin(`${factorPage.pathTo(factorsPath)}?done=removed`)
  },
})

/** The reason against the removal; undefined if the factor was removed. */
async function remove(call: Call, context: Context, user: User, name: string): Promise<Said | undefined> {
  const removal = Object.hasOwn(removals, name) ? removals[name] : undefined
  if (!removal) return say('second_factor.not_set_up')
  if (await isLastNeeded(user, name, context)) return say('second_factor.last_needed')
  await changeFactors(call, context, user, { kind: removal.kind }, async () =>
    Boolean(await removal.remove(context, user.sub)),
  )
  await dropStandIns(user, context)
  return undefined
}

export const factorsSection: AccountSection = {
  name: 'factors',
  path: factorsPath,
  title: 'second_factor.title',
  order: 30,
  icon: 'shield-check',
  async summary(context, { user }) {
    const ready = await readyFactors(user, context)
    return say(ready.length === 0 ? 'second_factor.not_set_up' : stateOf(ready, user, context))
  },
  attention: async (context, { user }) => advice(context, user),
}

/** So few are left that new ones are due. */
const fewCodes = 3

/** No second factor, or few codes for the day on which it is lost. */
async function advice(context: Context, user: User): Promise<Attention[]> {
  const allowed = allowedFactors(context)
  if (allowed.length === 0) return []
  const kind = 'advice'
  if ((await readyFactors(user, context)).length === 0)
    return [{ kind, text: say('second_factor.off'), action: say('second_factor.set_up_title') }]
  if (!allowed.some(({ name }) => name === 'recovery')) return []
  const n = await codesLeft(context, user)
  if (n > fewCodes) return []
  const text = n === 0 ? say('second_factor.recovery_none') : say('second_factor.recovery_left', { n })
  return [{ kind, text, action: say('second_factor.recovery_make') }]
}
