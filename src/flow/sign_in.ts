/** The end of every sign-in method: first the steps that are still needed, then a session under a new cookie. */
import { type AccountEvent, noteEvent } from '../people/tell_owner.ts'
import { acrOf } from '../auth/acr.ts'
import type { Context } from '../contracts/context.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { findClient } from '../clients/find_client.ts'
import { rememberBrowser } from '../http/known_browser.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { beginSession, currentSession } from '../http/session.ts'
import { endSession } from '../people/end_session.ts'
import { sha256 } from '../lib/hash.ts'
import { Interaction } from '../models/interaction.ts'
import { noteSignIn } from '../models/people_index.ts'
import { provenAt as provenAtOf, type Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import type { OpenInteraction } from './open_interaction.ts'
import { interactionOfForm, interactionOfPage, resumePath } from './interaction_page.ts'
import { clientIdOf, demandOf, nextPage } from './step_up.ts'

/** How far a sign-in has come in its interaction. It is complete once a session has begun. */
export type SignInProgress = FirstFactorNeeded | StepNeeded

/** No first factor counts yet: `pending` of the interaction, if any, is ignored. */
export interface FirstFactorNeeded {
  state: 'first_factor_needed'
  open: OpenInteraction
}

/** A first factor was proven in this interaction (`pending`), and further steps follow. */
export interface StepNeeded {
  state: 'step_needed'
  open: OpenInteraction
  user: User
  /** All factors so far. */
  amr: string[]
}

/** The progress of a sign-in method, which proves the first factor itself. */
export const firstFactorNeeded = (open: OpenInteraction): FirstFactorNeeded => ({
  state: 'first_factor_needed',
  open,
})

/** `amr` holds the RFC 8176 values of all factors that were proven so far. */
export async function signIn(
  call: Call,
  context: Context,
  { state, open }: SignInProgress,
  done: {
    user: User
    amr: string[]
    acr?: string
    trustDevice?: boolean
    /** See `LoginStepInput`. */
    provenAt?: number | undefined
    /** The id of the provider that proved the first factor. */
    through?: string | undefined
    /** The page of a factor that must be proven whatever the request demands. */
    first?: string | undefined
  },
): Promise<Reply> {
  const { user, amr } = done
  const { pending } = open.interaction
  const before = state === 'step_needed' && pending?.sub === user.sub ? pending : undefined
  const steppedUp = before?.sid === undefined ? undefined : await sessionToStepUp(before, call, context)
  if (before?.sid !== undefined && !steppedUp) return redirectToResume(context, open)
  const trustDevice = done.trustDevice ?? before?.trust_device ?? false
  const clientId = clientIdOf(open.interaction)
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(open.interaction, client)
  const { interaction } = open
  const provenAt = done.provenAt ?? (before && isSame(amr, before.amr) ? before.proven_at : undefined)
  const through = done.through ?? before?.through
  const path =
    done.first ?? (await nextPage(context, { call, user, amr, client, demand, interaction, provenAt }))
  if (path !== undefined) {
    await Interaction.update(context, open.handle, (current) => ({
      ...current,
      pending: {
        sub: user.sub,
        amr,
        at: context.clock.now(),
        standing: standingOf(user),
        ...(steppedUp && { sid: steppedUp.sid, since: provenAtOf(steppedUp) }),
        ...(provenAt !== undefined && { proven_at: provenAt }),
        ...(through !== undefined && { through }),
        ...(trustDevice && { trust_device: true }),
      },
    }))
    return redirectWithin(`${context.basePath}${path}?interaction=${open.handle}`)
  }
  // Clear `pending` atomically, so that of two concurrent submissions of a step only one begins a session.
  if (pending && !(await clearPending(open.handle, context)) && state === 'step_needed')
    return redirectToResume(context, open)
  const { session, cookies, headers } = await beginSession(call, context, {
    sub: user.sub,
    amr,
    acr: done.acr ?? acrOf(amr),
    ...(steppedUp && { authenticated_at: steppedUp.authenticated_at }),
    proven_at: provenAt,
    through,
  })
  if ((steppedUp && session.sid !== steppedUp.sid) || (await isChanged(user, context))) {
    await endSession(session.sid, context)
    return redirectToResume(context, open)
  }
  context.usage.count('sign_ins', client)
  context.usage.seen(client, user.sub, session.sid)
  const event: AccountEvent = { kind: 'signed_in', more: { amr: amr.join(' ') } }
  const [more] = await Promise.all([
    Promise.all(
      context.table.sessions.signedIn.map((signedIn) =>
        signedIn(call, context, { user, session, client, trustDevice }),
      ),
    ),
    noteEvent(call, context, user.sub, event),
    noteSignIn(context, user.sub),
  ])
  const reply = redirectWithin(resumePath(context, open.handle), [
    ...cookies,
    ...more.flat(),
    ...rememberBrowser(call, context, user.username),
  ])
  return { ...reply, headers: { ...reply.headers, ...headers } }
}

/** Whether no factor was added. */
const isSame = (amr: readonly string[], before: readonly string[]): boolean =>
  amr.every((each) => before.includes(each))

/** Bound to `pending`: a sign-in cannot be completed after a change of password or the removal of a connection. */
const standingOf = ({ password_hash = '', sign_in_generation: generation }: User): string =>
  sha256(generation === undefined ? password_hash : `${generation}\n${password_hash}`)

/**
 * Whether the account was disabled or deleted, got another password or lost a connection since `user` was read, when this
 * sign-in or approval began. Read after the session or the grant is kept: a change of password before that ended all others but could not see
 * this one, and a later change ends this one too.
 */
export async function isChanged(user: User, context: Context): Promise<boolean> {
  const now = await User.find(context, user.sub)
  return now === undefined || now.disabled || standingOf(now) !== standingOf(user)
}

const clearPending = (handle: string, context: Context): Promise<Interaction | undefined> =>
  Interaction.update(context, handle, ({ pending, ...rest }) => (pending ? rest : undefined))

/** In a step-up, the session whose sign-in is the first factor; undefined when this browser no longer has it. */
async function sessionToStepUp(
  { sid, sub }: { sid?: string | undefined; sub: string },
  call: Call,
  context: Context,
): Promise<Session | undefined> {
  const session = await currentSession(call, context)
  return session && session.sid === sid && session.sub === sub ? session : undefined
}

/** How long after the first factor the other steps may follow. */
const stepsLifetimeSeconds = 600

async function stepNeededIn(
  call: Call,
  open: OpenInteraction,
  context: Context,
): Promise<StepNeeded | undefined> {
  const { pending } = open.interaction
  if (!pending || context.clock.now() - pending.at > stepsLifetimeSeconds * 1000) return undefined
  if (pending.sid !== undefined && !(await sessionToStepUp(pending, call, context))) return undefined
  const user = await User.find(context, pending.sub)
  if (!user || user.disabled) return undefined
  // A step-up depends on its session instead, which a change of password ends.
  const valid = pending.sid !== undefined || pending.standing === standingOf(user)
  return valid ? { state: 'step_needed', open, user, amr: pending.amr } : undefined
}

/** For the GET of a step's page: the sign-in that needs the step, or the reply that resumes the interaction. */
export async function stepOfPage(call: Call, context: Context): Promise<StepNeeded | { reply: Reply }> {
  const open = await interactionOfPage(call, context)
  return (await stepNeededIn(call, open, context)) ?? { reply: redirectToResume(context, open) }
}

/** The `form` of a step's page: the same for a POST whose `formFields` have this purpose. */
export const stepForm =
  (purpose: string): FormReader<StepNeeded & Submitted> =>
  async (call, context) => {
    const { fields, ...open } = await interactionOfForm(call, context, purpose)
    const progress = await stepNeededIn(call, open, context)
    return progress ? { ...progress, fields } : { reply: redirectToResume(context, open) }
  }

/** Leads to the sign-in page; after a second click on a form, to what follows the sign-in that the first click completed. */
const redirectToResume = (context: Context, { handle }: OpenInteraction): Reply =>
  redirectWithin(resumePath(context, handle))
