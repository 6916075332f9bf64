/** Causes of refused access tokens. https://www.rfc-editor.org/rfc/rfc6750#section-3.1 */
import type { Traces } from '../failure.ts'
import { compare } from '../compare.ts'
import { cameIn, type CauseRow, duration, type Seen, type Remedy } from './cause.ts'

const codes = ['invalid_token']

type Token = NonNullable<Traces['token']>

const send: Remedy = {
  text: 'Send the access token in the header:',
  code: 'curl -H "Authorization: Bearer $ACCESS_TOKEN" …',
}

/** A row for a request that came with a token. */
const tokenRow = (
  name: string,
  explain: (token: Token, seen: Seen) => ReturnType<CauseRow['explain']>,
): CauseRow => ({
  name,
  codes,
  explain: (seen) => {
    const { token } = seen.failure.traces
    return token && explain(token, seen)
  },
})

const lookWords: Partial<Record<Token['look'], string>> = {
  other: 'The token is not from this provider: a placeholder, a token of another provider, or another value.',
  'cut short': 'The access token was cut short.',
  'percent-encoded': 'The access token is percent-encoded: in a header it is sent as it is.',
}

/** RFC 9068 §2.1, and the mark of access tokens of type JWT. */
const isAccessToken = ({ header, claims }: NonNullable<Token['jwt']>): boolean =>
  /at\+jwt$/i.test(String(header.typ)) || claims.token_use === 'access'

