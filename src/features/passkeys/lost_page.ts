/** /account/passkeys/lost: a fresh sign-in with the password asks for a code by mail, and with it removes all passkeys later. */
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { freshlySignedIn, pageOfPerson, type SignedInPerson } from '../../flow/signed_in_person.ts'
import { changeFactors, dropStandIns } from '../../flow/second_factors.ts'
import { accountPage } from '../../flow/account_page.ts'
import { buttonForm, paragraph } from '../../html/account_parts.ts'
import { formField } from '../../html/form_field.ts'
import type { Html } from '../../html/view.ts'
import type { Call } from '../../contracts/call.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { seconds } from '../../lib/clock.ts'
import { say } from '../../lib/say.ts'
import { greeting, languageOfUser, notYou, sendMail } from '../../people/mail.ts'
import { countTry } from '../../people/rate_limit.ts'
import { isHalfDone, tellOwner } from '../../people/tell_owner.ts'
import { toList } from './account.ts'
import { lossAddress, PasskeyLoss } from './loss.ts'
import { lostCode } from './pages.ts'
import { accountPath, lostPath } from './paths.ts'
import { Passkey } from './records.ts'
import { settings } from './settings.ts'
import { provenEmail } from '../../models/user.ts'

const purpose = 'lost passkeys'
const day = 86_400
/** Requests of an account in a day, and wrong codes. */
const limits = { begin: 3, code: 20 }

export const lostPage = defineEndpoint({
  name: 'account_passkeys_lost',
  path: lostPath,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'known', // a code that is used would count as a wrong one
  get: pageOfPerson(lostPath, (call, context, person) => show(call, context, person), freshlySignedIn),
  form: signedInForm(lostPath, purpose, freshlySignedIn),
  async post(call, context, person) {
    const { fields, user } = person
    if (fields.remove !== undefined) return remove(call, context, person)
    if (fields.stop !== undefined) {
      if (await PasskeyLoss.end(context, user.sub))
        await tellOwner(call, context, user, { kind: 'passkey_loss_stopped' })
      return redirectWithin(`${context.basePath}${accountPath}`)
    }
    const to = await lossAddress(context, user)
    if (to !== undefined) await begin(call, context, person, to)
    return redirectWithin(`${context.basePath}${lostPath}`)
  },
})

/** Tells the owner before anything is kept, then mails the code. */
async function begin(call: Call, context: Context, { user }: SignedInPerson, to: string): Promise<void> {
  if (await PasskeyLoss.find(context, user.sub)) return
  await countTry(context, 'passkey_loss', user.sub, limits.begin, day, { sub: user.sub })
  await tellOwner(call, context, user, { kind: 'passkey_loss_asked' })
  const code = await PasskeyLoss.begin(context, user.sub, to)
  const pending = code && (await PasskeyLoss.find(context, user.sub))
  if (!code || !pending) return
  await sendMail(context, {
    to,
    language: languageOfUser(user, context),
    subject: say('passkeys.lost_mail_subject'),
    lines: [greeting(user, to), say('passkeys.lost_mail_text', { at: new Date(pending.due * 1000) })],
    code,
    link: { url: `${context.config.issuer}${lostPath}`, label: say('passkeys.lost_title') },
    ...notYou(context),
  })
}

async function remove(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { user, fields } = person
  const to = provenEmail(user)
  const isRepetition = await isHalfDone(context, user.sub, 'passkeys_removed')
  const isOffered = isRepetition || (await lossAddress(context, user)) !== undefined
  const isValid =
    isOffered && to !== undefined && (await PasskeyLoss.use(context, user.sub, to, fields.code ?? ''))
  // After a removal that stopped before the owner was told, the code is gone, and so are the passkeys.
  const isDone = isRepetition && (await Passkey.listOf(context, user.sub)).length === 0
  if (!isValid && !isDone) {
    await countTry(context, 'passkey_loss_code', user.sub, limits.code, day, { sub: user.sub })
    return show(call, context, person, true)
  }
  await changeFactors(call, context, user, { kind: 'passkeys_removed' }, async () => {
    if (!isValid) return false
    await Passkey.forgetUser(context, user.sub)
    await PasskeyLoss.end(context, user.sub)
    return true
  })
  await dropStandIns(user, context)
  return toList(context, 'removed')
}

async function show(call: Call, context: Context, person: SignedInPerson, isWrong = false): Promise<Reply> {
  const { user, session } = person
  const [email, pending] = await Promise.all([
    lossAddress(context, user),
    PasskeyLoss.find(context, user.sub),
  ])
  if (email === undefined) return redirectWithin(`${context.basePath}${accountPath}`)
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const action = `${context.basePath}${lostPath}`
  const waited = pending && pending.due <= seconds(context.clock)
  const stop = buttonForm({ action, csrf, name: 'stop', text: say('passkeys.lost_stop') })
  const main: Html[] = !pending
    ? [
        paragraph({
          text: say('passkeys.lost_text', { email, n: Math.ceil(settings(context).passkeyLossWait / day) }),
        }),
        buttonForm({ action, csrf, name: 'begin', text: say('second_factor.send'), kind: 'primary' }),
      ]
    : [
        paragraph({ text: say('passkeys.lost_pending', { email, at: new Date(pending.due * 1000) }) }),
        ...(waited
          ? [
              lostCode({
                action,
                csrf,
                field: formField({
                  name: 'code',
                  label: say('second_factor.code'),
                  autocomplete: 'off',
                  required: true,
                  problem: isWrong ? say('passkeys.lost_wrong') : undefined,
                }),
              }),
            ]
          : []),
        stop,
      ]
  const html = accountPage(context, { current: accountPath, title: say('passkeys.lost_title'), main })
  return { ...page(isWrong ? 400 : 200, html), cookies }
}
