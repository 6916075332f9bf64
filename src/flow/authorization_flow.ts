/** From a request to its answer, by way of the pages a person must see: the order of all checks on one screen. */
import { acrToSay, openDemand } from '../auth/acr.ts'
import {
  type AuthorizationRequest,
  readAuthorizationRequest,
  responseModeOf,
} from '../auth/authorization_request.ts'
import { OAuthError } from '../auth/errors.ts'
import { RefusedError, shown } from '../auth/refusal.ts'
import { errorOfStep, nextStep } from '../auth/prompt.ts'
import { matchRedirectUri, type TrustedRedirect } from '../auth/redirect_uri.ts'
import type { Context } from '../contracts/context.ts'
import { grantLifetime } from '../grants/authorization_code.ts'
import { newGrant } from '../grants/new_grant.ts'
import type { Arrived, Granted } from '../contracts/feature.ts'
import { subjectOf } from '../grants/person.ts'
import { respond, respondWithError } from '../http/authorization_response.ts'
import type { Call } from '../contracts/call.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { currentSession } from '../http/session.ts'
import { lifetimesOf } from '../people/end_session.ts'
import { type Client } from '../models/client.ts'
import { requireClient } from '../clients/find_client.ts'
import { Grant } from '../models/grant.ts'
import { Interaction } from '../models/interaction.ts'
import { Session } from '../models/session.ts'
import { isActive, User } from '../models/user.ts'
import type { AtHand } from './person_at_hand.ts'
import type { Asked, Going } from './asked.ts'
import { consentIsMissing } from './consent_needed.ts'
import { hintedSubject } from './id_token_hint.ts'
import { nextPage, pendingOf } from './step_up.ts'
import { readExtra } from './grant_extra.ts'

type Params = Readonly<Record<string, string>>

/** Go as far as the request can go now: to a page of ours, or back to the client. */
export async function proceed(call: Call, context: Context, given: Params, going?: Going): Promise<Reply> {
  call.uiLocales = given.ui_locales
  call.clientId = given.client_id
  let trusted
  try {
    const client = await clientOf(context, given)
    const params = going ? given : await resolveSources(context, given, client)
    trusted = { client, params, redirect: requireTrustedRedirect(client, params) }
  } catch (error) {
    return answerRefused(call, context, error, given)
  }
  const { client, params, redirect } = trusted
  try {
    const asked = await ask(context, trusted, going ? undefined : { client, params: given, pushed: false })
    return await decide(call, context, asked, going)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status >= 500) throw error
    const mode = responseModeOf(params, context.table)
    return respondWithError(call, context, error, { client, redirect, mode, params })
  }
}

/** The client that a request names. */
export async function clientOf(context: Context, { client_id }: Params): Promise<Client> {
  if (client_id === undefined)
    throw new OAuthError('invalid_request', {
      rule: 'RFC 6749 §4.1.1',
      expected: 'client_id is required',
    })
  return requireClient(context, client_id, () => unknownClient(client_id))
}

/** Until client and redirect are known to belong together, errors are pages: no redirect is followed (RFC 9700 §4.11). */
export function requireTrustedRedirect(client: Client, params: Params): TrustedRedirect {
  if (params.redirect_uri === undefined)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: 'redirect_uri is required',
    })
  const redirect = matchRedirectUri(client.redirect_uris, params.redirect_uri)
  if (!redirect)
    throw new OAuthError('invalid_request', {
      rule: 'RFC 9700 §2.1',
      expected: `redirect_uri is one that this client registered: ${client.redirect_uris.join(', ') || 'none'}`,
      came: params.redirect_uri,
      problem: `redirect_uri ${shown(params.redirect_uri)} is not registered for this client; they are compared character by character`,
    })
  return redirect
}

