/** The authorization request from its arrival to its response: the order of all checks and pages. */
import { beginInteraction } from './begin_interaction.ts'
import { acrToSay, isKnownLevel, openDemand } from '../auth/acr.ts'
import { type AuthorizationRequest, responseModeOf } from '../auth/authorization_request.ts'
import { HttpError, OAuthError } from '../auth/errors.ts'
import { RefusedError, shown } from '../auth/refusal.ts'
import { errorOfStep, needsAuthTime, nextStep } from '../auth/prompt.ts'
import { matchRedirectUri, registeredRedirect } from '../auth/redirect_uri.ts'
import type { Context } from '../contracts/context.ts'
import { grantLifetime } from '../grants/authorization_code.ts'
import { newGrant } from '../grants/new_grant.ts'
import type { Params } from '../auth/params.ts'
import type { Granted } from '../contracts/feature.ts'
import { subjectOf } from '../grants/person.ts'
import {
  type Destination,
  mayRedirectAtOnce,
  pageWithError,
  respond,
  respondWithError,
} from '../http/authorization_response.ts'
import type { Call } from '../contracts/call.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { currentSession } from '../http/session.ts'
import { useSession } from '../people/end_session.ts'
import { seconds } from '../lib/clock.ts'
import { Grant } from '../models/grant.ts'
import { Interaction } from '../models/interaction.ts'
import { provenAt, type Session } from '../models/session.ts'
import { dayOf } from '../models/usage/usage.ts'
import { isActive, User } from '../models/user.ts'
import type { SignedInPerson } from './signed_in_person.ts'
import type { CheckedRequest } from './checked_request.ts'
import type { OpenInteraction } from './open_interaction.ts'
import { consentDenied, consentIsMissing, shownOnPage } from './consent_needed.ts'
import {
  clientOf,
  readRequest,
  requireTrustedRedirect,
  resolveSources,
  SourceRefused,
} from './read_request.ts'
import { pageOfPrompt } from './prompts.ts'
import { nextPage, pendingOf } from './step_up.ts'

/** Answers with a redirect to the next page that the End-User must see, or with the authorization response. */
export async function proceed(
  call: Call,
  context: Context,
  given: Params,
  open?: OpenInteraction,
): Promise<Reply> {
  call.uiLocales = given.ui_locales
  call.clientId = given.client_id
  let trusted
  try {
    const client = await clientOf(context, given)
    const params = open ? given : await resolveSources(context, given, client)
    trusted = { client, params, redirect: requireTrustedRedirect(client, params) }
  } catch (error) {
    return answerRefused(call, context, error, given)
  }
  const { client, params, redirect } = trusted
  const refuse = (error: unknown, mayRedirect: boolean): Promise<Reply> => {
    // An HttpError, such as a limit of this provider, has no code that a client knows.
    if (!(error instanceof RefusedError) || error instanceof HttpError || error.status >= 500) throw error
    const mode = responseModeOf(params, context.table)
    return refused(call, context, error, { client, redirect, mode, params }, mayRedirect)
  }
  let checked
  try {
    const received = open ? undefined : { client, params: given, pushed: false }
    checked = await readRequest(context, trusted, received)
  } catch (error) {
    return refuse(error, open !== undefined)
  }
  try {
    return await decide(call, context, checked, open)
  } catch (error) {
    return refuse(error, open !== undefined || checked.request.prompts.includes('none'))
  }
}

/** Of an unverified client the error is a page, unless the End-User has seen one or the request wants none. */
const refused = (
  call: Call,
  context: Context,
  error: RefusedError,
  to: Destination,
  mayRedirect: boolean,
): Promise<Reply> =>
  mayRedirect || mayRedirectAtOnce(to.client, to.redirect, context)
    ? respondWithError(call, context, error, to)
    : pageWithError(call, context, error, to)

/** The parameters of a signed request object decide how its error is answered, also when it is out of date. */
function answerRefused(call: Call, context: Context, error: unknown, given: Params): Promise<Reply> {
  const { client, params = given } = error instanceof SourceRefused ? error : {}
  const redirect =
    client &&
    params.redirect_uri !== undefined &&
    matchRedirectUri(client.redirect_uris, params.redirect_uri, client)
  if (!client || !redirect || !(error instanceof RefusedError) || error.status >= 500) throw error
  const mode = responseModeOf(params, context.table)
  return refused(call, context, error, { client, redirect, mode, params }, false)
}

