/** The end of every way to sign in: further steps first, then a session under a new cookie. */
import { acrOf } from '../auth/acr.ts'
import type { Context } from '../contracts/context.ts'
import type { Call } from '../contracts/call.ts'
import type { FormReader, Submitted } from '../contracts/endpoint.ts'
import { findClient } from '../http/client_authentication.ts'
import { rememberBrowser } from '../http/known_browser.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { beginSession, currentSession } from '../http/session.ts'
import { endSession } from '../people/end_session.ts'
import { sha256 } from '../lib/hash.ts'
import { Interaction } from '../models/interaction.ts'
import type { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import type { Going } from './asked.ts'
import { interactionOfForm, interactionOfPage, resumePath } from './interaction_page.ts'
import { clientIdOf, demandOf, nextPage } from './step_up.ts'

/** `amr` by RFC 8176: what truly happened, all factors so far. */
export async function signIn(
  call: Call,
  context: Context,
  going: Going,
  done: { user: User; amr: string[]; acr?: string; trustDevice?: boolean },
): Promise<Reply> {
  const { user, amr } = done
  const { pending } = going.interaction
  const before = going.half && pending?.sub === user.sub ? pending : undefined
  const raised = before?.sid === undefined ? undefined : await sessionOf(before, call, context)
  if (before?.sid !== undefined && !raised) return onwards(context, going)
  const trustDevice = done.trustDevice ?? before?.trust_device ?? false
  const clientId = clientIdOf(going.interaction)
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(going.interaction, client)
  const path = await nextPage(context, { call, user, amr, client, demand, interaction: going.interaction })
  if (path !== undefined) {
    await Interaction.update(context, going.handle, (current) => ({
      ...current,
      pending: {
        sub: user.sub,
        amr,
        at: context.clock.now(),
        standing: standingOf(user),
        ...(raised && { sid: raised.sid, since: raised.authenticated_at }),
        ...(trustDevice && { trust_device: true }),
      },
    }))
    return redirectWithin(`${context.basePath}${path}?interaction=${going.handle}`)
  }
  // What was half is spent by whoever makes it whole: of two answers at once one begins a session.
  if (pending && !(await spend(going.handle, context)) && going.half) return onwards(context, going)
  const { session, cookies } = await beginSession(call, context, {
    sub: user.sub,
    amr,
    acr: done.acr ?? acrOf(amr),
    ...(raised && { authenticated_at: raised.authenticated_at }),
  })
  if ((raised && session.sid !== raised.sid) || (await isChanged(user, context))) {
    await endSession(session.sid, context)
    return onwards(context, going)
  }
  const more = await Promise.all(
    context.table.sessions.signedIn.map((hear) =>
      hear(call, context, { user, session, client, trustDevice }),
    ),
  )
  context.log.info('signed_in', { sub: user.sub, amr: amr.join(' '), address: call.address })
  return redirectWithin(resumePath(context, going.handle), [
    ...cookies,
    ...more.flat(),
    ...rememberBrowser(call, context, user.username),
  ])
}

/** What a sign-in by half ends with: a new password ends whatever the old one has begun. */
const standingOf = ({ password_hash = '' }: User): string => sha256(password_hash)

/**
 * Whether the account is another than when this sign-in began. Asked once the session is there: whoever changed the
 * password before that has ended all sessions but this one, and whoever does so later finds it.
 */
async function isChanged(user: User, context: Context): Promise<boolean> {
  const now = await User.find(context, user.sub)
  return now === undefined || now.disabled || now.password_hash !== user.password_hash
}

const spend = (handle: string, context: Context): Promise<Interaction | undefined> =>
  Interaction.update(context, handle, ({ pending, ...rest }) => (pending ? rest : undefined))

/** The session that `pending` raises, when this browser still has it. */
async function sessionOf(
  { sid, sub }: { sid?: string | undefined; sub: string },
  call: Call,
  context: Context,
): Promise<Session | undefined> {
  const session = await currentSession(call, context)
  return session && session.sid === sid && session.sub === sub ? session : undefined
}

/** Seconds in which whoever passed the first factor must pass the others. */
const halfway = 600

/** Who passed a first factor in this interaction; the page of a step begins with it. */
export interface Halfway {
  going: Going
  user: User
  amr: string[]
}

async function halfwayIn(call: Call, going: Going, context: Context): Promise<Halfway | undefined> {
  const { pending } = going.interaction
  if (!pending || context.clock.now() - pending.at > halfway * 1000) return undefined
  if (pending.sid !== undefined && !(await sessionOf(pending, call, context))) return undefined
  const user = await User.find(context, pending.sub)
  if (!user || user.disabled) return undefined
  // One that raises a session is good for as long as that is.
  const stands = pending.sid !== undefined || pending.standing === standingOf(user)
  return stands ? { going: { ...going, half: true }, user, amr: pending.amr } : undefined
}

/** The person at a step's page, or the reply that leads to where the interaction stands. */
export async function halfSignedIn(call: Call, context: Context): Promise<Halfway | { reply: Reply }> {
  const going = await interactionOfPage(call, context)
  return (await halfwayIn(call, going, context)) ?? { reply: onwards(context, going) }
}

/** The `form` of a step's page: the same, of a POST whose `formFields` have this purpose. */
export const halfSignedInForm =
  (purpose: string): FormReader<Halfway & Submitted> =>
  async (call, context) => {
    const { fields, ...going } = await interactionOfForm(call, context, purpose)
    const half = await halfwayIn(call, going, context)
    return half ? { ...half, fields } : { reply: onwards(context, going) }
  }

/** To the sign-in page, unless a second click comes after the first has signed the person in. */
const onwards = (context: Context, { handle }: Going): Reply => redirectWithin(resumePath(context, handle))
