/** The steps that several flows share. */
import type { Rule } from '../../auth/rule.ts'
import type { Context } from '../../contracts/context.ts'
import { callbackPath } from './paths.ts'
import { credentialsOf } from './credentials.ts'
import { type Draft, formType, type Pairs } from './draft.ts'
import { type Answer, equal, type Finding, kept, type Making, type Reading, type RunStep } from './flow.ts'
import { idTokenFindings, sidOf, subOf } from './id_token.ts'

/** The path of an endpoint of this provider; that of the first page for one that is switched off. */
export const pathOf = ({ table }: Context, name: string): string =>
  table.endpoints.find((each) => each.name === name)?.path ?? '/'

const redirectUri = ({ config }: Context): string => `${config.issuer}${callbackPath}`

/** A form by this client, authenticated as it registered. */
export function formAs(making: Making, path: string, params: Pairs): Draft {
  const credentials = credentialsOf(making)
  return {
    method: 'POST',
    path,
    headers: [formType, ...credentials.headers],
    params: [...params, ...credentials.params],
    signed: credentials.signed,
  }
}

const text = (value: unknown): string | undefined =>
  value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value)

export const succeeded = ({ status, members }: Answer, rule: Rule): Finding => ({
  held: status !== undefined && status < 300,
  about: 'The answer is a success.',
  rule,
  expected: 'a status of 200 to 299',
  came: [status, text(members.error), text(members.error_description)].filter(Boolean).join(' '),
})

export const discoverStep: RunStep = {
  name: 'discover',
  title: 'Read the metadata of the provider',
  about:
    'The client knows the issuer. It reads the addresses of the endpoints, and what the provider supports, from one document.',
  rule: 'OpenID Connect Discovery §4',
  tries: [],
  by: 'client',
  draft: () => ({
    method: 'GET',
    path: '/.well-known/openid-configuration',
    headers: [['accept', 'application/json']],
    params: [],
  }),
  read: ({ context }, { members }) => ({
    findings: [
      equal('issuer is the one that the client asked for, to the letter.', 'OpenID Connect Discovery §4.3', {
        expected: context.config.issuer,
        came: members.issuer,
      }),
    ],
  }),
}

/** What the client compares in an authorization response (RFC 6749 §4.1.2, RFC 9207). */
export const responseFindings = ({ context, values }: Making, { members }: Answer): Finding[] => [
  equal('state is the one that this client sent: the answer belongs to its own request.', 'RFC 6749 §10.12', {
    expected: values.state,
    came: members.state,
  }),
  equal('iss is the provider that the client asked.', 'RFC 9207 §2.4', {
    expected: context.config.issuer,
    came: members.iss,
  }),
  {
    held: members.error === undefined,
    about: 'The answer is no error.',
    rule: 'RFC 6749 §4.1.2.1',
    expected: 'no error',
    came: text(members.error) ?? 'no error',
  },
]

/** The parameters of an authorization request for a code with PKCE. */
export const codeRequest = ({ context, client, values }: Making): Pairs => [
  ['response_type', 'code'],
  ['client_id', client.client.client_id],
  ['redirect_uri', redirectUri(context)],
  ['scope', 'openid profile email'],
  ['state', values.state ?? ''],
  ['nonce', values.nonce ?? ''],
  ['code_challenge', values.code_challenge ?? ''],
  ['code_challenge_method', 'S256'],
]

export const authorizeStep: RunStep = {
  name: 'authorize',
  title: 'Send the browser to the provider',
  about:
    'The browser goes to the authorization endpoint. The End-User signs in and allows the access, and comes back to the redirect URI with a code.',
  rule: 'RFC 6749 §4.1.1',
  tries: [
    'Change redirect_uri by one character: the provider shows an error page, and sends the browser nowhere.',
    'Change state: the provider returns what it got, and this client sees that the answer is not that to its request.',
    'Empty code_challenge: a public client without PKCE is refused.',
    'Set prompt=none under “More parameters”: the answer comes without a page, or it is login_required.',
  ],
  by: 'browser',
  draft: (making) => ({
    method: 'GET',
    path: pathOf(making.context, 'authorization'),
    headers: [],
    params: codeRequest(making),
  }),
  read: (making, answer) => ({
    values: kept(answer.members, ['code']),
    findings: responseFindings(making, answer),
  }),
}

const tokens = ['access_token', 'refresh_token', 'id_token', 'token_type', 'scope']

/** What a client reads of the answer of the token endpoint. `nonce`: that of the authorization request that it belongs to. */
export async function readTokens(
  making: Making,
  answer: Answer,
  { nonce, rule = 'RFC 6749 §5.1' }: { nonce?: string | undefined; rule?: Rule } = {},
): Promise<Reading> {
  const given = kept(answer.members, tokens)
  const values = { ...given, ...sidOf(given) }
  return {
    values,
    findings: [
      succeeded(answer, rule),
      ...(await idTokenFindings(making, values.id_token, {
        nonce,
        accessToken: values.access_token,
      })),
    ],
  }
}

