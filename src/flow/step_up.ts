/** From one factor to the next: what a request demands of a sign-in, and the page that asks for what is missing. https://www.rfc-editor.org/rfc/rfc9470 */
import { type AcrDemand, acrDemandOf, nothingDemanded } from '../auth/acr.ts'
import { parseClaimsParameter } from '../auth/claims.ts'
import type { Context } from '../contracts/context.ts'
import type { LoginStepInput } from '../contracts/feature.ts'
import type { Call } from '../contracts/call.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import type { Client } from '../models/client.ts'
import { Interaction } from '../models/interaction.ts'
import type { Session } from '../models/session.ts'
import type { User } from '../models/user.ts'

/** The levels that what the interaction is about asks for. */
export function demandOf(
  { params, acr }: Pick<Interaction, 'params' | 'acr'>,
  client: Client | undefined,
): AcrDemand {
  if (acr) return { essential: acr, voluntary: [] }
  return params && client ? acrDemandOf(params, parseClaimsParameter(params.claims), client) : nothingDemanded
}

/** The page of the first step that has something left to do, below the base path. */
export async function nextPage(context: Context, state: LoginStepInput): Promise<string | undefined> {
  const { loginSteps } = context.table
  for (const step of [...loginSteps.filter(({ last }) => !last), ...loginSteps.filter(({ last }) => last)]) {
    if (state.session && !step.whileSignedIn) continue
    const path = await step.path(context, state)
    if (path !== undefined) return path
  }
  return undefined
}

/** The client that an interaction is about, if any. */
export const clientIdOf = ({ params, client_id }: Interaction): string | undefined =>
  params?.client_id ?? client_id

/**
 * Before a person who is signed in gives a client something on a page of ours, such as approving a device: the reply that
 * asks for what they or the client must have first, and leads back to `returnTo`.
 */
export async function stepUpFirst(
  call: Call,
  context: Context,
  { session, user }: { session: Session; user: User },
  client: Client,
  returnTo: string,
): Promise<Reply | undefined> {
  const { amr } = session
  const state = { call, user, amr, client, demand: nothingDemanded, interaction: {}, session }
  const path = await nextPage(context, state)
  return path === undefined
    ? undefined
    : askForMore(call, context, session, { path, returnTo, clientId: client.client_id })
}

/** What makes the sign-in of `session` the first factor of a sign-in to come. */
export const pendingOf = (session: Session, context: Context): Interaction['pending'] => ({
  sub: session.sub,
  amr: session.amr,
  sid: session.sid,
  since: session.authenticated_at,
  at: context.clock.now(),
})

/** Leads a person who is signed in to the page of a step at `path`, and then back to `returnTo`; both below the base path. */
export async function askForMore(
  call: Call,
  context: Context,
  session: Session,
  more: { path: string; returnTo: string; acr?: readonly string[]; clientId?: string },
): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const handle = await Interaction.begin(
    context,
    context.random,
    browser,
    {
      return_to: `${context.basePath}${more.returnTo}`,
      ...(more.acr && { acr: [...more.acr] }),
      ...(more.clientId !== undefined && { client_id: more.clientId }),
      pending: pendingOf(session, context),
    },
    context.config.interactionTtl,
  )
  return redirectWithin(`${context.basePath}${more.path}?interaction=${handle}`, cookies)
}
