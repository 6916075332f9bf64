/** Step-up: what a request demands of a sign-in, and the page that asks for what is missing. https://www.rfc-editor.org/rfc/rfc9470 */
import { beginInteraction } from './begin_interaction.ts'
import { type AcrDemand, acrDemandOf, acrOf, meetsAcr, nothingDemanded, openDemand } from '../auth/acr.ts'
import { parseClaimsParameter } from '../auth/claims.ts'
import type { Context } from '../contracts/context.ts'
import type { LoginStepInput } from '../contracts/feature.ts'
import type { Call } from '../contracts/call.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { redirectWithin } from '../http/reply.ts'
import { beginSession } from '../http/session.ts'
import { endSession } from '../people/end_session.ts'
import type { Reply } from '../contracts/reply.ts'
import type { Client } from '../models/client.ts'
import type { Interaction } from '../models/interaction.ts'
import { provenAt, type Session } from '../models/session.ts'
import type { User } from '../models/user.ts'

/** The levels that the request or page of the interaction demands. */
export function demandOf(
  { params, acr }: Pick<Interaction, 'params' | 'acr'>,
  client: Client | undefined,
): AcrDemand {
  if (acr) return { essential: acr, voluntary: [] }
  return params && client ? acrDemandOf(params, parseClaimsParameter(params.claims), client) : nothingDemanded
}

/** The page of the first login step that is still needed, below the base path. */
export async function nextPage(context: Context, state: LoginStepInput): Promise<string | undefined> {
  const { loginSteps } = context.table
  for (const step of [...loginSteps.filter(({ last }) => !last), ...loginSteps.filter(({ last }) => last)]) {
    if (state.session && !step.whileSignedIn) continue
    const path = await step.path(context, state)
    if (path !== undefined) return path
  }
  return undefined
}

export const clientIdOf = ({ params, client_id }: Interaction): string | undefined =>
  params?.client_id ?? client_id

/**
 * Call before an End-User with a session approves something for a client, such as a device. Returns the redirect to the
 * login step that is needed first; that page leads back to `returnTo`.
 */
export async function stepUpFirst(
  call: Call,
  context: Context,
  { session, user }: { session: Session; user: User },
  client: Client,
  returnTo: string,
  demand: AcrDemand = nothingDemanded,
): Promise<Reply | undefined> {
  const { amr } = session
  const state = { call, user, amr, client, demand, interaction: {}, session }
  const path = await nextPage(context, state)
  if (path === undefined) return undefined
  const acr = openDemand(session.acr, demand)?.levels
  return askForMore(call, context, session, {
    path,
    returnTo,
    clientId: client.client_id,
    ...(acr && { acr }),
  })
}

/** The `pending` of a step-up: the sign-in of `session` is its first factor. */
export const pendingOf = (session: Session, context: Context): Interaction['pending'] => ({
  sub: session.sub,
  amr: session.amr,
  sid: session.sid,
  since: provenAt(session),
  at: context.clock.now(),
})

/**
 * Adds a factor that was proven on a page of the session: `amr` has all of them. Returns the cookies to set, since the
 * session gets a new secret. A session that has ended in between stays ended.
 */
export async function raiseSession(
  call: Call,
  context: Context,
  { sid, sub, acr, authenticated_at }: Session,
  amr: string[],
): Promise<string[]> {
  const reached = acrOf(amr)
  const level = meetsAcr(acr, reached) ? acr : reached
  const raised = await beginSession(call, context, { sub, amr, acr: level, authenticated_at })
  if (raised.session.sid === sid) return raised.cookies
  await endSession(raised.session.sid, context)
  return []
}

/** Redirects an End-User with a session to the login step at `path`, which leads back to `returnTo`; both below the base path. */
export async function askForMore(
  call: Call,
  context: Context,
  session: Session,
  more: { path: string; returnTo: string; acr?: readonly string[]; clientId?: string },
): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const handle = await beginInteraction(call, context, browser, {
    return_to: `${context.basePath}${more.returnTo}`,
    ...(more.acr && { acr: [...more.acr] }),
    ...(more.clientId !== undefined && { client_id: more.clientId }),
    pending: pendingOf(session, context),
  })
  return redirectWithin(`${context.basePath}${more.path}?interaction=${handle}`, cookies)
}
