/** The pages of recovery codes: use of a code at sign-in, and a new set at /account. */
import { withFactor } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { readyFactors, twoFactors } from '../../flow/second_factors.ts'
import { tellAndChange, tellOwner } from '../../people/tell_owner.ts'
import { redirectWithin } from '../../http/reply.ts'
import { say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { challengeEndpoint } from './challenge.ts'
import { findFactorAccountPage, factorAccountForm } from './factor_page.ts'
import { RecoveryCodes, setSize } from './recovery.ts'
import { recoveryCodesView } from './views.ts'
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

/** The codes are shown only in the response to the POST, because only their hashes are stored. A GET redirects. */
const account = defineEndpoint({
  name: 'account_recovery_codes',
  path: accountPath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const found = await findPage(call, context)
    return 'reply' in found ? found.reply : redirectWithin(found.factorPage.pathTo(factorsPath))
  },
  form: factorAccountForm(accountPath),
  async post(call, context, { factorPage, fields }) {
    const back = factorPage.pathTo(factorsPath)
    if (fields.download !== undefined) return file(fields.codes ?? '', context.looks.brand.name)
    if (!(await readyFactors(factorPage.user, context)).some(({ standIn }) => !standIn))
      return redirectWithin(back)
    const { user } = factorPage
    // The owner is told first: codes of before are gone once the new ones are stored, also when no page shows these.
    const codes = await tellAndChange(call, context, user, { kind: 'recovery_codes_made' }, () =>
      RecoveryCodes.make(context, user.sub),
    )
    return factorPage.show(200, {
      title: say('second_factor.recovery_new'),
      main: [
        recoveryCodesView({
          codes,
          action: factorPage.action,
          hidden: { ...factorPage.hidden, codes: codes.join(' ') },
          back,
        }),
      ],
    })
  },
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

export const recoveryEndpoints = [challenge, account]

export const recoveryFactor: SecondFactor = {
  name: 'recovery',
  order: 90,
  label: 'second_factor.recovery_name',
  acr: twoFactors,
  standIn: true,
  isSetUp: async (context, { sub }) => ((await RecoveryCodes.find(context, sub))?.hashes.length ?? 0) > 0,
  path: challengePath,
  forget: RecoveryCodes.remove,
}
