/** A passkey after a password: one of that person, and of nobody else. https://www.w3.org/TR/webauthn-3/#sctn-usecase-authentication */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { allowedFactors, mustHaveFactor, readyFactors } from '../../flow/second_factors.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { formTarget } from '../../http/headers.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { Html } from '../../html/view.ts'
import { type MessageKey, say } from '../../lib/say.ts'
import type { User } from '../../models/user.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { type Place, requestOptions } from './ceremony.ts'
import { ceremonyView, linkBelow, stepPage } from './pages.ts'
import { Passkey } from './records.ts'
import { ceremonyForm } from './sign_in.ts'
import { accountPath, enrolPath, secondFactorPath } from './paths.ts'
import { passkeyAmr, usePasskey } from './use.ts'

const purpose = secondFactorPath.slice(1)

export const secondFactor: SecondFactor = {
  name: 'passkey',
  order: 10,
  label: 'passkeys.factor',
  acr: 'phr',
  isSetUp: async (context, user) =>
    (await countsAsFactor(user, context)) && (await Passkey.listOf(context, user.sub)).length > 0,
  path: secondFactorPath,
  enrolPath,
  accountPath,
}

/**
 * A passkey is made to sign in faster, and may be on another device: having one does not make a password too little. It
 * counts beside a password for whoever must have a second factor, or has set up one of another kind.
 */
async function countsAsFactor(user: User, context: Context): Promise<boolean> {
  if (mustHaveFactor(user, context)) return true
  const others = allowedFactors(context).filter(({ name, standIn }) => name !== secondFactor.name && !standIn)
  const set = await Promise.all(others.map((factor) => factor.isSetUp(context, user)))
  return set.includes(true)
}

const placeOf = ({ open, user }: StepNeeded): Place => ({
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
  async get(call, context) {
    const progress = await stepOfPage(call, context)
    return 'reply' in progress ? progress.reply : show(call, context, progress)
  },
  form: stepForm(purpose),
  async post(call, context, { fields, ...progress }) {
    const user = await usePasskey(call, context, placeOf(progress), fields.credential ?? '')
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
  const options = await requestOptions(context, placeOf(progress), await Passkey.listOf(context, user.sub))
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

/** To the page of choices where there is one; to set up another kind for whom a passkey is no second factor by itself. */
async function otherWays(context: Context, { open, user }: StepNeeded): Promise<Html[]> {
  const ready = await readyFactors(user, context)
  const counts = ready.some(({ name }) => name === secondFactor.name)
  if (counts && ready.length === 1) return []
  const wanted = counts ? 'second_factor' : 'second_factor_set_up'
  const choices = context.table.endpoints.find(({ name }) => name === wanted)
  return choices ? [linkBelow({ path: `${context.basePath}${choices.path}?interaction=${open.handle}` })] : []
}
