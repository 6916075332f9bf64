/** Front-channel logout: the signed-out page loads the logout URL of each client in a frame. https://openid.net/specs/openid-connect-frontchannel-1_0.html */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { optionalText } from '../../auth/params.ts'
import { formEncode, redirectUriProblem } from '../../auth/redirect_uri.ts'
import { sidOf } from '../../grants/person.ts'
import { findClient } from '../../clients/find_client.ts'
import { defineView } from '../../html/view.ts'
import { originSource, type PolicySource, schemeSource } from '../../lib/policy_source.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { defineFeature, type RegistrationRule } from '../../contracts/feature.ts'

/** The sandbox allows the client's page scripts and cookies, but no navigation of the top window. */
const frame = defineView(
  'frontchannel_logout',
  '<iframe src="{{url}}" title="" tabindex="-1" referrerpolicy="no-referrer" sandbox="allow-same-origin allow-scripts allow-forms"></iframe>',
  ['url'],
)

const metadata = declareMetadata({
  frontchannel_logout_uri: optionalText('Loaded in a frame when the End-User signs out'),
  frontchannel_logout_session_required: v.optional(v.boolean()),
})

const logoutUriOf = (client: Client): string | undefined => metadata.of(client).frontchannel_logout_uri

/** §2: always with `iss` and `sid`, also for clients that do not require them. */
const withSession = (uri: string, iss: string, sid: string): string =>
  `${uri}${uri.includes('?') ? '&' : '?'}${formEncode({ iss, sid })}`

/** frame-src cannot name an IPv6 address such as [::1], so the scheme is used instead. */
const sourcesOf = (uri: string): PolicySource[] =>
  new URL(uri).hostname.startsWith('[') ? schemeSource(uri) : originSource(uri)

/** §2: scheme, host and port must be those of a redirect URI, so that our page loads no foreign site. */
const uriRule: RegistrationRule = {
  name: 'frontchannel_logout_uri',
  async check(_context, read) {
    const { frontchannel_logout_uri: uri } = metadata.of(read)
    if (uri === undefined) return
    const refuse = (why: string) =>
      new OAuthError('invalid_client_metadata', {
        rule: 'OpenID Connect Front-Channel Logout §2',
        expected: 'frontchannel_logout_uri with scheme, host and port of one of redirect_uris',
        came: uri,
        problem: `frontchannel_logout_uri ${why}`,
      })
    const problem = redirectUriProblem(uri, 'web')
    if (problem !== undefined) throw refuse(problem)
    const { origin } = new URL(uri)
    if (!read.redirect_uris.some((each) => new URL(each).origin === origin))
      throw refuse(`must have scheme, host and port of one of redirect_uris, got ${origin}`)
  },
}

export const frontchannelLogout = defineFeature({
  name: 'frontchannel_logout',
  clientMetadata: metadata,
  registrationRules: [uriRule],
  metadata: () => ({
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
  }),
  logout: {
    channel: (_context, client) => (logoutUriOf(client) === undefined ? undefined : 'browser'),
    async frames(context, { sid, clients }) {
      const found = await Promise.all(clients.map(async (clientId) => findClient(context, clientId)))
      const uris = found.flatMap((client) => {
        const uri = client && logoutUriOf(client)
        return uri && client ? [withSession(uri, context.config.issuer, sidOf(sid, client, context))] : []
      })
      return {
        frames: uris.map((url) => frame({ url })),
        sources: [...new Set(uris.flatMap(sourcesOf))],
      }
    },
  },
})
