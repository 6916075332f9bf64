/** The end of every way to sign in: further steps first, then a session under a new cookie. */
import { acrOf } from '../auth/acr.ts'
import type { Context } from '../context.ts'
import type { Call } from '../http/call.ts'
import { findClient } from '../http/client_authentication.ts'
import { rememberBrowser } from '../http/known_browser.ts'
import { redirectWithin, type Reply } from '../http/reply.ts'
import { beginSession } from '../http/session.ts'
import { Interaction } from '../models/interaction.ts'
import { User } from '../models/user.ts'
import type { Going } from './authorization_flow.ts'
import { interactionOfForm, interactionOfPage, resumePath } from './interaction_page.ts'

/** `amr` by RFC 8176: what truly happened, all factors so far. */
export async function signIn(
  call: Call,
  context: Context,
  going: Going,
  done: { user: User; amr: string[]; acr?: string },
): Promise<Reply> {
  const { user, amr } = done
  const clientId = going.interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  for (const step of context.table.loginSteps) {
    const path = await step.path(context, { call, user, amr, client, interaction: going.interaction })
    if (path === undefined) continue
    await Interaction.update(context, going.handle, (current) => ({
      ...current,
      pending: { sub: user.sub, amr, at: context.clock.now() },
    }))
    return redirectWithin(`${context.basePath}${path}?interaction=${going.handle}`)
  }
  const { session, cookies } = await beginSession(call, context, {
    sub: user.sub,
    amr,
    acr: done.acr ?? acrOf(amr),
  })
  const more = await Promise.all(
    context.table.onSignedIn.map((hear) => hear(call, context, { user, session, client })),
  )
  context.log.info('signed_in', { sub: user.sub, amr: amr.join(' '), address: call.address })
  return redirectWithin(resumePath(context, going.handle), [
    ...cookies,
    ...more.flat(),
    ...rememberBrowser(call, context, user.username),
  ])
}

/** Seconds in which whoever passed the first factor must pass the others. */
const halfway = 600

/** Who passed a first factor in this interaction; the page of a step begins with it. */
export interface Halfway {
  going: Going
  user: User
  amr: string[]
}

async function halfwayIn(going: Going, context: Context): Promise<Halfway | undefined> {
  const { pending } = going.interaction
  if (!pending || context.clock.now() - pending.at > halfway * 1000) return undefined
  const user = await User.find(context, pending.sub)
  return user && !user.disabled ? { going, user, amr: pending.amr } : undefined
}

/** The person at a step's page, or the reply that leads to the first factor again. */
export async function halfSignedIn(call: Call, context: Context): Promise<Halfway | { reply: Reply }> {
  const going = await interactionOfPage(call, context)
  return (await halfwayIn(going, context)) ?? { reply: toSignIn(context, going) }
}

/** The same for the form of a step, whose `purpose` is the page's name (see `formFields`). */
export async function halfSignedInForm(
  call: Call,
  context: Context,
  purpose: string,
): Promise<(Halfway & { fields: Readonly<Record<string, string>> }) | { reply: Reply }> {
  const { fields, ...going } = await interactionOfForm(call, context, purpose)
  const half = await halfwayIn(going, context)
  return half ? { ...half, fields } : { reply: toSignIn(context, going) }
}

const toSignIn = (context: Context, { handle }: Going): Reply =>
  redirectWithin(`${context.basePath}/login?interaction=${handle}`)
