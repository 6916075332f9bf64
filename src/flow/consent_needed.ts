/** What a person is asked to agree to, and whether it must be asked again. https://openid.net/specs/openid-connect-core-1_0.html#Consent */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import { isPublic } from '../models/client.ts'
import { Consent } from '../models/consent.ts'
import type { CheckedRequest } from './checked_request.ts'
import { describeExtra } from './grant_extra.ts'

/** Names asked for one by one, beyond what the scopes cover; what every ID Token says anyway needs no consent. */
export const claimsAsked = ({ request }: CheckedRequest): string[] =>
  [
    ...new Set([
      ...Object.keys(request.claims?.userinfo ?? {}),
      ...Object.keys(request.claims?.id_token ?? {}),
    ]),
  ].filter((name) => !aboutSignIn.includes(name))

const aboutSignIn = ['sub', 'acr', 'amr', 'auth_time', 'iss', 'aud', 'exp', 'iat', 'sid', 'nonce']

/**
 * Nothing proves who answers at a private-use scheme or a native application's loopback port, so such a client is
 * asked for each time (RFC 8252 §8.6). A private-use scheme is native whatever the client calls itself.
 */
const cannotProveItself = ({ client, request }: CheckedRequest): boolean =>
  isPublic(client) &&
  !request.redirect.startsWith('https:') &&
  (client.application_type === 'native' || !request.redirect.startsWith('http:'))

export async function consentIsMissing(
  checked: CheckedRequest,
  sub: string,
  context: Context,
): Promise<boolean> {
  const { client, request, extra } = checked
  if (describeExtra(extra, context).length > 0) return true
  if (client.first_party) return false
  if (cannotProveItself(checked)) return true
  return !Consent.covers(
    await Consent.find(context, sub, client.client_id),
    request.scope,
    claimsAsked(checked),
  )
}

export const consentDenied = () =>
  new OAuthError('access_denied', {
    rule: 'RFC 6749 §4.1.2.1',
    expected: 'the consent of the End-User',
    problem: 'the person did not allow it',
  })
