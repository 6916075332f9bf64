/** The login step that registers a passkey after a password: as an offer from time to time, or because a second factor is required. https://www.w3.org/TR/webauthn-3/#sctn-usecase-registration */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { mayEnrol } from '../../flow/second_factors.ts'
import { isFresh } from '../../flow/signed_in_person.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { demandOf } from '../../flow/step_up.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../clients/find_client.ts'
import { cookieName, readCookie } from '../../http/cookie.ts'
import { formTarget } from '../../http/headers.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { currentSession } from '../../http/session.ts'
import { type MessageKey, say } from '../../lib/say.ts'
import type { LoginStepInput, LoginStep } from '../../contracts/feature.ts'
import { provenAt } from '../../models/session.ts'
import { creationOptions, type ChallengeBinding } from './ceremony.ts'
import { enrolPasskey } from './enrol.ts'
import { ceremonyView, otherWay, stepPage, supportedCookie } from './pages.ts'
import { enrolPath, secondFactorPath } from './paths.ts'
import { Passkey, DeclinedOffer } from './records.ts'
import { settings } from './settings.ts'
import { ceremonyForm } from './sign_in.ts'

const purpose = enrolPath.slice(1)

/** In a step-up, whether the session is too old to add a sign-in method. */
async function isStaleSession(call: Call, context: Context, sub: string): Promise<boolean> {
  const session = await currentSession(call, context)
  return session?.sub === sub && !isFresh(provenAt(session), context)
}

/** Whether all other steps are done: with only a password, no passkey may be added where a second factor is required. */
async function isLastStep(context: Context, state: LoginStepInput): Promise<boolean> {
  for (const step of context.table.loginSteps)
    if (step !== offer && (await step.path(context, state)) !== undefined) return false
  return true
}

/** After a password, if the browser supports passkeys, the account has none, and "Not now" was not chosen recently. */
export const offer: LoginStep = {
  name: 'passkey_offer',
  async path(context, state) {
    const { call, user, amr, provenAt: at } = state
    if (at !== undefined && !isFresh(at, context)) return undefined
    if (!amr.includes('pwd') || amr.includes('pop') || !settings(context).passkeyOffer) return undefined
    if (readCookie(call, cookieName(context.config, supportedCookie)) !== '1') return undefined
    if (await DeclinedOffer.exists(context, user.sub)) return undefined
    if ((await Passkey.listOf(context, user.sub)).length > 0) return undefined
    if (await isStaleSession(call, context, user.sub)) return undefined
    return (await isLastStep(context, state)) ? enrolPath : undefined
  },
}

/** Why a passkey may be added in this step: all other steps are done, or a second factor may be set up. */
async function reasonFor(call: Call, context: Context, progress: StepNeeded): Promise<Reason | undefined> {
  const { open, user, amr } = progress
  const clientId = open.interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(open.interaction, client)
  const { interaction } = open
  const state = { call, user, amr, client, demand, interaction, provenAt: interaction.pending?.proven_at }
  if ((await offer.path(context, state)) !== undefined) return 'offered'
  return (await mayEnrol(progress, context)) ? 'needed' : undefined
}

const bindingOf = ({ open, user }: StepNeeded): ChallengeBinding & { sub: string } => ({
  purpose: 'registration',
  at: { interaction: open.handle },
  sub: user.sub,
})

export const enrolment = defineEndpoint({
  name: 'passkey_enrolment',
  path: enrolPath,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'refused', // a challenge is answered once
  async get(call, context) {
    const progress = await stepOfPage(call, context)
    if ('reply' in progress) return progress.reply
    const reason = await reasonFor(call, context, progress)
    return (
      (await replyWithoutEnrolment(call, context, progress, reason)) ?? show(call, context, progress, reason!)
    )
  },
  form: stepForm(purpose),
  async post(call, context, { fields, ...progress }) {
    const reason = await reasonFor(call, context, progress)
    if (fields.later !== undefined) {
      if (reason === 'offered') await DeclinedOffer.record(context, progress.user.sub)
      return completeStep(call, context, progress)
    }
    const other = await replyWithoutEnrolment(call, context, progress, reason)
    if (other) return other
    const problem = await enrolPasskey(
      call,
      context,
      bindingOf(progress),
      progress.user,
      fields.credential ?? '',
    )
    // A registration adds nothing to `amr`: if a second factor is required, the next step uses the passkey.
    return problem === undefined
      ? completeStep(call, context, progress)
      : show(call, context, progress, reason!, problem)
  },
})

const completeStep = (call: Call, context: Context, progress: StepNeeded): Promise<Reply> =>
  signIn(call, context, progress, { user: progress.user, amr: progress.amr })

/** The reply if no passkey may be added on this page; undefined only with a `reason`. */
async function replyWithoutEnrolment(
  call: Call,
  context: Context,
  progress: StepNeeded,
  reason: Reason | undefined,
): Promise<Reply | undefined> {
  // The page of choices does not list a passkey that does not count as a second factor by itself. It is used here instead.
  if (!progress.amr.includes('pop') && (await Passkey.listOf(context, progress.user.sub)).length > 0)
    return redirectWithin(`${context.basePath}${secondFactorPath}?interaction=${progress.open.handle}`)
  return reason === undefined ? completeStep(call, context, progress) : undefined
}

/** If a second factor is required, the page neither calls it an offer nor has "Not now". */
const words = {
  offered: { title: 'passkeys.offer_title', other: 'passkeys.later' },
  needed: { title: 'passkeys.add', other: 'passkeys.other_ways' },
} as const
type Reason = keyof typeof words

async function show(
  call: Call,
  context: Context,
  progress: StepNeeded,
  reason: Reason,
  problem?: MessageKey,
): Promise<Reply> {
  const { open, user } = progress
  const form = ceremonyForm(call, context, purpose, open.handle)
  const html = stepPage({
    title: words[reason].title,
    text: 'passkeys.about',
    problem,
    ceremony: ceremonyView(context, {
      ceremony: 'create',
      form,
      label: say('passkeys.make'),
      options: await creationOptions(context, bindingOf(progress), user),
    }),
    other: otherWay(form, words[reason].other),
  })
  const redirect = open.interaction.params?.redirect_uri
  return {
    ...page(problem ? 400 : 200, html),
    formTargets: redirect === undefined ? [] : formTarget(redirect),
  }
}
