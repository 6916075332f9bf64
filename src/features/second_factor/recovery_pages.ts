/** The pages of recovery codes: use of a code at sign-in, and a new set at /account. */
import { withFactor } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import type { Reply } from '../../contracts/reply.ts'
import { allowedFactors, readyFactors, twoFactors } from '../../flow/second_factors.ts'
import { noteEvent, tellAndChange, tellOwner } from '../../people/tell_owner.ts'
import { browserOf, csrfToken, ownForm } from '../../http/csrf.ts'
import { redirectWithin } from '../../http/reply.ts'
import { type Said, say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { challengeEndpoint } from './challenge.ts'
import { factorAccountForm, type FactorPage, findFactorAccountPage, whileStored } from './factor_page.ts'
import { RecoveryCodes, setSize } from './recovery.ts'
import { buttonFormOf, recoveryCodesView } from './views.ts'
import { factorsPath } from './words.ts'

const challengePath = '/second-factor/recovery'
export const accountPath = `${factorsPath}/recovery`

const challenge = challengeEndpoint({
  name: 'second_factor_recovery',
  path: challengePath,
  title: 'second_factor.recovery_title',
  text: 'second_factor.recovery_text',
  label: 'second_factor.recovery_code',
  letters: true,
  async spend(call, context, factorPage, code) {
    const left = await RecoveryCodes.spend(context, factorPage.user.sub, code)
    if (left === undefined) return undefined
    await tellOwner(call, context, factorPage.user, { kind: 'recovery_code_used', detail: `${left}` })
    return (amr) => withFactor(amr, 'otp')
  },
})

/** The format of `RecoveryCodes.make`. */
const codePattern = /^(?:[a-z2-7]{4}-){5}[a-z2-7]{4}$/

const findPage = findFactorAccountPage(accountPath)

const isOffered = (context: Context): boolean =>
  allowedFactors(context).some(({ name }) => name === 'recovery')

/** How many codes are unused. */
const leftOf = async (context: Context, sub: string): Promise<number> =>
  (await RecoveryCodes.find(context, sub))?.hashes.length ?? 0

/** The page of codes that were just made: only their hashes are stored. `back` is the path that follows. */
const showCodes = (
  call: Call,
  context: Context,
  factorPage: FactorPage,
  view: { title: Said; text: Said; codes: readonly string[]; back: string },
): Reply =>
  factorPage.show(200, {
    title: view.title,
    main: [
      recoveryCodesView({
        ...view,
        action: `${context.basePath}${downloadPath}`,
        hidden: {
          csrf_token: csrfToken(context, browserOf(call, context) ?? '', downloadPurpose),
          codes: view.codes.join(' '),
        },
      }),
    ],
  })

/**
 * The codes of a set-up are shown once. In an account, a form that was sent twice leads to the page that makes new ones; in a
 * sign-in it goes on.
 */
const wayToCodes = (context: Context, { replaces, pathTo }: FactorPage, back: string): string =>
  replaces && isOffered(context) ? pathTo(accountPath) : back

/** For all but one of forms that were sent at once: another answer shows the codes. */
export function toCodes(context: Context, factorPage: FactorPage, reply: Reply): Reply {
  const { location } = reply.headers
  return location === undefined
    ? reply
    : redirectWithin(wayToCodes(context, factorPage, location), reply.cookies)
}

/** The set-up of a factor ends with recovery codes, unless there are some. They lead to where `reply` redirects. */
export async function withFirstCodes(
  call: Call,
  context: Context,
  factorPage: FactorPage,
  reply: Reply,
): Promise<Reply> {
  const { location: back, ...headers } = reply.headers
  const { sub } = factorPage.user
  if (back === undefined || !isOffered(context)) return reply
  const codes = await whileStored(async () => {
    if ((await leftOf(context, sub)) > 0) return undefined
    await noteEvent(call, context, sub, { kind: 'recovery_codes_made' }) // the owner is told of the factor
    return RecoveryCodes.make(context, sub)
  })
  if (codes === undefined) return reply
  const title = say('second_factor.recovery_yours')
  const text = say('second_factor.recovery_first')
  const shown = showCodes(call, context, factorPage, { title, text, codes, back })
  return {
    ...shown,
    again: wayToCodes(context, factorPage, back),
    headers: { ...headers, ...shown.headers },
    cookies: [...(reply.cookies ?? []), ...(shown.cookies ?? [])],
  }
}

/** The codes are shown only in the response to the POST. A GET, such as after a sign-in, offers to make them. */
const account = defineEndpoint({
  name: 'account_recovery_codes',
  path: accountPath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const found = await findPage(call, context)
    if ('reply' in found) return found.reply
    const { factorPage } = found
    if (!(await hasFactor(context, factorPage))) return redirectWithin(factorPage.pathTo(factorsPath))
    const left = await leftOf(context, factorPage.user.sub)
    return factorPage.show(200, {
      title: say('second_factor.recovery_name'),
      text: left > 0 ? say('second_factor.recovery_left', { n: left }) : say('second_factor.recovery_none'),
      main: [
        buttonFormOf({
          action: factorPage.action,
          hidden: factorPage.hidden,
          name: 'make',
          label: say('second_factor.recovery_make'),
          look: 'primary',
        }),
      ],
    })
  },
  form: factorAccountForm(accountPath),
  async post(call, context, { factorPage }) {
    const back = factorPage.pathTo(factorsPath)
    if (!(await hasFactor(context, factorPage))) return redirectWithin(back)
    const { user } = factorPage
    // The owner is told first: codes of before are gone once the new ones are stored, also when no page shows these.
    const codes = await tellAndChange(call, context, user, { kind: 'recovery_codes_made' }, () =>
      RecoveryCodes.make(context, user.sub),
    )
    const title = say('second_factor.recovery_new')
    return showCodes(call, context, factorPage, {
      title,
      text: say('second_factor.recovery_keep'),
      codes,
      back,
    })
  },
})

