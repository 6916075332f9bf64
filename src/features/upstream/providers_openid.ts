/** Providers with OpenID Connect, one row each, with links to their documentation. */
import { type Answers, type Claims, idText, isTrue, isVerified, membersOf, type ProviderRow } from './row.ts'

const merged = ({ idToken, userinfo }: Answers): Claims => ({ ...userinfo, ...idToken })

const googleBase = 'https://accounts.google.com'

/**
 * An address counts as verified only if Google is the authority for it: gmail.com or a hosted domain. For any other
 * address `email_verified` means that it was verified once, not that it still belongs to this End-User.
 */
export const google: ProviderRow = {
  name: 'google',
  label: 'Google',
  icon: 'mark-google',
  documentation: [
    'https://developers.google.com/identity/openid-connect/openid-connect',
    'https://developers.google.com/identity/openid-connect/reference',
  ],
  base: googleBase,
  scope: 'openid email profile',
  where: ({ base }) => ({ issuer: base }),
  auth: 'client_secret_post',
  parameters: ({ hostedDomain }): Readonly<Record<string, string>> =>
    hostedDomain === undefined ? {} : { hd: hostedDomain },
  claims(said) {
    const claims = merged(said)
    const { email, email_verified, hd } = claims
    const authority = typeof hd === 'string' || (typeof email === 'string' && /@gmail\.com$/i.test(email))
    return { ...claims, email_verified: isTrue(email_verified) && authority }
  },
  // The parameter `hd` only changes what Google's page offers, so the claim is checked.
  refuses: ({ hd }, { hostedDomain }) =>
    hostedDomain === undefined || hd === hostedDomain ? undefined : 'another hosted domain',
}

/** The id of a tenant. Domain names are not accepted, because they can move to another tenant. */
const tenantId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'
const manyTenants = ['common', 'organizations']
export const isTenant = (tenant: string): boolean =>
  [...manyTenants, 'consumers'].includes(tenant) || tenantId.test(tenant)

/** Administrators of a tenant can set any `email`. It counts as verified only with `xms_edov`. */
export const microsoft: ProviderRow = {
  name: 'microsoft',
  label: 'Microsoft',
  documentation: [
    'https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc',
    'https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference',
    'https://learn.microsoft.com/en-us/entra/identity-platform/optional-claims-reference',
    'https://learn.microsoft.com/en-us/entra/identity-platform/migrate-off-email-claim-authorization',
  ],
  base: 'https://login.microsoftonline.com',
  scope: 'openid email profile',
  where({ base, tenant = 'common' }) {
    const stated = manyTenants.includes(tenant) ? '{tenantid}' : tenant === 'consumers' ? consumers : tenant
    return { issuer: `${base}/${tenant}/v2.0`, statedIssuer: `${base}/${stated}/v2.0` }
  },
  auth: 'client_secret_post',
  reauthenticate: { prompt: 'login' },
  issuerOf({ tid }, { base, tenant = 'common' }) {
    if (typeof tid !== 'string' || !tenantId.test(tid)) return undefined
    if (tenant === 'organizations' && tid === consumers) return undefined
    if (tenant === 'consumers' && tid !== consumers) return undefined
    if (tenantId.test(tenant) && tid !== tenant) return undefined
    return `${base}/${tid}/v2.0`
  },
  claims(said) {
    const claims = merged(said)
    return { ...claims, email_verified: isTrue(claims.xms_edov) }
  },
}

export const gitlab: ProviderRow = {
  name: 'gitlab',
  label: 'GitLab',
  icon: 'mark-gitlab',
  documentation: ['https://docs.gitlab.com/integration/openid_connect_provider/'],
  base: 'https://gitlab.com',
  scope: 'openid email profile',
  where: ({ base }) => ({ issuer: base }),
  auth: 'client_secret_post',
}

/** Supports neither PKCE with a client secret nor a nonce. Against code injection only `state`, bound to this browser, remains. */
export const linkedin: ProviderRow = {
  name: 'linkedin',
  label: 'LinkedIn',
  documentation: [
    'https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2',
  ],
  base: 'https://www.linkedin.com/oauth',
  scope: 'openid profile email',
  where: ({ base }) => ({ issuer: base }),
  auth: 'client_secret_post',
  withoutPkce: true,
  withoutNonce: true,
  claims(said) {
    const claims = merged(said)
    const { language, country } = membersOf(claims.locale)
    const locale = language === undefined ? claims.locale : [language, country].filter(Boolean).join('-')
    return { ...claims, locale, email_verified: isTrue(claims.email_verified) }
  },
}

/** The name is sent at the first sign-in only, through the browser. The ID Token has the address but no name. */
export const apple: ProviderRow = {
  name: 'apple',
  label: 'Apple',
  icon: 'mark-apple',
  documentation: [
    'https://developer.apple.com/documentation/signinwithapplerestapi/request_an_authorization_to_the_sign_in_with_apple_server',
    'https://developer.apple.com/documentation/signinwithapplerestapi/generate_and_validate_tokens',
    'https://developer.apple.com/documentation/signinwithapplerestapi/authenticating_users_with_sign_in_with_apple',
    'https://developer.apple.com/documentation/signinwithapplerestapi/revoke_tokens',
  ],
  base: 'https://appleid.apple.com',
  scope: 'openid name email',
  where: ({ base }) => ({ issuer: base }),
  auth: 'apple',
  postsBack: true, // Apple requires form_post if a scope is requested
  claims({ idToken, user }) {
    const { firstName, lastName } = membersOf(user?.name)
    const name = [firstName, lastName].filter((each) => typeof each === 'string' && each !== '').join(' ')
    return {
      ...idToken,
      email_verified: isTrue(idToken?.email_verified),
      ...(name !== '' && { name, given_name: firstName, family_name: lastName }),
    }
  },
}

/** A user id is unique only within its workspace, so the workspace is part of the subject. */
export const slack: ProviderRow = {
  name: 'slack',
  label: 'Slack',
  documentation: [
    'https://docs.slack.dev/authentication/sign-in-with-slack/',
    'https://docs.slack.dev/reference/methods/openid.connect.token',
    'https://docs.slack.dev/reference/methods/openid.connect.userInfo',
  ],
  base: 'https://slack.com',
  scope: 'openid email profile',
  where: ({ base }) => ({ issuer: base }),
  auth: 'client_secret_post',
  claims(said) {
    const claims = merged(said)
    const team = idText(claims['https://slack.com/team_id'])
    const user = idText(said.idToken?.sub)
    const sub = !team || !user ? undefined : `${team}/${user}`
    return { ...claims, sub, email_verified: isTrue(claims.email_verified) }
  },
}

/** Any other provider with a discovery document. */
export const oidc: ProviderRow = {
  name: 'oidc',
  label: 'OpenID Connect',
  documentation: [
    'https://openid.net/specs/openid-connect-core-1_0.html',
    'https://openid.net/specs/openid-connect-discovery-1_0.html',
  ],
  scope: 'openid email profile',
  where: ({ base, configured }) => ({ issuer: base, statedIssuer: configured }),
  auth: 'client_secret_basic',
  reauthenticate: { prompt: 'login', max_age: '0' },
  claims(said, provider) {
    const claims = merged(said)
    return { ...claims, email_verified: isVerified(claims.email_verified, provider) }
  },
}
