/** /approvals: the End-User sees the pending backchannel authentication requests and approves or denies them. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.8 */
import { note } from '../../models/audit/note.ts'
import { type AcrDemand, acrToSay, nothingDemanded, openDemand } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import { shown } from '../../auth/refusal.ts'
import { ownMember } from '../../lib/own_member.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { accountPurpose, signedInForm } from '../../flow/account_form.ts'
import { askForOther, pageOfPerson, type SignedInPerson } from '../../flow/signed_in_person.ts'
import { query } from '../../http/call.ts'
import { stepUpFirst } from '../../flow/step_up.ts'
import { createApproved } from '../../flow/approved_grant.ts'
import { redeemed } from '../../grants/authorization_code.ts'
import { newGrant } from '../../grants/new_grant.ts'
import type { Call } from '../../contracts/call.ts'
import { shownClient } from '../../http/client_words.ts'
import { findClient } from '../../clients/find_client.ts'
import { csrfToken, ensureBrowser } from '../../http/csrf.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { useSession } from '../../people/end_session.ts'
import { seconds } from '../../lib/clock.ts'
import { say, type Said } from '../../lib/say.ts'
import type { Client } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import type { Session } from '../../models/session.ts'
import { schedule, deliverNow } from './deliveries.ts'
import { approvalsPath, notifications } from './notifications.ts'
import { answeredPage, approvalsPage, type ShownRequest } from './pages.ts'
import { answer, BackchannelRequest, isOpen, pendingOf } from './records.ts'
import { describeExtra } from '../../flow/grant_extra.ts'

export const approvals = defineEndpoint({
  name: 'approvals',
  path: approvalsPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(approvalsPath, (call, context, person) => {
    const { done, other } = query(call, context)
    if (done !== undefined) return showAnswered(context, done === 'approved')
    return other === undefined ? show(call, context, person) : askForOther(call, context, approvalsPath)
  }),
  form: signedInForm(approvalsPath, ({ request = '' }) => purposeFor(request)),
  async post(call, context, { fields, ...person }) {
    const id = fields.request ?? ''
    const allowed = fields.allow !== undefined && fields.deny === undefined
    const first = allowed ? await requireLevel(call, context, person, id) : undefined
    return (
      first ?? (await decide(call, context, person, id, allowed)) ?? show(call, context, person, notPending)
    )
  },
})

const notPending = say('approvals.gone')

/** A CSRF token is good for one request alone. */
const purposeFor = (id: string) => `approval ${id}`

async function show(call: Call, context: Context, person: SignedInPerson, error?: Said): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const waiting = await pendingOf(context, person.user.sub)
  const listed = await Promise.all(
    waiting.map(async (request): Promise<ShownRequest | undefined> => {
      const client = await findClient(context, request.client_id)
      const csrf = csrfToken(context, browser, accountPurpose(person.session, purposeFor(request.id)))
      const { clientName = '' } = client ? shownClient(client, call, context) : {}
      return client && shownRequest(request, client, clientName, csrf, context)
    }),
  )
  const html = approvalsPage({
    action: `${context.basePath}${approvalsPath}`,
    username: person.user.username,
    other: `${context.basePath}${approvalsPath}?other=yes`,
    requests: listed.filter((each) => each !== undefined),
    ...(error !== undefined && { error }),
  })
  return { ...page(error === undefined ? 200 : 400, html), cookies }
}

const shownRequest = (
  request: BackchannelRequest,
  client: Client,
  clientName: string | Said,
  csrf: string,
  context: Context,
): ShownRequest => ({
  id: request.id,
  csrf,
  clientName,
  unverified: client.self_registered,
  bindingMessage: request.binding_message,
  minutes: Math.ceil((request.expires_at - seconds(context.clock)) / 60),
  scopes: request.scope.map((name) => ({
    name,
    description: ownMember(context.scopeDescriptions, name) ?? name,
  })),
  details: describeExtra(request.extra, context),
})

/** The step-up page, when the session lacks the level that the client or the End-User requires for an approval. */
async function requireLevel(
  call: Call,
  context: Context,
  person: SignedInPerson,
  id: string,
): Promise<Reply | undefined> {
  const request = await BackchannelRequest.find(context, id)
  const client = request && (await findClient(context, request.client_id))
  return client && stepUpFirst(call, context, person, client, approvalsPath, demandOf(request))
}

const demandOf = ({ acr }: BackchannelRequest): AcrDemand =>
  acr ? { ...nothingDemanded, requested: acr } : nothingDemanded

/** The session as the client gets to know it. Throws if it lacks the level, and no page leads to it. */
function sessionFor(request: BackchannelRequest, session: Session): Session {
  const demand = demandOf(request)
  const open = openDemand(session.acr, demand)
  if (open)
    throw new OAuthError('unmet_authentication_requirements', {
      rule: 'OpenID Unmet Authentication Requirements §1',
      expected: `a sign-in of acr ${open.levels.join(' or ')}`,
      came: session.acr,
      problem: `the client requires acr ${shown(open.levels.join(' '))}; this sign-in reached ${session.acr}`,
      next: 'sign in again in another way, or deny the request',
    })
  return { ...session, acr: acrToSay(session.acr, demand) }
}

/** Undefined when the request is not one of this End-User, was answered before, or has expired. */
async function decide(
  call: Call,
  context: Context,
  person: SignedInPerson,
  id: string,
  allowed: boolean,
): Promise<Reply | undefined> {
  const request = await BackchannelRequest.find(context, id)
  const client = request && (await findClient(context, request.client_id))
  if (!client || request.sub !== person.user.sub || !isOpen(request, context)) return undefined
  const grant = allowed ? grantFor(request, client, person, context) : undefined
  // The grant is created first, so that an approved request always has one. When another answer was first, this grant is ended.
  if (grant && !(await createApproved(context, client, person, grant)))
    return redirectWithin(`${context.basePath}${approvalsPath}`)
  const outcome = grant
    ? ({ status: 'approved', grant_id: grant.grant_id } as const)
    : ({ status: 'denied' } as const)
  const answered = await answer(context, id, outcome)
  if (!answered) {
    if (grant) await Grant.end(context, grant.grant_id)
    return undefined
  }
  if (answered.mode !== 'poll') {
    await schedule(context, 'client', id, context.clock.now())
    void deliverNow(context, notifications, 'client', id)
  }
  if (grant) await useSession(context, person.session, client.client_id)
  await note(call, context, 'approval_answered', {
    client_id: client.client_id,
    sub: person.user.sub,
    allowed,
  })
  return showAnswered(context, allowed)
}

function showAnswered({ basePath }: Context, allowed: boolean): Reply {
  const action = `${basePath}${approvalsPath}`
  const again = `${action}?done=${allowed ? 'approved' : 'denied'}`
  return { ...page(200, answeredPage({ allowed, action })), again }
}

/** The grant outlives the session that approved it. In push mode no code is redeemed, so the grant is active at once. */
function grantFor(
  request: BackchannelRequest,
  client: Client,
  { session, user }: SignedInPerson,
  context: Context,
): Grant {
  const { scope, extra, expires_at, mode, bound } = request
  const person = { session: sessionFor(request, session), user }
  const left = Math.max(1, expires_at - seconds(context.clock))
  const grant = { ...newGrant(context, client, person, { scope, extra }, left), session_bound: false }
  return mode === 'push' ? redeemed(grant, client, bound, context) : grant
}
