/** Providers with OAuth 2.0 alone, a row each: what its documentation says, and where it says so. */
import { createHmac } from 'node:crypto'
import { basicCredentials } from './request.ts'
import { idText, membersOf, type Place, type Row } from './row.ts'

/** The origin of an API beside the site, unless the configuration moved the site: then both are there. */
const beside = (at: Place, usual: string, api: string): string => (at.base === usual ? api : at.base)

const githubBase = 'https://github.com'
/** An Enterprise Server has its API below its own address. */
const githubApi = ({ base }: Place) => (base === githubBase ? 'https://api.github.com' : `${base}/api/v3`)

/** OAuth 2.0 alone: no ID Token, and whether an address is verified stands in a list of its own. */
export const github: Row = {
  name: 'github',
  label: 'GitHub',
  documentation: [
    'https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps',
    'https://docs.github.com/en/rest/users/emails',
    'https://docs.github.com/en/rest/apps/oauth-applications',
  ],
  base: githubBase,
  scope: 'read:user user:email',
  where: (at) => ({
    issuer: at.base,
    endpoints: {
      authorization: `${at.base}/login/oauth/authorize`,
      token: `${at.base}/login/oauth/access_token`,
      userinfo: `${githubApi(at)}/user`,
      emails: `${githubApi(at)}/user/emails`,
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
  revoke: (access_token, at) => ({
    url: `${githubApi(at)}/applications/${encodeURIComponent(at.clientId)}/grant`,
    method: 'DELETE',
    headers: { authorization: basicCredentials(at), 'content-type': 'application/json' },
    body: JSON.stringify({ access_token }),
  }),
}

const facebookVersion = 'v21.0'

/** Its documents do not say that an address was verified, so none is. */
export const facebook: Row = {
  name: 'facebook',
  label: 'Facebook',
  documentation: [
    'https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow',
    'https://developers.facebook.com/docs/graph-api/reference/user/',
    'https://developers.facebook.com/docs/graph-api/guides/secure-requests/',
  ],
  base: 'https://www.facebook.com',
  scope: 'public_profile email',
  where(at) {
    const graph = `${beside(at, 'https://www.facebook.com', 'https://graph.facebook.com')}/${facebookVersion}`
    const fields = 'id,name,first_name,last_name,email,picture.width(256).height(256)'
    return {
      issuer: at.base,
      endpoints: {
        authorization: `${at.base}/${facebookVersion}/dialog/oauth`,
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

export const discord: Row = {
  name: 'discord',
  label: 'Discord',
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
  claims({ userinfo = {} }, at) {
    const { id, username, global_name, avatar, email, verified, locale } = userinfo
    const images = beside(at, 'https://discord.com', 'https://cdn.discordapp.com')
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

/** It says itself that the address is as the person typed it. */
export const spotify: Row = {
  name: 'spotify',
  label: 'Spotify',
  documentation: [
    'https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow',
    'https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile',
  ],
  base: 'https://accounts.spotify.com',
  scope: 'user-read-email',
  where: (at) => ({
    issuer: at.base,
    endpoints: {
      authorization: `${at.base}/authorize`,
      token: `${at.base}/api/token`,
      userinfo: `${beside(at, 'https://accounts.spotify.com', 'https://api.spotify.com')}/v1/me`,
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

/** Any other with nothing but OAuth 2.0 and JSON about the holder of an access token. */
export const oauth2: Row = {
  name: 'oauth2',
  label: 'OAuth 2.0',
  documentation: ['https://www.rfc-editor.org/rfc/rfc6749'],
  scope: '',
  // Its name is where it says who somebody is: another address may number other people alike.
  where: ({ endpoints = { authorization: '', token: '', userinfo: '' } }) => ({
    issuer: endpoints.userinfo,
    endpoints,
  }),
  auth: 'client_secret_basic',
  claims: ({ userinfo = {} }, { subjectClaim = 'sub' }) => ({
    ...userinfo,
    sub: idText(userinfo[subjectClaim]),
  }),
}
