/** The claims that need consent, and whether the End-User must be asked again. https://openid.net/specs/openid-connect-core-1_0.html#Consent */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import { isPublic } from '../models/client.ts'
import { Consent } from '../models/consent.ts'
import type { CheckedRequest } from './checked_request.ts'
import { describeExtra } from './grant_extra.ts'

/** Claims requested by the `claims` parameter. Claims about the sign-in itself need no consent. */
export const claimsAsked = ({ request }: CheckedRequest): string[] =>
  [
    ...new Set([
      ...Object.keys(request.claims?.userinfo ?? {}),
      ...Object.keys(request.claims?.id_token ?? {}),
    ]),
  ].filter((name) => !aboutSignIn.includes(name))

const aboutSignIn = ['sub', 'acr', 'amr', 'auth_time', 'iss', 'aud', 'exp', 'iat', 'sid', 'nonce']

/**
 * Any application can claim a private-use scheme or a loopback port. The client's identity is not proven, so consent is
 * required each time (RFC 8252 §8.6). A private-use scheme counts as native whatever `application_type` says.
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
    problem: 'the End-User denied the request',
  })
