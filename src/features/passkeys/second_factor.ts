/** A passkey as second factor: only a passkey of the account that passed the first factor. https://www.w3.org/TR/webauthn-3/#sctn-usecase-authentication */
import type { Context } from '../../contracts/context.ts'
import { shownPerson } from '../../people/shown_person.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { otherAccountPath } from '../../flow/interaction_page.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { formTarget } from '../../http/headers.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { signingInAs } from '../../html/page_parts.ts'
import type { Html } from '../../html/view.ts'
import { type MessageKey, say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { type ChallengeBinding, requestOptions } from './ceremony.ts'
import { lossAddress } from './loss.ts'
import { ceremonyView, linkBelow, lostLink, stepPage } from './pages.ts'
import { factorName } from './count.ts'
import { Passkey } from './records.ts'
import { ceremonyForm } from './sign_in.ts'
import { accountPath, enrolPath, lostPath, secondFactorPath } from './paths.ts'
import { passkeyAmr, usePasskey } from './use.ts'

const purpose = secondFactorPath.slice(1)

export const secondFactor: SecondFactor = {
  name: factorName,
  order: 10,
  label: 'passkeys.factor',
  icon: 'fingerprint-pattern',
  acr: 'phr',
  // A passkey may be on another device, so having one does not by itself demand it after a password.
  signsIn: true,
  isSetUp: async (context, { sub }) => (await Passkey.listOf(context, sub)).length > 0,
  path: secondFactorPath,
  enrolPath,
  accountPath,
}

const bindingOf = ({ open, user }: StepNeeded): ChallengeBinding => ({
  purpose: 'second_factor',
  at: { interaction: open.handle },
  sub: user.sub,
})

export const secondFactorPage = defineEndpoint({
  name: 'passkey_second_factor',
  path: `/${purpose}`,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'refused', // a challenge is answered once
  async get(call, context) {
    const progress = await stepOfPage(call, context)
    return 'reply' in progress ? progress.reply : show(call, context, progress)
  },
  form: stepForm(purpose),
  async post(call, context, { fields, ...progress }) {
    const user = await usePasskey(call, context, bindingOf(progress), fields.credential ?? '')
    if (!user) return show(call, context, progress, 'passkeys.refused')
    return signIn(call, context, progress, { user, amr: [...new Set([...progress.amr, ...passkeyAmr])] })
  },
})

async function show(
  call: Call,
  context: Context,
  progress: StepNeeded,
  problem?: MessageKey,
): Promise<Reply> {
  const { open, user } = progress
  const options = await requestOptions(context, bindingOf(progress), await Passkey.listOf(context, user.sub))
  const html = stepPage({
    title: 'passkeys.factor_title',
    text: 'passkeys.factor_text',
    problem,
    ceremony: ceremonyView(context, {
      ceremony: 'get',
      form: ceremonyForm(call, context, purpose, open.handle),
      label: say('passkeys.use'),
      options,
    }),
    other: await otherWays(context, progress),
  })
  const redirect = open.interaction.params?.redirect_uri
  return {
    ...page(problem ? 401 : 200, html),
    formTargets: redirect === undefined ? [] : formTarget(redirect),
  }
}

/** Links to the page of choices (other second factors, and the way on without one), and to the way back without a passkey. */
async function otherWays(context: Context, { open, user }: StepNeeded): Promise<Html[]> {
  const choices = context.table.endpoints.find(({ name }) => name === 'second_factor')
  const isOffered = (await lossAddress(context, user)) !== undefined
  return [
    signingInAs(shownPerson(user, context), otherAccountPath(context, open.handle)),
    ...(choices
      ? [linkBelow({ path: `${context.basePath}${choices.path}?interaction=${open.handle}` })]
      : []),
    ...(isOffered ? [lostLink({ path: `${context.basePath}${lostPath}` })] : []),
  ]
}