export const tokenStep: RunStep = {
  name: 'token',
  title: 'Redeem the code',
  about:
    'The client sends the code with the verifier whose hash it sent before. The provider compares the hash, so that a stolen code is of no use to its thief.',
  rule: 'RFC 6749 §4.1.3',
  tries: [
    'Change code_verifier by one character: the hash does not fit.',
    'Send the step twice: the second use of the code ends all tokens of the first.',
    'Change redirect_uri: it must be that of the authorization request.',
    'Change client_id: a code is for one client.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'token'), [
      ['grant_type', 'authorization_code'],
      ['code', making.values.code ?? ''],
      ['redirect_uri', redirectUri(making.context)],
      ['code_verifier', making.values.code_verifier ?? ''],
    ]),
  read: (making, answer) => readTokens(making, answer, { nonce: making.values.nonce }),
}

export const userinfoStep: RunStep = {
  name: 'userinfo',
  title: 'Ask for the claims of the End-User',
  about:
    'The access token opens the userinfo endpoint. Its answer must be about the End-User of the ID Token.',
  rule: 'OpenID Connect Core §5.3',
  tries: [
    'Put the ID Token in place of the access token: an ID Token is for the client, and opens nothing.',
    'Change one character of the token.',
    'Take the header away: the challenge says what is missing.',
  ],
  by: 'client',
  draft: ({ context, values }) => ({
    method: 'GET',
    path: pathOf(context, 'userinfo'),
    headers: [['authorization', `Bearer ${values.access_token ?? ''}`]],
    params: [],
  }),
  read: ({ values }, answer) => ({
    findings: [
      succeeded(answer, 'OpenID Connect Core §5.3.2'),
      equal('sub is that of the ID Token.', 'OpenID Connect Core §5.3.2', {
        expected: subOf(values),
        came: answer.members.sub,
      }),
    ],
  }),
}

export const refreshStep: RunStep = {
  name: 'refresh',
  title: 'Refresh the tokens',
  about:
    'The refresh token gives new tokens without the End-User. For a public client it changes with each use, so that a stolen one is noticed.',
  rule: 'RFC 6749 §6',
  tries: [
    'Copy refresh_token before you send, send the step twice, then send the copy: a replay ends all tokens.',
    'Set scope=openid under “More parameters”: the new token may do less. Set one that you did not have: never more.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'token'), [
      ['grant_type', 'refresh_token'],
      ['refresh_token', making.values.refresh_token ?? ''],
    ]),
  async read(making, answer) {
    const { values = {}, findings } = await readTokens(making, answer)
    const sub = subOf(making.values)
    const same =
      values.id_token === undefined
        ? []
        : [
            equal('sub of the new ID Token is that of the first one.', 'OpenID Connect Core §12.2', {
              expected: sub,
              came: subOf(values),
            }),
          ]
    return { values, findings: [...findings, ...same] }
  },
}

export const revokeStep: RunStep = {
  name: 'revoke',
  title: 'Revoke the refresh token',
  about:
    'The client gives its access back. The answer is the same for a token that is unknown, so that it tells nothing about other tokens.',
  rule: 'RFC 7009 §2.1',
  tries: ['Send the userinfo request again afterwards.', 'Revoke any text.'],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'revocation'), [['token', making.values.refresh_token ?? '']]),
  read: (_, answer) => ({ findings: [succeeded(answer, 'RFC 7009 §2.2')] }),
}

export const logoutStep: RunStep = {
  name: 'logout',
  title: 'Sign the End-User out at the provider',
  about:
    'The browser goes to the end session endpoint. id_token_hint says which sign-in is meant, so that the provider need not ask.',
  rule: 'OpenID Connect RP-Initiated Logout §2',
  tries: [
    'Empty id_token_hint: the provider asks the End-User first.',
    'Change post_logout_redirect_uri: the provider does not send the browser to an address that is not registered.',
  ],
  by: 'browser',
  draft: ({ context, values, client }) => ({
    method: 'GET',
    path: pathOf(context, 'end_session'),
    headers: [],
    params: [
      ['id_token_hint', values.id_token ?? ''],
      ['client_id', client.client.client_id],
      ['post_logout_redirect_uri', redirectUri(context)],
      ['state', values.logout_state ?? ''],
    ],
  }),
  read: ({ values }, { members }) => ({
    findings: [
      equal('state is the one that this client sent.', 'OpenID Connect RP-Initiated Logout §3', {
        expected: values.logout_state,
        came: members.state,
      }),
    ],
  }),
}
