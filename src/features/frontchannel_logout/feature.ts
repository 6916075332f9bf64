/** Front-channel logout: the page that says one has signed out asks clients, in frames, to forget the person too. https://openid.net/specs/openid-connect-frontchannel-1_0.html */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { formEncode, redirectUriProblem } from '../../auth/redirect_uri.ts'
import { sidOf } from '../../grants/person.ts'
import { findClient } from '../../http/client_authentication.ts'
import { defineView } from '../../html/view.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { defineFeature, type RegistrationRule } from '../../contracts/feature.ts'

/** A client's page may run its scripts and reach its cookies; it may not lead the whole window elsewhere. */
const frame = defineView(
  'frontchannel_logout',
  '<iframe src="{{url}}" title="" tabindex="-1" referrerpolicy="no-referrer" sandbox="allow-same-origin allow-scripts allow-forms"></iframe>',
  ['url'],
)

const metadata = declareMetadata({
  frontchannel_logout_uri: v.optional(v.string()),
  frontchannel_logout_session_required: v.optional(v.boolean()),
})

const logoutUriOf = (client: Client): string | undefined => metadata.of(client).frontchannel_logout_uri

/** §2: issuer and session, always both: whoever does not need them does not mind. */
const withSession = (uri: string, iss: string, sid: string): string =>
  `${uri}${uri.includes('?') ? '&' : '?'}${formEncode({ iss, sid })}`

/** A source of frame-src cannot name [::1], so there the scheme has to do. */
const sourceOf = (uri: string): string => {
  const { origin, hostname, protocol } = new URL(uri)
  return hostname.startsWith('[') ? protocol : origin
}

/** §2: scheme, host and port of a redirect URI, so that nobody has our page load what is not theirs. */
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
      const found = await Promise.all(clients.map((clientId) => findClient(context, clientId)))
      const uris = found.flatMap((client) => {
        const uri = client && logoutUriOf(client)
        return uri && client ? [withSession(uri, context.config.issuer, sidOf(sid, client, context))] : []
      })
      return {
        frames: uris.map((url) => frame({ url })),
        sources: [...new Set(uris.map(sourceOf))],
      }
    },
  },
})