const hasFactor = async (context: Context, { user }: FactorPage): Promise<boolean> =>
  (await readyFactors(user, context)).some(({ standIn }) => !standIn)

const downloadPurpose = 'recovery_codes'
const downloadPath = '/second-factor/recovery/download'

/**
 * Sends the codes of the page back as a file. It reads nothing of an account, so it asks for no sign-in: the codes would be
 * lost behind one.
 */
const download = defineEndpoint({
  name: 'recovery_codes_download',
  path: downloadPath,
  advertised: false,
  limited: true,
  page: true,
  form: ownForm(downloadPurpose, () => factorsPath),
  post: (_call, context, { fields }) => file(fields.codes ?? '', context.looks.brand.name),
})

/** The codes as a file. The page sends them back, because only their hashes are stored. */
function file(text: string, brand: string) {
  const codes = text.split(' ')
  if (codes.length !== setSize || !codes.every((code) => codePattern.test(code)))
    throw new OAuthError('invalid_request', {
      rule: 'RFC 9110 §15.5.1',
      expected: 'recovery codes that this provider made',
      problem: 'these are not recovery codes of this provider',
    })
  return {
    status: 200,
    body: `${brand.replace(/[\r\n]/g, ' ')}\n\n${codes.join('\n')}\n`,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="recovery-codes.txt"',
      'cache-control': 'no-store',
    },
  }
}

export const recoveryEndpoints = [challenge, account, download]

export const recoveryFactor: SecondFactor = {
  name: 'recovery',
  order: 90,
  label: 'second_factor.recovery_name',
  icon: 'life-buoy',
  acr: twoFactors,
  standIn: true,
  isSetUp: async (context, { sub }) => ((await RecoveryCodes.find(context, sub))?.hashes.length ?? 0) > 0,
  path: challengePath,
  forget: RecoveryCodes.remove,
}
