/** The page on which a person sees what waits for an answer, and gives it. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.8 */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { ownPage } from '../../openapi/parts.ts'
import { accountPurpose, signedInForm } from '../../flow/account_form.ts'
import { type AtHand, pageOfPerson } from '../../flow/person_at_hand.ts'
import { raisedFirst } from '../../flow/step_up.ts'
import { grantLifetime, redeemed } from '../../grants/authorization_code.ts'
import { newGrant } from '../../grants/new_grant.ts'
import type { Call } from '../../contracts/call.ts'
import { shownClient } from '../../http/client_words.ts'
import { findClient } from '../../http/client_authentication.ts'
import { csrfToken, ensureBrowser } from '../../http/csrf.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { lifetimesOf } from '../../people/end_session.ts'
import { seconds } from '../../lib/clock.ts'
import { say, type Said } from '../../lib/say.ts'
import type { Client } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import { Session } from '../../models/session.ts'
import { plan, tryNow } from './deliveries.ts'
import { approvalsPath, errands } from './errands.ts'
import { answeredPage, approvalsPage, type ShownRequest } from './pages.ts'
import { answer, BackchannelRequest, isOpen, waitingFor } from './records.ts'
import { describeExtra } from '../../flow/grant_extra.ts'

export const approvals = defineEndpoint({
  name: 'approvals',
  path: approvalsPath,
  advertised: false,
  limited: true,
  page: true,
  api: ownPage('Requests that wait for an answer of this person'),
  get: pageOfPerson(approvalsPath, (call, context, person) => show(call, context, person)),
  form: signedInForm(approvalsPath, ({ request = '' }) => purposeFor(request)),
  async post(call, context, { fields, ...person }) {
    const id = fields.request ?? ''
    const allowed = fields.allow !== undefined && fields.deny === undefined
    const first = allowed ? await levelFirst(call, context, person, id) : undefined
    return first ?? (await decide(context, person, id, allowed)) ?? show(call, context, person, gone)
  },
})

const gone = say('approvals.gone')

/** Good for this request alone. */
const purposeFor = (id: string) => `approval ${id}`

async function show(call: Call, context: Context, person: AtHand, error?: Said): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const waiting = await waitingFor(context, person.user.sub)
  const shown = await Promise.all(
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
    requests: shown.filter((each) => each !== undefined),
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
  scopes: request.scope.map((name) => ({ name, description: context.scopeDescriptions[name] ?? name })),
  details: describeExtra(request.extra, context),
})

/** The reply that asks for what the client of this request, or this person, must have before anything is allowed. */
async function levelFirst(
  call: Call,
  context: Context,
  person: AtHand,
  id: string,
): Promise<Reply | undefined> {
  const request = await BackchannelRequest.find(context, id)
  const client = request && (await findClient(context, request.client_id))
  return client && raisedFirst(call, context, person, client, approvalsPath)
}

/** Undefined when this person has no such request to answer any more. */
async function decide(
  context: Context,
  person: AtHand,
  id: string,
  allowed: boolean,
): Promise<Reply | undefined> {
  const request = await BackchannelRequest.find(context, id)
  const client = request && (await findClient(context, request.client_id))
  if (!client || request.sub !== person.user.sub || !isOpen(request, context)) return undefined
  const grant = allowed ? grantFor(request, client, person, context) : undefined
  // First, so that an approved request always has its grant; the loser of a race takes its own away again.
  if (grant) await Grant.create(context, grant, grantLifetime(client, context))
  const outcome = grant
    ? ({ status: 'approved', grant_id: grant.grant_id } as const)
    : ({ status: 'denied' } as const)
  const answered = await answer(context, id, outcome)
  if (!answered) {
    if (grant) await Grant.end(context, grant.grant_id)
    return undefined
  }
  if (grant) await Session.touch(context, person.session, lifetimesOf(context), client.client_id)
  if (answered.mode !== 'poll') {
    await plan(context, 'client', id, context.clock.now())
    void tryNow(context, errands, 'client', id)
  }
  context.log.info('approval_answered', { client_id: client.client_id, sub: person.user.sub, allowed })
  return page(200, answeredPage({ allowed, action: `${context.basePath}${approvalsPath}` }))
}

/** It outlives the browser that approved it. A client that is pushed to redeems nothing: its grant lives at once. */
function grantFor(
  { scope, extra, expires_at, mode, bound }: BackchannelRequest,
  client: Client,
  person: AtHand,
  context: Context,
): Grant {
  const left = Math.max(1, expires_at - seconds(context.clock))
  const grant = { ...newGrant(context, client, person, { scope, extra }, left), session_bound: false }
  return mode === 'push' ? redeemed(grant, client, bound, context) : grant
}