/** The page of an authorization endpoint has no challenge to send, so the status is not 401. */
export const unknownClient = (clientId: string) =>
  new OAuthError('invalid_client', {
    rule: 'RFC 6749 §4.1.2.1',
    expected: 'client_id is that of a registered client',
    came: clientId,
    problem: `client ${shown(clientId)} is not registered here`,
    status: 400,
  })

/**
 * What a request says that has just arrived: a pushed request or a request object in place of its own parameters. A
 * request that goes on after a page was read so when it arrived, and its sources are not read again.
 */
export async function resolveSources(context: Context, given: Params, client: Client): Promise<Params> {
  let params = given
  const called = context.table.requestSources.filter(({ parameter, accepts }) => {
    const value = given[parameter]
    return value !== undefined && accepts?.(value) !== false
  })
  if (called.length > 1) {
    const names = called.map(({ parameter }) => parameter).join(' and ')
    const both = new OAuthError('invalid_request', {
      rule: 'RFC 9101 §5',
      expected: `${names} exclude each other (RFC 9101 5)`,
    })
    throw new SourceRefused(both, client)
  }
  for (const source of called) {
    params = await source.resolve(context, params, client).catch((error: unknown) => {
      throw error instanceof RefusedError ? new SourceRefused(error, client) : error
    })
  }
  return params
}

/** A request object or reference that is wrong: the client hears of it where the query itself names a good redirect. */
class SourceRefused extends OAuthError {
  readonly client: Client
  constructor(error: RefusedError, client: Client) {
    super(error.code, { ...error.refusal, status: error.status })
    this.client = client
  }
}

function answerRefused(call: Call, context: Context, error: unknown, params: Params): Promise<Reply> {
  const client = error instanceof SourceRefused ? error.client : undefined
  const redirect =
    client && params.redirect_uri !== undefined && matchRedirectUri(client.redirect_uris, params.redirect_uri)
  if (!client || !redirect || !(error instanceof RefusedError) || error.status >= 500) throw error
  const mode = responseModeOf(params, context.table)
  return respondWithError(call, context, error, { client, redirect, mode, params })
}

/** Parameters of OpenID Connect Core §6 and §7.2.1 that no feature serves, and the error for each. */
const notServed = {
  request: 'request_not_supported',
  request_uri: 'request_uri_not_supported',
  registration: 'registration_not_supported',
} as const

/** Reads a request whose redirect is known to be its client's; `arrived` only when it has just arrived. */
export async function ask(
  context: Context,
  { client, params, redirect }: { client: Client; params: Params; redirect: TrustedRedirect },
  arrived?: Arrived,
): Promise<Asked> {
  for (const [name, code] of Object.entries(notServed))
    if (params[name] !== undefined)
      // a source that serves it has taken it out
      throw new OAuthError(code, {
        rule: 'OpenID Connect Core §3.1.2.6',
        expected: `a request without ${name}`,
        problem: `the parameter ${name} is not supported`,
      })
  const request = readAuthorizationRequest(params, redirect, client, {
    ...context.table,
    scopes: context.scopes,
    requirePkce: context.config.requirePkce,
    ignoreUnknownScopes: context.config.unknownScopes === 'ignore',
  })
  if (arrived) for (const rule of context.table.authorizationRules) await rule.check?.(context, arrived)
  const extra = await readExtra(params, client, context)
  const hinted = await hintedSubject(params.id_token_hint, client, context)
  if (hinted !== undefined && request.subject !== undefined && hinted !== request.subject)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §5.5.1',
      expected: 'id_token_hint and the claims parameter name one End-User',
      came: [hinted, request.subject],
      problem: 'id_token_hint and the claims parameter name different people',
    })
  return { request, client, extra, subject: hinted ?? request.subject }
}

