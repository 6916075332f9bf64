/** /initiate_login: redirects the browser to the initiate_login_uri of a client. https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin */
import { OAuthError } from '../../auth/errors.ts'
import { shown } from '../../auth/refusal.ts'
import { matchRedirectUri, withQuery } from '../../auth/redirect_uri.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { inQuery, page as pageResponse, pageTroubles, seeOther, text } from '../../openapi/parts.ts'
import { unknownClient } from '../../flow/read_request.ts'
import { query } from '../../http/call.ts'
import { shownClient } from '../../http/client_words.ts'
import { page, redirectToClient } from '../../http/reply.ts'
import { isSaid } from '../../lib/say.ts'
import type { Client } from '../../models/client.ts'
import { requireClient } from '../../clients/find_client.ts'
import { initiatePage } from './pages.ts'

export const initiatePath = '/initiate_login'

/**
 * `login_hint` is not sent: any site can send a browser here, and the client would learn the identity of the End-User
 * before consent. An End-User with a session is identified by the authorization response anyway.
 */
export const initiateLogin = defineEndpoint({
  name: 'initiate_login',
  path: initiatePath,
  advertised: false,
  limited: true,
  page: true,
  api: () => ({
    GET: {
      summary: 'Start the sign-in at a client',
      parameters: [
        inQuery('client_id', text('A client that registered initiate_login_uri'), true),
        inQuery('target_link_uri', text('The page of the client to open after the sign-in')),
      ],
      responses: {
        200: pageResponse('Asks the End-User first, for a client that the operator did not register'),
        303: seeOther('To the initiate_login_uri, with iss and target_link_uri'),
        ...pageTroubles,
      },
    },
  }),
  async get(call, context) {
    const { client_id, target_link_uri } = query(call, context)
    if (client_id === undefined)
      throw new OAuthError('invalid_request', {
        rule: 'OpenID Connect Core §4',
        expected: 'client_id is required',
      })
    call.clientId = client_id
    const client = await requireClient(context, client_id, () => unknownClient(client_id))
    const uri = client.initiate_login_uri
    const trusted = uri === undefined ? undefined : matchRedirectUri([uri], uri)
    if (uri === undefined || trusted === undefined)
      throw new OAuthError('invalid_request', {
        rule: 'OpenID Connect Core §4',
        expected: 'a client that registered initiate_login_uri',
        problem: 'this client registered no initiate_login_uri',
        next: 'open the application at its own address',
      })
    if (target_link_uri !== undefined) requireOwnTarget(target_link_uri, client)
    const url = withQuery(trusted, { iss: context.config.issuer, target_link_uri })
    if (!client.self_registered) return redirectToClient(url)
    const describedAt = client.described_at === undefined ? undefined : new URL(client.described_at).host
    const { host } = new URL(uri)
    const display = shownClient(client, call, context)
    const clientName = isSaid(display.clientName) ? host : display.clientName
    return page(200, initiatePage({ ...display, clientName, host, describedAt, url }))
  },
})

const longestTarget = 2000

/** The origin of an http or https URL. Other schemes have the origin "null", which would match each other. */
function originOf(uri: string | undefined): string | undefined {
  const url = uri === undefined ? null : URL.parse(uri)
  return url && /^https?:$/.test(url.protocol) && !url.username && !url.password ? url.origin : undefined
}

/** §4: the client must check target_link_uri too. This check prevents an open redirect at clients that do not. */
function requireOwnTarget(target: string, client: Client): void {
  const own = [client.initiate_login_uri, client.client_uri, ...client.redirect_uris].map(originOf)
  const origin = target.length > longestTarget ? undefined : originOf(target)
  if (origin === undefined || !own.includes(origin))
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §4',
      expected: 'target_link_uri with scheme, host and port of a URI that this client registered',
      came: target,
      problem: `target_link_uri ${shown(target)} does not belong to this client: its scheme, host and port must be those of a URI it registered`,
    })
}
