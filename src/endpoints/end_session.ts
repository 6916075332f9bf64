/** RP-initiated logout. https://openid.net/specs/openid-connect-rpinitiated-1_0.html */
import { note } from '../models/audit/note.ts'
import { formEncode, withQuery } from '../auth/redirect_uri.ts'
import type { Context } from '../contracts/context.ts'
import { sidOf } from '../grants/person.ts'
import { form, query } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import { findClient } from '../clients/find_client.ts'
import { csrfToken, ensureBrowser, requireOwnForm } from '../http/csrf.ts'
import { mayRedirectAtOnce } from '../http/authorization_response.ts'
import { hostOf, shownClient } from '../http/client_words.ts'
import { formTarget } from '../http/headers.ts'
import { loggedOutPage, logoutPage } from '../html/pages.ts'
import { page, redirectToClient, redirectWithin, withinUrl } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { currentSession, withoutSession } from '../http/session.ts'
import { endSession as endIt } from '../people/end_session.ts'
import type { NotifiedClients } from '../html/sign_out_words.ts'
import type { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { page as pageReply, pageTroubles, seeOther } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { LogoutParams, logoutParams, type LogoutRequest, readLogoutRequest } from '../flow/logout_request.ts'
import { withSealedHint } from '../flow/id_token_hint.ts'
import type { Params } from '../auth/params.ts'

const responses = {
  200: pageReply('Signed out, or the question whether to sign out'),
  303: seeOther('Back to the client, signed out'),
  ...pageTroubles,
  403: pageReply('The form was not sent by a page of this provider'),
}

export const endSession = defineEndpoint({
  name: 'end_session',
  path: '/logout',
  limited: true,
  page: true,
  api: () => ({
    GET: { summary: 'Sign the End-User out', query: LogoutParams, responses },
    POST: { summary: 'The same with parameters in a form', form: LogoutParams, responses },
  }),
  async get(call, context) {
    const { request, session } = await readAll(call, context, query(call, context))
    if (!session || isOfThisSession(request, session, context))
      return signOut(call, context, request, session)
    return confirm(call, context, request, session)
  },
  async form(call, context) {
    const fields = await form(call, context)
    // A form of another site has no cookies of ours (SameSite=Lax), and a direct answer would delete them without asking the End-User.
    if (fields.csrf_token === undefined) {
      const target = `${context.basePath}/logout?${formEncode(withSealedHint(fields, context))}`
      return { reply: redirectWithin(withinUrl(target)) }
    }
    requireOwnForm(call, context, fields.csrf_token, purpose)
    return { fields }
  },
  async post(call, context, { fields }) {
    const { request, session } = await readAll(call, context, fields)
    return fields.logout === undefined
      ? redirectWithin(`${context.basePath}/`)
      : signOut(call, context, request, session)
  },
})

const purpose = 'logout'

async function readAll(call: Call, context: Context, given: Params) {
  const params = logoutParams(given, context)
  call.uiLocales = params.ui_locales
  call.clientId = params.client_id
  const request = await readLogoutRequest(params, context)
  return { request, session: await currentSession(call, context) }
}

/**
 * Whether the hint is an ID Token of this session. Then the client may sign the End-User out without a question. Any other
 * request may come from a link on another site, so the End-User is asked.
 */
const isOfThisSession = ({ hint, client }: LogoutRequest, session: Session, context: Context): boolean =>
  hint?.sid !== undefined && hint.sid === (client ? sidOf(session.sid, client, context) : session.sid)

type Name = NotifiedClients['server'][number]

/** The clients of a session, by the channel that notifies them of its end. */
async function notifiedClients(call: Call, session: Session, context: Context): Promise<NotifiedClients> {
  const told = { server: [] as Name[], browser: [] as Name[], none: [] as Name[] }
  for (const clientId of session.clients) {
    const client = await findClient(context, clientId)
    if (!client) continue // the client has been removed
    const channels = context.table.logout.channel.map((channelOf) => channelOf(context, client))
    const surest = (['server', 'browser'] as const).find((channel) => channels.includes(channel))
    told[surest ?? 'none'].push(shownClient(client, call, context).clientName)
  }
  return told
}

async function signOut(
  call: Call,
  context: Context,
  { params, client, redirect }: LogoutRequest,
  session: Session | undefined,
): Promise<Reply> {
  const told = session && (await notifiedClients(call, session, context))
  const parts = session
    ? await Promise.all(context.table.logout.frames.map((framesOf) => framesOf(context, session)))
    : []
  const frames = parts.flatMap((part) => part.frames)
  if (session) {
    await endIt(session.sid, context)
    note(call, context, 'signed_out', { sub: session.sub, client_id: client?.client_id })
  }
  const onward =
    redirect && (params.state === undefined ? redirect : withQuery(redirect, { state: params.state }))
  // Without a session the End-User was asked nothing.
  const atOnce =
    onward === undefined || session !== undefined || !client || mayRedirectAtOnce(client, onward, context)
  if (onward !== undefined && atOnce && frames.length === 0)
    return withoutSession(redirectToClient(onward), context)
  // A page links to http and https only. For another scheme it links to this endpoint, which redirects: no session is left.
  const { post_logout_redirect_uri, state } = params
  const again = formEncode({ client_id: client?.client_id, post_logout_redirect_uri, state })
  const html = loggedOutPage({
    ...(client && shownClient(client, call, context)),
    ended: session !== undefined,
    again: `${context.basePath}/login`,
    told,
    frames,
    onwardHost: onward === undefined || atOnce ? undefined : hostOf(onward),
    onward: onward === undefined || /^https?:/i.test(onward) ? onward : `${context.basePath}/logout?${again}`,
  })
  return { ...withoutSession(page(200, html), context), frameSources: parts.flatMap((part) => part.sources) }
}

async function confirm(
  call: Call,
  context: Context,
  { params, client, redirect }: LogoutRequest,
  session: Session,
): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const [user, told] = await Promise.all([
    User.find(context, session.sub),
    notifiedClients(call, session, context),
  ])
  const { id_token_hint, post_logout_redirect_uri, state, ui_locales } = params
  const asked = { client_id: client?.client_id, id_token_hint, post_logout_redirect_uri, state, ui_locales }
  const kept = Object.entries(asked).filter((each): each is [string, string] => each[1] !== undefined)
  const html = logoutPage({
    action: `${context.basePath}/logout`,
    csrf: csrfToken(context, browser, purpose),
    interaction: '',
    ...(client && shownClient(client, call, context)),
    username: user?.username,
    told,
    // Sealed: another person who found the address of this page must not read the ID Token in it.
    hidden: withSealedHint(Object.fromEntries(kept), context),
  })
  return { ...page(200, html), cookies, formTargets: redirect ? formTarget(redirect) : [] }
}