export const tokenCauses: readonly CauseRow[] = [
  tokenRow('token_in_query', ({ place }) =>
    place === 'query'
      ? {
          certainty: 'proven',
          title: 'The access token is in the URL.',
          evidence: ['URLs end in logs and histories (RFC 9700 §4.3.2), so it is not read there.'],
          mend: [send],
        }
      : undefined,
  ),
  tokenRow('scheme_missing', ({ place }, { failure }) =>
    place === 'header' && failure.request.headers.authorization === 'without a scheme'
      ? {
          certainty: 'proven',
          title: 'The Authorization header has the token without the word Bearer before it.',
          evidence: [],
          mend: [send],
        }
      : undefined,
  ),
  tokenRow('id_token_as_access_token', ({ jwt }, { context }) =>
    jwt && jwt.claims.iss === context.config.issuer && !isAccessToken(jwt)
      ? {
          certainty: 'proven',
          title: 'The token is an ID Token. Userinfo and APIs take access tokens.',
          evidence: [
            'An ID Token tells the client who signed in: its aud is the client. An access token opens an API: its aud is the API.',
          ],
          mend: [{ text: 'Send the access_token of the token response in place of its id_token.' }, send],
        }
      : undefined,
  ),
  tokenRow('refresh_token_as_access_token', ({ look }) =>
    look === 'refresh token' || look === 'code'
      ? {
          certainty: 'proven',
          title: `The token is a ${look}, where an access token is expected.`,
          evidence: [],
          mend: [{ text: 'Send the access_token of the token response.' }, send],
        }
      : undefined,
  ),
  tokenRow('token_of_other_issuer', ({ jwt }, { context }) => {
    const iss = jwt?.claims.iss
    if (typeof iss !== 'string' || iss === context.config.issuer) return undefined
    return {
      certainty: 'proven',
      title: `The token is from another provider: ${iss}.`,
      evidence: [`This provider is ${context.config.issuer}.`],
      mend: [{ text: 'Take issuer and API from one environment.' }],
      compared: compare('iss', context.config.issuer, iss),
    }
  }),
  tokenRow('token_expired', ({ jwt }, { failure, context }) => {
    const exp = jwt?.claims.exp
    if (typeof exp !== 'number' || exp * 1000 > failure.at) return undefined
    return {
      certainty: 'proven',
      title: `The access token expired ${duration(failure.at - exp * 1000)} before.`,
      evidence: [`Access tokens are valid for ${context.config.accessTokenTtl} seconds (ACCESS_TOKEN_TTL).`],
      mend: [
        {
          text: 'Refresh when expires_in is nearly over, or on the first 401:',
          code: 'grant_type=refresh_token',
        },
        { text: 'The scope offline_access gives a refresh token that outlives the session.' },
      ],
    }
  }),
  tokenRow('token_of_other_audience', ({ jwt }, { failure, context }) => {
    if (!failure.expected.startsWith('aud has')) return undefined
    const came = [jwt?.claims.aud].flat().map(String).join(' ')
    return {
      certainty: 'proven',
      title: 'The access token is for another API.',
      evidence: [`Its aud is ${came}.`],
      mend: [
        {
          text: 'Ask for a token without resource, or with the one of this API:',
          code: `resource=${context.config.issuer}`,
        },
      ],
      compared: compare('aud', context.config.issuer, came),
    }
  }),
  tokenRow('bound_token_as_bearer', (_, { failure }) =>
    failure.expected.startsWith('the scheme')
      ? {
          certainty: 'proven',
          title:
            'The Authorization scheme does not fit the token: a token that is bound to a key is sent with DPoP.',
          evidence: [failure.problem ?? ''],
          mend: [{ text: 'Send both headers:', code: ['Authorization: DPoP ACCESS_TOKEN', 'DPoP: PROOF'] }],
        }
      : undefined,
  ),
  tokenRow('token_revoked', ({ look, jwt }, { failure }) => {
    if (!failure.expected.startsWith('a valid access token')) return undefined
    const exp = jwt?.claims.exp
    const isAlive = jwt && isAccessToken(jwt) && typeof exp === 'number' && exp * 1000 > failure.at
    return isAlive || look === 'access token' ? revoked : undefined
  }),
  tokenRow('token_of_nowhere', ({ look, jwt }, { failure }) => {
    const how = jwt ? undefined : lookWords[look]
    if (how === undefined || !/^an? (?:valid )?access token/.test(failure.expected)) return undefined
    return {
      certainty: look === 'other' ? 'likely' : 'proven',
      title: how,
      evidence: ['An access token of this provider begins with lka_, or is a JWT in three parts.'],
      mend: [{ text: 'Send the access_token of the token response, whole and as it is.' }, send],
    }
  }),
  {
    name: 'no_token',
    codes,
    rule: 'RFC 6750 §3',
    explain({ failure }) {
      const { headers } = failure.request
      if (failure.traces.token) return undefined
      const isProxied = headers.via !== undefined || headers['x-forwarded-for'] !== undefined
      return {
        certainty: 'proven',
        title:
          headers.authorization === undefined
            ? isProxied
              ? 'The request has no Authorization header. It came through a proxy, which may have removed it.'
              : 'The request has no access token.'
            : `The Authorization header has no access token (${headers.authorization}).`,
        evidence: [],
        mend: [
          send,
          ...(isProxied
            ? [{ text: 'nginx:', code: 'proxy_set_header Authorization $http_authorization;' }]
            : [{ text: 'A variable that is empty sends “Bearer ” alone: print it.' }]),
        ],
      }
    },
  },
  {
    name: 'openid_not_asked',
    codes: ['insufficient_scope'],
    explain({ failure }) {
      const [, scope] = /of scope (\S+)/.exec(failure.expected) ?? []
      if (scope === undefined) return undefined
      const came = cameIn(failure) ?? ''
      return {
        certainty: 'proven',
        title: `The access token lacks the scope ${scope}.`,
        evidence: [`It has: ${came || 'none'}.`],
        mend: [
          {
            text: 'Ask for it in the authorization request:',
            code: `scope=${[scope, ...came.split(' ')].filter(Boolean).join('%20')}`,
          },
        ],
        compared: compare('scope', `${scope} ${came}`.trim(), came),
      }
    },
  },
]

const revoked = {
  certainty: 'likely',
  title: 'The access token was revoked, or its authorization has ended.',
  evidence: ['It has the form of an access token of this provider and has not expired.'],
  mend: [
    {
      text: 'The End-User signed out or removed the access of the app, a code or refresh token came twice, or the provider lost its store at a restart.',
    },
    {
      text: 'Ask what is known of it:',
      code: 'curl -u "$CLIENT_ID:$CLIENT_SECRET" -d token=… "$ISSUER/introspect"',
    },
  ],
} as const
