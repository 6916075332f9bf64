/** The claims that need consent, and whether the End-User must be asked again. https://openid.net/specs/openid-connect-core-1_0.html#Consent */
import { claimsOfSignIn } from '../auth/claims.ts'
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import { sha256 } from '../lib/hash.ts'
import { type Client, isPublic } from '../models/client.ts'
import { type Agreement, Consent } from '../models/consent.ts'
import type { CheckedRequest } from './checked_request.ts'
import { asksEachTime, audienceOf } from './grant_extra.ts'

/** Claims requested by the `claims` parameter. Claims about the sign-in itself need no consent. */
export const claimsAsked = ({ request }: CheckedRequest): string[] =>
  [
    ...new Set([
      ...Object.keys(request.claims?.userinfo ?? {}),
      ...Object.keys(request.claims?.id_token ?? {}),
    ]),
  ].filter((name) => !claimsOfSignIn.includes(name))

/**
 * Any application can claim a private-use scheme or a loopback port. The client's identity is not proven, so consent is
 * required each time (RFC 8252 §8.6). A private-use scheme counts as native whatever `application_type` says.
 */
const cannotProveItself = ({ client, request }: CheckedRequest): boolean =>
  isPublic(client) &&
  !request.redirect.startsWith('https:') &&
  (client.application_type === 'native' || !request.redirect.startsWith('http:'))

const shownMembers = ['client_name', 'client_uri', 'logo_uri']

/** The name, the logo and the website of a client in all languages, and its redirect URIs. */
const appearanceOf = (client: Client): unknown => [
  Object.entries(client)
    .filter(([name]) => shownMembers.includes(name.split('#')[0]!))
    .sort(([one], [other]) => (one < other ? -1 : 1)),
  [...client.redirect_uris].sort(),
]

/** `URL.origin` is `null` for a private-use scheme. */
function originOf(redirect: string): string {
  const { protocol, host } = new URL(redirect)
  return `${protocol}//${host}`
}

/** What the End-User is asked to agree to. An unverified client is known by what the page shows of it alone. */
export const agreementOf = (checked: CheckedRequest, context: Context): Agreement => ({
  resources: audienceOf(checked.extra, context),
  scope: checked.request.scope,
  claims: claimsAsked(checked),
  ...(checked.client.self_registered && {
    shown_as: sha256(JSON.stringify([originOf(checked.request.redirect), appearanceOf(checked.client)])),
  }),
})

/**
 * Hash of all that the consent page shows. The answer to the page holds for that alone: the client may change its
 * registration while the page is open.
 */
export const shownOnPage = (checked: CheckedRequest, context: Context): string =>
  sha256(
    JSON.stringify([
      appearanceOf(checked.client),
      checked.request.redirect,
      agreementOf(checked, context),
      checked.extra,
    ]),
  )

/** Whether no answer is remembered. */
export const asksEveryTime = (checked: CheckedRequest, context: Context): boolean =>
  asksEachTime(checked.extra, context) || cannotProveItself(checked)

export async function consentIsMissing(
  checked: CheckedRequest,
  sub: string,
  context: Context,
): Promise<boolean> {
  const { client, extra } = checked
  if (asksEachTime(extra, context)) return true
  if (client.first_party) return false
  if (cannotProveItself(checked)) return true
  return !Consent.covers(await Consent.find(context, sub, client.client_id), agreementOf(checked, context))
}

export const consentDenied = () =>
  new OAuthError('access_denied', {
    rule: 'RFC 6749 §4.1.2.1',
    expected: 'the consent of the End-User',
    problem: 'the End-User denied the request',
  })
