/** The pages of recovery codes: one instead of another factor at sign-in, and a new set on the account. */
import { withFactor } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { readyFactors, twoFactors } from '../../flow/second_factors.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import { redirectWithin } from '../../http/reply.ts'
import { say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { challengeEndpoint } from './challenge.ts'
import { accountPlace, accountPlaceForm } from './place.ts'
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
  async spend(call, context, place, code) {
    const left = await RecoveryCodes.spend(context, place.user.sub, code)
    if (left === undefined) return undefined
    await tellOwner(call, context, place.user, { kind: 'recovery_code_used', detail: `${left}` })
    return (amr) => withFactor(amr, 'otp')
  },
})

/** As `RecoveryCodes.make` writes them: what comes back from our own page for the file. */
const written = /^(?:[a-z2-7]{4}-){5}[a-z2-7]{4}$/

const findPlace = accountPlace(accountPath)

/** The set is shown in the answer that makes it and kept nowhere, so there is no page to go back to. */
const account = defineEndpoint({
  name: 'account_recovery_codes',
  path: accountPath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const placed = await findPlace(call, context)
    return 'reply' in placed ? placed.reply : redirectWithin(placed.place.at(factorsPath))
  },
  form: accountPlaceForm(accountPath),
  async post(call, context, { place, fields }) {
    const back = place.at(factorsPath)
    if (fields.download !== undefined) return file(fields.codes ?? '', context.looks.brand.name)
    if (!(await readyFactors(place.user, context)).some(({ standIn }) => !standIn))
      return redirectWithin(back)
    const codes = await RecoveryCodes.make(context, place.user.sub)
    await tellOwner(call, context, place.user, { kind: 'recovery_codes_made' })
    return place.show(200, {
      title: say('second_factor.recovery_new'),
      main: [
        recoveryCodesView({
          codes,
          action: place.action,
          hidden: { ...place.hidden, codes: codes.join(' ') },
          back,
        }),
      ],
    })
  },
})

/** The codes that the page has just shown, as a file: sent back by it, for this server does not know them any more. */
function file(text: string, brand: string) {
  const codes = text.split(' ')
  if (codes.length !== setSize || !codes.every((code) => written.test(code)))
    throw new OAuthError('invalid_request', {
      rule: 'RFC 9110 §15.5.1',
      expected: 'recovery codes that this provider made',
      problem: 'these are no recovery codes of ours',
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
}