async function decide(
  call: Call,
  context: Context,
  checked: CheckedRequest,
  open: OpenInteraction | undefined,
): Promise<Reply> {
  const { request, client } = checked
  if (open?.interaction.denied) throw consentDenied()
  const session = await currentSession(call, context)
  const [user, consentMissing] = await Promise.all([
    session && User.find(context, session.sub),
    session ? consentIsMissing(checked, session.sub, context) : true,
  ])
  const signedIn = session && isActive(user) ? { session, user } : undefined
  const present = signedIn?.session
  const more =
    signedIn &&
    (await nextPage(context, {
      call,
      user: signedIn.user,
      amr: signedIn.session.amr,
      client,
      demand: request.acr,
      interaction: open?.interaction ?? { params: { ...request.params } },
      session: signedIn.session,
    }))
  const step = nextStep({
    prompts: request.prompts,
    maxAge: request.maxAge,
    now: context.clock.now(),
    askedAt: open?.interaction.asked_at ?? Infinity,
    session: present && { authenticatedAt: provenAt(present), signedInAt: present.authenticated_at },
    timeMissing: present !== undefined && provenAt(present) === 0 && needsAuthTime(client, request.claims),
    otherSubject:
      checked.subjects !== undefined &&
      !(present && checked.subjects.includes(subjectOf(present.sub, client, context))),
    accountChosen: open?.interaction.account_chosen ?? false,
    moreNeeded: more !== undefined,
    consentGiven:
      present !== undefined &&
      open?.interaction.consented_by === present.sid &&
      open.interaction.consented_to === shownOnPage(checked, context),
    consentMissing,
  })
  if (step === 'proceed' || step === 'consent') requireLevel(request, present!, context)
  if (step === 'proceed') return answer(context, checked, signedIn!, !consentMissing)
  if (step === 'wrong_account' || (step !== 'create' && request.prompts.includes('none')))
    throw new OAuthError(...errorOfStep[step])
  const to = (handle: string): string =>
    step === 'create'
      ? `${context.basePath}${pageOfPrompt('create', context, handle) ?? `/login?interaction=${handle}`}`
      : `${context.basePath}${step === 'step_up' ? more! : `/${step}`}?interaction=${handle}`
  const pending = step === 'step_up' ? pendingOf(present!, context) : undefined
  if (open) {
    if (pending) await Interaction.update(context, open.handle, (current) => ({ ...current, pending }))
    return redirectWithin(to(open.handle))
  }
  const { browser, cookies } = ensureBrowser(call, context)
  const handle = await beginInteraction(call, context, browser, {
    params: { ...request.params },
    ...(pending && { pending }),
  })
  context.log.debug('interaction', { step, client_id: client.client_id })
  return redirectWithin(to(handle), cookies)
}

/** Throws if an essential level or each of `acr_values` was not reached (Unmet Authentication Requirements, RFC 9470 §5). */
function requireLevel({ acr }: AuthorizationRequest, session: Session, { config }: Context): void {
  const open = openDemand(session.acr, acr)
  const isIgnored =
    config.unknownAcrValues === 'ignore' && open?.levels === acr.requested && !open?.levels.some(isKnownLevel)
  if (open?.essential && !isIgnored)
    throw new OAuthError('unmet_authentication_requirements', {
      rule: 'OpenID Unmet Authentication Requirements §1',
      expected: `a sign-in of acr ${open.levels.join(' or ')}`,
      came: session.acr,
      problem: `acr ${shown(open.levels.join(' '))} was required; this sign-in reached ${session.acr}`,
    })
}

/** All checks passed: creates the grant and builds the response of the response type. */
async function answer(
  context: Context,
  checked: CheckedRequest,
  { session, user }: SignedInPerson,
  isRemembered: boolean,
): Promise<Reply> {
  const { request, client, extra } = checked
  const claims = request.claims as Grant['claims']
  const content = { scope: request.scope, extra, ...(claims && { claims }) }
  const signedIn = { ...session, acr: acrToSay(session.acr, request.acr) }
  const grant = newGrant(
    context,
    client,
    { session: signedIn, user },
    content,
    context.config.authorizationCodeTtl,
  )
  await Promise.all([
    Grant.create(context, grant, grantLifetime(client, context)),
    useSession(context, session, client.client_id),
  ])
  try {
    const [reply, isWithdrawn] = await Promise.all([
      respondWith({ grant, user }, { request, client }, session, context),
      // Once more: a withdrawal before this could not see the grant, and a later one ends it.
      isRemembered && consentIsMissing(checked, user.sub, context),
    ])
    if (isWithdrawn) throw new OAuthError(...errorOfStep.consent)
    return reply
  } catch (error) {
    // The client received nothing, so the grant is ended. If the store fails again, the grant expires by itself.
    await Grant.end(context, grant.grant_id).catch(() => undefined)
    throw error
  }
}

async function respondWith(
  granted: Granted,
  { request, client }: Pick<CheckedRequest, 'request' | 'client'>,
  session: Session,
  context: Context,
): Promise<Reply> {
  const params = await context.table.responseTypes
    .get(request.responseType)!
    .answer(context, { ...granted, request, client })
  for (const rule of context.table.authorizationRules) await rule.answered?.(context, request)
  for (const more of context.table.responseParameters)
    Object.assign(params, await more(context, { request, session, client, grant: granted.grant }))
  const registered = registeredRedirect(client.redirect_uris, request.redirect, client)
  if (registered !== undefined) context.usage.redirect(client, registered, dayOf(seconds(context.clock)))
  return respond(
    { client, redirect: request.redirect, mode: request.responseMode, params: request.params },
    params,
    context,
  )
}