async function decide(call: Call, context: Context, asked: Asked, going: Going | undefined): Promise<Reply> {
  const { request, client } = asked
  const session = await currentSession(call, context)
  const [user, consentMissing] = await Promise.all([
    session && User.find(context, session.sub),
    session ? consentIsMissing(asked, session.sub, context) : true,
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
      interaction: going?.interaction ?? { params: { ...request.params } },
      session: signedIn.session,
    }))
  const step = nextStep({
    prompts: request.prompts,
    maxAge: request.maxAge,
    now: context.clock.now(),
    askedAt: going?.interaction.asked_at ?? Infinity,
    session: present && { authenticatedAt: present.authenticated_at },
    otherSubject:
      asked.subject !== undefined && asked.subject !== (present && subjectOf(present.sub, client, context)),
    accountChosen: going?.interaction.account_chosen ?? false,
    moreNeeded: more !== undefined,
    consentGiven: present !== undefined && going?.interaction.consented_by === present.sid,
    consentMissing,
  })
  if (step === 'proceed' || step === 'consent') requireLevel(request, present!)
  if (step === 'proceed') return answer(context, asked, signedIn!)
  if (step === 'wrong_account' || request.prompts.includes('none')) throw new OAuthError(...errorOfStep[step])
  const path = step === 'step_up' ? more! : `/${step}`
  const pending = step === 'step_up' ? pendingOf(present!, context) : undefined
  if (going) {
    if (pending) await Interaction.update(context, going.handle, (current) => ({ ...current, pending }))
    return redirectWithin(`${context.basePath}${path}?interaction=${going.handle}`)
  }
  const { browser, cookies } = ensureBrowser(call, context)
  const handle = await Interaction.begin(
    context,
    context.random,
    browser,
    { params: { ...request.params }, ...(pending && { pending }) },
    context.config.interactionTtl,
  )
  context.log.debug('interaction', { step, client_id: client.client_id })
  return redirectWithin(`${context.basePath}${path}?interaction=${handle}`, cookies)
}

/** A level that is essential and that this person cannot reach is the end (OpenID Connect Core Unmet Authentication Requirements). */
function requireLevel(request: AuthorizationRequest, session: Session): void {
  const open = openDemand(session.acr, request.acr)
  if (open?.essential)
    throw new OAuthError('unmet_authentication_requirements', {
      rule: 'OpenID Unmet Authentication Requirements §1',
      expected: `a sign-in of acr ${open.levels.join(' or ')}`,
      came: session.acr,
      problem: `acr ${shown(open.levels.join(' '))} was required; this sign-in reached ${session.acr}`,
    })
}

/** Everything is settled: record the grant, and let the response type say what the client receives. */
async function answer(
  context: Context,
  { request, client, extra }: Asked,
  { session, user }: AtHand,
): Promise<Reply> {
  const claims = request.claims as Grant['claims']
  const given = { scope: request.scope, extra, ...(claims && { claims }) }
  const signedIn = { ...session, acr: acrToSay(session.acr, request.acr) }
  const grant = newGrant(
    context,
    client,
    { session: signedIn, user },
    given,
    context.config.authorizationCodeTtl,
  )
  await Promise.all([
    Grant.create(context, grant, grantLifetime(client, context)),
    Session.touch(context, session, lifetimesOf(context), client.client_id),
  ])
  try {
    return await respondWith({ grant, user }, { request, client }, session, context)
  } catch (error) {
    // Nobody received anything of it, so nothing of it stays. Where the store is away, its end comes by itself.
    await Grant.end(context, grant.grant_id).catch(() => undefined)
    throw error
  }
}

async function respondWith(
  granted: Granted,
  { request, client }: Pick<Asked, 'request' | 'client'>,
  session: Session,
  context: Context,
): Promise<Reply> {
  const params = await context.table.responseTypes
    .get(request.responseType)!
    .answer(context, { ...granted, request, client })
  for (const rule of context.table.authorizationRules) await rule.answered?.(context, request)
  for (const more of context.table.responseParameters)
    Object.assign(params, await more(context, { request, session, client }))
  return respond(
    { client, redirect: request.redirect, mode: request.responseMode, params: request.params },
    params,
    context,
  )
}
