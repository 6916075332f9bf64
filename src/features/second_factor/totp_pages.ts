/** The pages of the authenticator app: a code at sign-in, and the set-up at sign-in or at /account. */
import { withFactor } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { type Answer, defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { twoFactors } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Reply } from '../../contracts/reply.ts'
import { pictureHeaders } from '../../html/assets.ts'
import { FactorGeneration } from '../../models/factor_generation.ts'
import { changeAndTell } from '../../people/tell_owner.ts'
import type { User } from '../../models/user.ts'
import { type Said, say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { challengeEndpoint } from './challenge.ts'
import {
  findFactorAccountPage,
  factorAccountForm,
  type FindPage,
  findEnrolmentPage,
  enrolmentPageForm,
  type FactorPage,
  type FoundPage,
  requireOffered,
} from './factor_page.ts'
import { toCodes, withFirstCodes } from './recovery_pages.ts'
import { keyUri, qrCode, Totp } from './totp.ts'
import { codeFormOf, seedView } from './views.ts'
import { factorsPath } from './words.ts'

const challengePath = '/second-factor/totp'
const enrolPath = '/second-factor/totp/set-up'
const accountPath = `${factorsPath}/totp`
const imageOf = (path: string) => `${path}/qr`

const challenge = challengeEndpoint({
  name: 'second_factor_totp',
  path: challengePath,
  title: 'second_factor.totp_title',
  text: 'second_factor.totp_text',
  label: 'second_factor.code',
  async spend(_, context, factorPage, code) {
    return (await Totp.spend(context, factorPage.user.sub, code))
      ? (amr) => withFactor(amr, 'otp')
      : undefined
  },
})

/** What the QR code says, and what a link opens an app with. */
const uriOf = (context: Context, { username }: User, seed: string): Promise<string> =>
  keyUri(context.looks.brand.name, username, seed)

async function showSeed(context: Context, factorPage: FactorPage, path: string, status = 200, error?: Said) {
  const seed = await Totp.begin(context, factorPage.owner, factorPage.user.sub)
  const uri = await uriOf(context, factorPage.user, seed)
  return factorPage.show(status, {
    title: say('second_factor.totp_set_up'),
    main: [
      seedView(factorPage.pathTo(imageOf(path)), uri, seed),
      codeFormOf({
        action: factorPage.action,
        hidden: factorPage.hidden,
        label: 'second_factor.code',
        error,
      }),
    ],
  })
}

const showSetUp =
  (path: string, find: FindPage): Answer =>
  async (call, context) => {
    requireOffered(context, totpFactor.name)
    const found = await find(call, context)
    return 'reply' in found ? found.reply : showSeed(context, found.factorPage, path)
  }

async function setUp(
  call: Call,
  context: Context,
  path: string,
  { factorPage, fields }: FoundPage & Submitted,
): Promise<Reply> {
  requireOffered(context, totpFactor.name)
  const { owner, replaces, user } = factorPage
  let seed: string | undefined
  await changeAndTell(call, context, user, { kind: 'totp_added' }, async () => {
    const { code = '' } = fields
    if (!(await Totp.isProven(context, { owner, sub: user.sub }, code))) return false
    await FactorGeneration.renew(context, context.random, user.sub) // first: no trust in a device outlives the change
    seed = await Totp.confirm(context, { owner, replaces, sub: user.sub }, code)
    return seed !== undefined
  })
  // The seed stays on the page until all is done, so that a form that stopped halfway can be sent again.
  if (seed === undefined)
    return showSeed(context, factorPage, path, 400, say('second_factor.totp_unconfirmed'))
  const isFirst = await Totp.endEnrolment(context, owner, seed)
  const reply = await factorPage.finish('totp_added', (amr) => withFactor(amr, 'otp'))
  return isFirst ? withFirstCodes(call, context, factorPage, reply) : toCodes(context, factorPage, reply)
}

/** The QR code of the seed on the page. The seed depends on the session or interaction, so the URL reveals nothing. */
const image =
  (find: FindPage): Answer =>
  async (call, context) => {
    const found = await find(call, context)
    if ('reply' in found) return found.reply
    const { owner, user } = found.factorPage
    const seed = await Totp.begin(context, owner, user.sub)
    return {
      status: 200,
      body: await qrCode(await uriOf(context, user, seed)),
      headers: {
        'content-type': 'image/svg+xml; charset=utf-8',
        'cache-control': 'no-store',
        ...pictureHeaders,
        'cross-origin-resource-policy': 'same-origin',
      },
    }
  }

const shared = { advertised: false, limited: true, page: true } as const

export const totpEndpoints = [
  challenge,
  defineEndpoint({
    ...shared,
    name: 'totp_set_up',
    path: enrolPath,
    get: showSetUp(enrolPath, findEnrolmentPage(enrolPath)),
    form: enrolmentPageForm(enrolPath),
    post: (call, context, found) => setUp(call, context, enrolPath, found),
  }),
  defineEndpoint({
    ...shared,
    name: 'totp_set_up_image',
    path: imageOf(enrolPath),
    get: image(findEnrolmentPage(enrolPath)),
  }),
  defineEndpoint({
    ...shared,
    name: 'account_totp',
    path: accountPath,
    get: showSetUp(accountPath, findFactorAccountPage(accountPath)),
    form: factorAccountForm(accountPath),
    post: (call, context, found) => setUp(call, context, accountPath, found),
  }),
  defineEndpoint({
    ...shared,
    name: 'account_totp_image',
    path: imageOf(accountPath),
    get: image(findFactorAccountPage(accountPath)),
  }),
]

export const totpFactor: SecondFactor = {
  name: 'totp',
  order: 20,
  label: 'second_factor.totp_name',
  icon: 'smartphone',
  acr: twoFactors,
  isSetUp: async (context, { sub }) => (await Totp.find(context, sub)) !== undefined,
  path: challengePath,
  enrolPath,
  accountPath,
}
