/** The page that asks for a code of any factor: counts the try, uses the code up, and continues the sign-in. */
import { note } from '../../models/audit/note.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Endpoint, type Submitted } from '../../contracts/endpoint.ts'
import { signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { type MessageKey, type Said, say } from '../../lib/say.ts'
import { refusalFields } from '../../http/error_reply.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { findStepPage, stepPageForm, type FoundStepPage, type FactorPage, tooMany } from './factor_page.ts'
import { choicePath } from './policy.ts'
import { settingsOf } from './settings.ts'
import { countFactorTry, forgetFactorTries } from './tries.ts'
import { codeFormOf } from './views.ts'

const day = 86_400

/** Adds the values of the factor to the `amr` so far. */
export type AddToAmr = (amr: readonly string[]) => string[]

export interface Challenge {
  name: string
  path: string
  title: MessageKey
  text: MessageKey
  label: MessageKey
  letters?: true
  /** Undefined for a code that is wrong or was used before. */
  spend(call: Call, context: Context, factorPage: FactorPage, code: string): Promise<AddToAmr | undefined>
}

/** Days for which a device may be trusted; undefined if that is not offered. */
export const trustDays = (context: Context): number | undefined =>
  Math.ceil(settingsOf(context.config).trustedDeviceTtl / day) || undefined

/** Checks the code in `fields`: continues the sign-in, or shows the page with the error. */
export async function answerCode(
  call: Call,
  context: Context,
  { factorPage, fields, progress }: FoundStepPage & Submitted,
  challenge: Pick<Challenge, 'spend'>,
  show: (status: number, error: Said) => Reply,
) {
  try {
    await countFactorTry(call, context, factorPage.user)
  } catch (error) {
    return tooMany(call, context, error, show)
  }
  const addToAmr = await challenge.spend(call, context, factorPage, fields.code ?? '')
  if (!addToAmr) {
    note(call, context, 'second_factor_failed', { sub: factorPage.user.sub }, refusalFields(call))
    return show(401, say('second_factor.wrong'))
  }
  await forgetFactorTries(call, context, factorPage.user)
  return signIn(call, context, progress, {
    user: factorPage.user,
    amr: addToAmr(progress.amr),
    trustDevice: trustDays(context) !== undefined && fields.trust_device === 'yes',
  })
}

export function challengeEndpoint(challenge: Challenge): Endpoint {
  const find = findStepPage(challenge.path)
  return defineEndpoint({
    name: challenge.name,
    path: challenge.path,
    advertised: false,
    limited: true,
    page: true,
    async get(call, context) {
      const found = await find(call, context)
      if ('reply' in found) return found.reply
      const { factorPage, ready } = found
      return ready
        ? showCode(context, challenge, factorPage, 200)
        : redirectWithin(factorPage.pathTo(choicePath))
    },
    form: stepPageForm(challenge.path),
    post(call, context, found) {
      const { factorPage, ready } = found
      if (!ready) return redirectWithin(factorPage.pathTo(choicePath))
      const show = (status: number, error: Said) => showCode(context, challenge, factorPage, status, error)
      return answerCode(call, context, found, challenge, show)
    },
  })
}

const showCode = (
  context: Context,
  { title, text, label, letters }: Challenge,
  { show, action, hidden }: FactorPage,
  status: number,
  error?: Said,
): Reply =>
  show(status, {
    title: say(title),
    text: say(text),
    main: [
      codeFormOf({
        action,
        hidden,
        label,
        letters: letters ?? false,
        error,
        trustDays: trustDays(context),
      }),
    ],
  })
