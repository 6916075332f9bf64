/** Sends a person to where an application begins its sign-in. https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin */
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
 * `login_hint` is not sent: any site can lead a browser here, and the application would learn who sits at it before
 * that person agreed. Where they are signed in here, it hears who they are a moment later anyway.
 */
export const initiateLogin = defineEndpoint({
  name: 'initiate_login',
  path: initiatePath,
  advertised: false,
  limited: true,
  page: true,
  api: {
    GET: {
      summary: 'Begin a sign-in at an application',
      parameters: [
        inQuery('client_id', text('The application: it registered an initiate_login_uri'), true),
        inQuery('target_link_uri', text('Where in the application to arrive after the sign-in')),
      ],
      responses: {
        200: pageResponse('Asks first, where nobody vouches for the application'),
        303: seeOther('To the application, with iss and target_link_uri'),
        ...pageTroubles,
      },
    },
  },
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
        problem: 'this application registered no initiate_login_uri',
        next: 'open it by its own address',
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

/** The address's origin, where browsers know one: of another scheme it is the text "null", which all of them share. */
function originOf(uri: string | undefined): string | undefined {
  const url = uri === undefined ? null : URL.parse(uri)
  return url && /^https?:$/.test(url.protocol) && !url.username && !url.password ? url.origin : undefined
}

/** §4: an application must check it too; one that does not shall not become an open redirect through us. */
function requireOwnTarget(target: string, client: Client): void {
  const own = [client.initiate_login_uri, client.client_uri, ...client.redirect_uris].map(originOf)
  const origin = target.length > longestTarget ? undefined : originOf(target)
  if (origin === undefined || !own.includes(origin))
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §4',
      expected: 'target_link_uri with scheme, host and port of a URI that this client registered',
      came: target,
      problem: `target_link_uri ${shown(target)} does not belong to this application: its scheme, host and port must be those of a URI it registered`,
    })
}
