/** The page between password and session on which a passkey is made: offered once in a while, or because there must be a second factor. https://www.w3.org/TR/webauthn-3/#sctn-usecase-registration */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { mayEnrol } from '../../flow/second_factors.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { demandOf } from '../../flow/step_up.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../http/client_authentication.ts'
import { cookieName, readCookie } from '../../http/cookie.ts'
import { formTarget } from '../../http/headers.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { currentSession } from '../../http/session.ts'
import { type MessageKey, say } from '../../lib/say.ts'
import type { LoginStepInput, LoginStep } from '../../contracts/feature.ts'
import { creationOptions, type Place } from './ceremony.ts'
import { enrolPasskey } from './enrol.ts'
import { ceremonyView, otherWay, stepPage } from './pages.ts'
import { enrolPath, secondFactorPath } from './paths.ts'
import { Passkey, Refusal } from './records.ts'
import { settings } from './settings.ts'
import { ceremonyForm } from './sign_in.ts'

const purpose = enrolPath.slice(1)

/** Set by the script of the sign-in page, so by no browser without JavaScript. Whoever forges it is merely asked. */
const ableCookie = 'passkey_able'

/** Seconds since the sign-in within which a way to sign in may be added, as at /account. OWASP ASVS 5.0 V7.5.1 */
const freshnessSeconds = 600

/** A session that is raised by one more factor, and that began too long ago to change who may sign in. */
async function ofLongAgo(call: Call, context: Context, sub: string): Promise<boolean> {
  const session = await currentSession(call, context)
  return session?.sub === sub && context.clock.now() - session.authenticated_at > freshnessSeconds * 1000
}

/** Everything but this offer is done: what a password alone opens must not be enough where more is asked for. */
async function nothingElseLeft(context: Context, state: LoginStepInput): Promise<boolean> {
  for (const step of context.table.loginSteps)
    if (step !== offer && (await step.path(context, state)) !== undefined) return false
  return true
}

/** After a password, where the browser can, to whoever has no passkey yet and has not said "Not now" lately. */
export const offer: LoginStep = {
  name: 'passkey_offer',
  async path(context, state) {
    const { call, user, amr } = state
    if (!amr.includes('pwd') || amr.includes('pop') || !settings(context).passkeyOffer) return undefined
    if (readCookie(call, cookieName(context.config, ableCookie)) !== '1') return undefined
    if (await Refusal.stands(context, user.sub)) return undefined
    if ((await Passkey.listOf(context, user.sub)).length > 0) return undefined
    if (await ofLongAgo(call, context, user.sub)) return undefined
    return (await nothingElseLeft(context, state)) ? enrolPath : undefined
  },
}

/** Why a half-authenticated person may make one now: they are as good as signed in, or have no second factor to show. */
async function reasonFor(call: Call, context: Context, progress: StepNeeded): Promise<Reason | undefined> {
  const { open, user, amr } = progress
  const clientId = open.interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(open.interaction, client)
  const state = { call, user, amr, client, demand, interaction: open.interaction }
  if ((await offer.path(context, state)) !== undefined) return 'offered'
  return (await mayEnrol(progress, context)) ? 'needed' : undefined
}

const placeOf = ({ open, user }: StepNeeded): Place & { sub: string } => ({
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
  async get(call, context) {
    const progress = await stepOfPage(call, context)
    if ('reply' in progress) return progress.reply
    const reason = await reasonFor(call, context, progress)
    return (await elsewhere(call, context, progress, reason)) ?? show(call, context, progress, reason!)
  },
  form: stepForm(purpose),
  async post(call, context, { fields, ...progress }) {
    const reason = await reasonFor(call, context, progress)
    if (fields.later !== undefined) {
      if (reason === 'offered') await Refusal.note(context, progress.user.sub)
      return completeStep(call, context, progress)
    }
    const other = await elsewhere(call, context, progress, reason)
    if (other) return other
    const problem = await enrolPasskey(
      call,
      context,
      placeOf(progress),
      progress.user,
      fields.credential ?? '',
    )
    // Making one proves nothing about the person: where a second factor is asked for, it is used next.
    return problem === undefined
      ? completeStep(call, context, progress)
      : show(call, context, progress, reason!, problem)
  },
})

const completeStep = (call: Call, context: Context, progress: StepNeeded): Promise<Reply> =>
  signIn(call, context, progress, { user: progress.user, amr: progress.amr })

/** Where a person goes on who is not to make a passkey on this page; never undefined without a reason. */
async function elsewhere(
  call: Call,
  context: Context,
  progress: StepNeeded,
  reason: Reason | undefined,
): Promise<Reply | undefined> {
  // Sent here to set one up by a page that does not know theirs, because it does not count as a second factor by itself.
  if (!progress.amr.includes('pop') && (await Passkey.listOf(context, progress.user.sub)).length > 0)
    return redirectWithin(`${context.basePath}${secondFactorPath}?interaction=${progress.open.handle}`)
  return reason === undefined ? completeStep(call, context, progress) : undefined
}

/** Whoever was sent here for want of a second factor is not told of comfort, nor that later would do. */
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
      options: await creationOptions(context, placeOf(progress), user),
    }),
    other: otherWay(form, words[reason].other),
  })
  const redirect = open.interaction.params?.redirect_uri
  return {
    ...page(problem ? 400 : 200, html),
    formTargets: redirect === undefined ? [] : formTarget(redirect),
  }
}
