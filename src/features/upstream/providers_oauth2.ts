/** Providers with OAuth 2.0 but without OpenID Connect, one row each, with links to their documentation. */
import { createHmac } from 'node:crypto'
import { basicCredentials } from './request.ts'
import { idText, isVerified, membersOf, type ProviderSettings, type ProviderRow } from './row.ts'

/** The origin of the API; if the configuration sets another base URL, the API is below that. */
const apiBase = (provider: ProviderSettings, usual: string, api: string): string =>
  provider.base === usual ? api : provider.base

const githubBase = 'https://github.com'
/** A GitHub Enterprise Server has its API below its own URL. */
const githubApi = ({ base }: ProviderSettings) =>
  base === githubBase ? 'https://api.github.com' : `${base}/api/v3`

/** Without ID Token. The verified addresses are a list at a separate endpoint. */
export const github: ProviderRow = {
  name: 'github',
  label: 'GitHub',
  icon: 'mark-github',
  documentation: [
    'https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps',
    'https://docs.github.com/en/rest/users/emails',
    'https://docs.github.com/en/rest/apps/oauth-applications',
  ],
  base: githubBase,
  scope: 'read:user user:email',
  where: (provider) => ({
    issuer: provider.base,
    endpoints: {
      authorization: `${provider.base}/login/oauth/authorize`,
      token: `${provider.base}/login/oauth/access_token`,
      userinfo: `${githubApi(provider)}/user`,
      emails: `${githubApi(provider)}/user/emails`,
    },
  }),
  auth: 'client_secret_post',
  claims({ userinfo = {}, emails }) {
    const list = Array.isArray(emails) ? emails.map(membersOf) : []
    const primary = list.find((each) => each.primary === true)
    return {
      sub: idText(userinfo.id),
      preferred_username: userinfo.login,
      name: userinfo.name,
      picture: userinfo.avatar_url,
      email: primary?.email,
      email_verified: primary?.verified === true,
    }
  },
  revoke: (access_token, provider) => ({
    url: `${githubApi(provider)}/applications/${encodeURIComponent(provider.clientId)}/grant`,
    method: 'DELETE',
    headers: { authorization: basicCredentials(provider), 'content-type': 'application/json' },
    body: JSON.stringify({ access_token }),
  }),
}

const facebookVersion = 'v21.0'

/** The documentation does not state that addresses are verified, so they count as unverified. */
export const facebook: ProviderRow = {
  name: 'facebook',
  label: 'Facebook',
  icon: 'mark-facebook',
  documentation: [
    'https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow',
    'https://developers.facebook.com/docs/graph-api/reference/user/',
    'https://developers.facebook.com/docs/graph-api/guides/secure-requests/',
  ],
  base: 'https://www.facebook.com',
  scope: 'public_profile email',
  where(provider) {
    const graph = `${apiBase(provider, 'https://www.facebook.com', 'https://graph.facebook.com')}/${facebookVersion}`
    const fields = 'id,name,first_name,last_name,email,picture.width(256).height(256)'
    return {
      issuer: provider.base,
      endpoints: {
        authorization: `${provider.base}/${facebookVersion}/dialog/oauth`,
        token: `${graph}/oauth/access_token`,
        userinfo: `${graph}/me?fields=${encodeURIComponent(fields)}`,
      },
    }
  },
  auth: 'client_secret_post',
  reauthenticate: { auth_type: 'reauthenticate' },
  withToken: (token, { clientSecret = '' }) => ({
    appsecret_proof: createHmac('sha256', clientSecret).update(token).digest('hex'),
  }),
  claims: ({ userinfo = {} }) => ({
    sub: idText(userinfo.id),
    name: userinfo.name,
    given_name: userinfo.first_name,
    family_name: userinfo.last_name,
    email: userinfo.email,
    email_verified: false,
    picture: membersOf(membersOf(userinfo.picture).data).url,
  }),
}

export const discord: ProviderRow = {
  name: 'discord',
  label: 'Discord',
  icon: 'mark-discord',
  documentation: [
    'https://discord.com/developers/docs/topics/oauth2',
    'https://discord.com/developers/docs/resources/user#user-object',
  ],
  base: 'https://discord.com',
  scope: 'identify email',
  where: ({ base }) => ({
    issuer: base,
    endpoints: {
      authorization: `${base}/oauth2/authorize`,
      token: `${base}/api/oauth2/token`,
      userinfo: `${base}/api/users/@me`,
      revocation: `${base}/api/oauth2/token/revoke`,
    },
  }),
  auth: 'client_secret_basic',
  claims({ userinfo = {} }, provider) {
    const { id, username, global_name, avatar, email, verified, locale } = userinfo
    const images = apiBase(provider, 'https://discord.com', 'https://cdn.discordapp.com')
    return {
      sub: idText(id),
      preferred_username: username,
      name: global_name ?? username,
      picture: typeof avatar === 'string' ? `${images}/avatars/${idText(id)}/${avatar}.png` : undefined,
      email,
      email_verified: verified === true,
      locale,
    }
  },
}

/** The documentation states that the address is not verified. */
export const spotify: ProviderRow = {
  name: 'spotify',
  label: 'Spotify',
  icon: 'mark-spotify',
  documentation: [
    'https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow',
    'https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile',
  ],
  base: 'https://accounts.spotify.com',
  scope: 'user-read-email',
  where: (provider) => ({
    issuer: provider.base,
    endpoints: {
      authorization: `${provider.base}/authorize`,
      token: `${provider.base}/api/token`,
      userinfo: `${apiBase(provider, 'https://accounts.spotify.com', 'https://api.spotify.com')}/v1/me`,
    },
  }),
  auth: 'client_secret_basic',
  claims: ({ userinfo = {} }) => ({
    sub: idText(userinfo.id),
    name: userinfo.display_name,
    email: userinfo.email,
    email_verified: false,
    picture: membersOf(Array.isArray(userinfo.images) ? userinfo.images[0] : undefined).url,
  }),
}

/** Any other provider with OAuth 2.0 and an endpoint that returns the user of an access token as JSON. */
export const oauth2: ProviderRow = {
  name: 'oauth2',
  label: 'OAuth 2.0',
  documentation: ['https://www.rfc-editor.org/rfc/rfc6749'],
  scope: '',
  // The userinfo URL serves as issuer: another URL may use the same user ids for other users.
  where: ({ endpoints = { authorization: '', token: '', userinfo: '' } }) => ({
    issuer: endpoints.userinfo,
    endpoints,
  }),
  auth: 'client_secret_basic',
  claims: ({ userinfo = {} }, provider) => ({
    ...userinfo,
    sub: idText(userinfo[provider.subjectClaim ?? 'sub']),
    email_verified: isVerified(userinfo.email_verified, provider),
  }),
}
