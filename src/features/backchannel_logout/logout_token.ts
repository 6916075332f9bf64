/** Makes the logout token of one client: `sub` and `sid` of the session that ended. https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken */
import { sign } from '../../auth/jws.ts'
import { signerFor } from '../../clients/signer.ts'
import type { Context } from '../../contracts/context.ts'
import { wrapDocument } from '../../grants/documents.ts'
import { sidOf, subjectOf } from '../../grants/person.ts'
import { seconds } from '../../lib/clock.ts'
import type { Client } from '../../models/client.ts'

/** Seconds. §4: short, so that a leaked token is soon useless. */
const lifetimeSeconds = 120

const idTokenAlg = 'id_token_signed_response_alg'
const event = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * §2.4: signed and encrypted like the client's ID Tokens, with sub and sid, and without nonce. The `typ` differs, so that it
 * cannot be used as an ID Token. Each attempt has a new `jti`, so that a client whose answer was lost does not refuse the
 * next attempt as a replay.
 */
export async function logoutToken(
  { sub, sid }: { sub: string; sid: string },
  client: Client,
  context: Context,
): Promise<string> {
  const iat = seconds(context.clock)
  const jwt = await sign(signerFor(context, idTokenAlg, client[idTokenAlg]), 'logout+jwt', {
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
