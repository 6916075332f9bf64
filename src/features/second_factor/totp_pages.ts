/** The pages of the authenticator app: a code at sign-in, and setting it up at sign-in or on the account. */
import { withFactor } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { type Answer, defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { factorsChanged, twoFactors } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Reply } from '../../contracts/reply.ts'
import { type Said, say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { challengeEndpoint } from './challenge.ts'
import {
  accountPlace,
  accountPlaceForm,
  type FindPlace,
  halfEnrolment,
  halfEnrolmentForm,
  type Place,
  type Placed,
  requireOffered,
} from './place.ts'
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
  async spend(_, context, place, code) {
    return (await Totp.spend(context, place.user.sub, code)) ? (amr) => withFactor(amr, 'otp') : undefined
  },
})

async function showSeed(context: Context, place: Place, path: string, status = 200, error?: Said) {
  const seed = await Totp.begin(context, place.owner, place.user.sub)
  return place.show(status, {
    title: say('second_factor.totp_set_up'),
    main: [
      seedView(place.at(imageOf(path)), seed),
      codeFormOf({ action: place.action, hidden: place.hidden, label: 'second_factor.code', error }),
    ],
  })
}

const showSetUp =
  (path: string, find: FindPlace): Answer =>
  async (call, context) => {
    requireOffered(context, totpFactor.name)
    const placed = await find(call, context)
    return 'reply' in placed ? placed.reply : showSeed(context, placed.place, path)
  }

async function setUp(
  call: Call,
  context: Context,
  path: string,
  { place, fields }: Placed & Submitted,
): Promise<Reply> {
  requireOffered(context, totpFactor.name)
  const { owner, replaces, user } = place
  if (!(await Totp.confirm(context, { owner, replaces, sub: user.sub }, fields.code ?? '')))
    return showSeed(context, place, path, 400, say('second_factor.totp_unconfirmed'))
  await factorsChanged(call, context, place.user, { kind: 'totp_added' })
  return place.finish('totp_added', (amr) => withFactor(amr, 'otp'))
}

/** The same seed as on the page, for the same person in the same place: an address that tells nobody else anything. */
const image =
  (find: FindPlace): Answer =>
  async (call, context) => {
    const placed = await find(call, context)
    if ('reply' in placed) return placed.reply
    const { owner, user } = placed.place
    const seed = await Totp.begin(context, owner, user.sub)
    return {
      status: 200,
      body: await qrCode(await keyUri(context.looks.brand.name, user.username, seed)),
      headers: {
        'content-type': 'image/svg+xml',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'",
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
    get: showSetUp(enrolPath, halfEnrolment(enrolPath)),
    form: halfEnrolmentForm(enrolPath),
    post: (call, context, placed) => setUp(call, context, enrolPath, placed),
  }),
  defineEndpoint({
    ...shared,
    name: 'totp_set_up_image',
    path: imageOf(enrolPath),
    get: image(halfEnrolment(enrolPath)),
  }),
  defineEndpoint({
    ...shared,
    name: 'account_totp',
    path: accountPath,
    get: showSetUp(accountPath, accountPlace(accountPath)),
    form: accountPlaceForm(accountPath),
    post: (call, context, placed) => setUp(call, context, accountPath, placed),
  }),
  defineEndpoint({
    ...shared,
    name: 'account_totp_image',
    path: imageOf(accountPath),
    get: image(accountPlace(accountPath)),
  }),
]

export const totpFactor: SecondFactor = {
  name: 'totp',
  order: 20,
  label: 'second_factor.totp_name',
  acr: twoFactors,
  isSetUp: async (context, { sub }) => (await Totp.find(context, sub)) !== undefined,
  path: challengePath,
  enrolPath,
  accountPath,
}
