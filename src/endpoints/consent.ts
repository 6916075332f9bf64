/** The consent page: what the client requests, and the End-User's answer. https://openid.net/specs/openid-connect-core-1_0.html#Consent */
import { note } from '../models/audit/note.ts'
import { ownMember } from '../lib/own_member.ts'
import type { Context } from '../contracts/context.ts'
import type { Call } from '../contracts/call.ts'
import { form } from '../http/call.ts'
import { browserOf, csrfToken, isOwnToken, requireOwnForm } from '../http/csrf.ts'
import { respondWithError } from '../http/authorization_response.ts'
import { imageSources } from '../html/client_parts.ts'
import { hostOf, shownClient, unnamedAt } from '../http/client_words.ts'
import { formTarget } from '../http/headers.ts'
import { claimDescription, consentPage, type ShownScope } from '../html/pages.ts'
import { shownPerson } from '../people/shown_person.ts'
import { page, redirectWithin } from '../http/reply.ts'
import { isSaid } from '../lib/say.ts'
import type { Reply } from '../contracts/reply.ts'
import { currentSession } from '../http/session.ts'
import { Consent } from '../models/consent.ts'
import { Interaction } from '../models/interaction.ts'
import type { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { clientOf, readRequest, requireTrustedRedirect } from '../flow/read_request.ts'
import type { CheckedRequest } from '../flow/checked_request.ts'
import type { OpenInteraction } from '../flow/open_interaction.ts'
import {
  agreementOf,
  asksEveryTime,
  claimsAsked,
  consentDenied,
  shownOnPage,
} from '../flow/consent_needed.ts'
import { defineEndpoint, type Submitted } from '../contracts/endpoint.ts'
import {
  formFields,
  interactionOfPage,
  otherAccountPath,
  pageOfForm,
  requireInteraction,
  resumePath,
} from '../flow/interaction_page.ts'
import { describeExtra } from '../flow/grant_extra.ts'

export const consent = defineEndpoint({
  name: 'consent',
  path: '/consent',
  advertised: false,
  limited: true,
  page: true,
  get: show,
  async form(call, context) {
    const fields = await form(call, context)
    const { interaction: handle } = fields
    const [token, seen = '', viewer = ''] = fields.csrf_token?.split('.') ?? []
    const page = await pageOfForm(call, context, 'consent', handle)
    requireOwnForm(call, context, token, `${purposeFor(seen, viewer)} ${handle}`, page)
    const open = await requireInteraction(call, context, handle)
    const session = await currentSession(call, context)
    // The session of the page has ended: the End-User signs in and sees the page again.
    if (!session) return { reply: redirectWithin(resumePath(context, open.handle)) }
    // Another End-User has signed in since, in another tab.
    if (!isOwnToken(call, context, viewer, viewerPurpose(session, open)))
      return { reply: redirectWithin(`${context.basePath}/select_account?interaction=${open.handle}`) }
    return { ...open, fields, session, seen }
  },
  post: submit,
})

/** `seen` is the hash of what the page showed. It stands behind the CSRF token of the form, and a token of its End-User. */
type Answer = OpenInteraction & Submitted & { session: Session; seen: string }

/** The authorization request that the page is about, read from the parameters that the interaction stored. */
async function requestOf(open: OpenInteraction, context: Context): Promise<CheckedRequest> {
  const params = open.interaction.params ?? {}
  const client = await clientOf(context, params)
  return readRequest(context, { client, params, redirect: requireTrustedRedirect(client, params) })
}

async function show(call: Call, context: Context): Promise<Reply> {
  const open = await interactionOfPage(call, context)
  const session = await currentSession(call, context)
  const user = session && (await User.find(context, session.sub))
  if (!session || !user) return redirectWithin(resumePath(context, open.handle))
  const checked = await requestOf(open, context)
  const { client, request } = checked
  const before = Consent.before(
    await Consent.find(context, user.sub, client.client_id),
    agreementOf(checked, context),
  )
  const shown = shownClient(client, call, context)
  const host = hostOf(request.redirect)
  const seen = shownOnPage(checked, context)
  const viewer = csrfToken(context, browserOf(call, context) ?? '', viewerPurpose(session, open))
  const fields = formFields(call, context, purposeFor(seen, viewer), open.handle)
  const html = consentPage({
    ...shown,
    clientName: isSaid(shown.clientName) ? unnamedAt(host) : shown.clientName,
    unverified: client.self_registered,
    ...fields,
    csrf: `${fields.csrf}.${seen}.${viewer}`,
    action: `${context.basePath}/consent`,
    clientHost: host,
    describedAt: client.described_at === undefined ? undefined : hostOf(client.described_at),
    ...shownPerson(user, context),
    other: otherAccountPath(context, open.handle),
    scopes: shownScopes(checked, before, context),
    details: describeExtra(checked.extra, context),
    lastsSeconds: asksEveryTime(checked, context) ? undefined : context.config.consentTtl,
  })
  return {
    ...page(200, html),
    imageSources: imageSources(shown),
    formTargets: formTarget(request.redirect),
  }
}

const purposeFor = (seen: string, viewer: string) => `consent ${seen} ${viewer}`

/** The answer is that of the End-User who saw the page, even after a new sign-in of the same End-User in another tab. */
const viewerPurpose = ({ sub }: Pick<Session, 'sub'>, { handle }: OpenInteraction) =>
  `consent of ${sub} ${handle}`

function shownScopes(
  checked: CheckedRequest,
  before: Pick<Consent, 'scope' | 'claims'> | undefined,
  context: Context,
): ShownScope[] {
  const scopes = checked.request.scope.map((name) => ({
    name,
    description: ownMember(context.scopeDescriptions, name) ?? name,
    isNew: before !== undefined && !before.scope.includes(name),
  }))
  const covered = new Set(checked.request.scope.flatMap((scope) => context.scopeTable[scope] ?? []))
  // Without the language that the request wants it in: the client chose that text.
  const single = claimsAsked(checked)
    .filter((name) => !covered.has(name))
    .map((name) => ({
      name: name.split('#')[0]!,
      description: claimDescription(name),
      isNew: before !== undefined && !before.claims.includes(name),
    }))
  return [...scopes, ...single]
}

async function submit(
  call: Call,
  context: Context,
  { fields, session, seen, ...open }: Answer,
): Promise<Reply> {
  const checked = await requestOf(open, context)
  const { client, request } = checked
  const isAllowed = fields.allow !== undefined
  const shown = shownOnPage(checked, context)
  // The client has changed its registration since the page was opened: the End-User sees the page again.
  if (isAllowed && seen !== shown)
    return redirectWithin(`${context.basePath}/consent?interaction=${open.handle}`)
  // A denial is final: a consent page that is still open yields no code, and a concurrent submission does not overrule it.
  const noted = await Interaction.update(context, open.handle, (current) =>
    !isAllowed
      ? { ...current, denied: true }
      : current.denied
        ? undefined
        : { ...current, consented_by: session.sid, consented_to: shown },
  )
  if (!isAllowed || !noted) {
    context.metrics.count('consents', 'result', 'denied')
    note(call, context, 'consent_refused', { sub: session.sub, client_id: client.client_id })
    return respondWithError(call, context, consentDenied(), {
      client,
      redirect: request.redirect,
      mode: request.responseMode,
      params: request.params,
    })
  }
  await Consent.extend(
    context,
    session.sub,
    client.client_id,
    agreementOf(checked, context),
    context.config.consentTtl,
  )
  context.metrics.count('consents', 'result', 'allowed')
  await note(call, context, 'consent_given', {
    sub: session.sub,
    client_id: client.client_id,
    scope: request.scope.join(' '),
  })
  return redirectWithin(resumePath(context, open.handle))
}
