/** The logout token: which person and session have ended, for one client. https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken */
import { sign } from '../../auth/jws.ts'
import type { Context } from '../../contracts/context.ts'
import { wrapDocument } from '../../grants/documents.ts'
import { sidOf, subjectOf } from '../../grants/person.ts'
import { seconds } from '../../lib/clock.ts'
import type { Client } from '../../models/client.ts'

/** §4: short, so that one that leaks is soon worth nothing. */
const lifetimeSeconds = 120

const event = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * §2.4: signed as the client's ID Tokens are, encrypted where those are, with both sub and sid, and never a nonce. Its
 * type is its own, so that nobody takes it for an ID Token. Each attempt has a `jti` of its own: a client that did its
 * work and could not say so must not take the next for a replay.
 */
export async function logoutToken(
  { sub, sid }: { sub: string; sid: string },
  client: Client,
  context: Context,
): Promise<string> {
  const iat = seconds(context.clock)
  const jwt = await sign(context.keys.signer(client.id_token_signed_response_alg), 'logout+jwt', {
    iss: context.config.issuer,
    aud: client.client_id,
    iat,
    exp: iat + lifetimeSeconds,
    jti: context.random(15),
    sub: subjectOf(sub, client, context),
    sid: sidOf(sid, client, context),
    events: { [event]: {} },
  })
  return (await wrapDocument(undefined, context, { kind: 'id_token', document: jwt, client }))?.body ?? jwt
}
