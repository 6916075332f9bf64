/** Checks of refusals: what an attacker or a client with a fault gets. https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1, #section-5.2 */
import { systemRandom } from '../../lib/random.ts'
import type { Check } from './check.ts'
import { NotExamined } from './not_examined.ts'
import {
  authorize,
  clientOf,
  confidential,
  errorOf,
  post,
  postAs,
  redirectedTo,
  requestOf,
  said,
} from './client.ts'
import type { Answered, Sight } from './sight.ts'

const stranger = (): string => `examine-${systemRandom(9)}`

/** A page, or a redirect to a page of the provider itself, is well. */
function leavesTo(sight: Sight, answer: Answered, forbidden: string): string | undefined {
  const { location } = answer.headers
  const target = location === undefined ? null : URL.parse(location, sight.endpoint('authorization_endpoint'))
  return target?.origin === new URL(forbidden).origin
    ? `status ${answer.status}, Location ${location}`
    : undefined
}

const refusedAs = (answer: Answered, ...errors: readonly string[]): string | undefined =>
  answer.status >= 400 && answer.status < 500 && errors.includes(errorOf(answer)) ? undefined : said(answer)

/** The error of a redirect to the client, with the state of the request; or the refusal on a page. */
async function refusedRequest(
  sight: Sight,
  changes: Readonly<Record<string, string | undefined>>,
  errors: readonly string[],
) {
  const { answer, redirectUri, state, pushed } = await authorize(sight, changes)
  if (pushed !== undefined)
    return errors.includes(pushed) ? undefined : `${pushed} in place of ${errors.join(' or ')}`
  const params = redirectedTo(answer, redirectUri)
  if (!params) return answer.status >= 400 && answer.status < 500 ? undefined : `status ${answer.status}`
  const error = params.get('error') ?? 'no error'
  if (!errors.includes(error)) return `${error} in place of ${errors.join(' or ')}`
  return params.get('state') === state ? undefined : 'the state of the request does not come back'
}

/** Another path, another query, and a host that begins like the registered one. No name begins like an address of IPv6. */
const afterRegistered = (uri: string): string[] => {
  const { protocol, hostname, port, pathname } = new URL(uri)
  const host = hostname.startsWith('[') ? 'examine.invalid' : `${hostname}.examine.invalid`
  return [
    `${uri}/examine`,
    `${uri}?examine=1`,
    `${protocol}//${host}${port === '' ? '' : `:${port}`}${pathname}`,
  ]
}

export const errorChecks: readonly Check[] = [
  {
    id: 'errors.unknown_client',
    about: 'The token endpoint refuses an unknown client with invalid_client.',
    why: 'Another code tells a client to try again what cannot succeed.',
    rule: 'RFC 6749 §5.2',
    run: async (sight) =>
      refusedAs(
        await post(sight, sight.endpoint('token_endpoint'), {
          grant_type: 'client_credentials',
          client_id: stranger(),
          client_secret: systemRandom(24),
        }),
        'invalid_client',
      ),
  },
  {
    id: 'errors.wrong_secret',
    about: 'A wrong client secret, or a wrong key, is refused with invalid_client.',
    why: 'With anything else, any party can be this client.',
    rule: 'RFC 6749 §5.2',
    async run(sight) {
      confidential(sight)
      const url = sight.endpoint('token_endpoint')
      return refusedAs(await postAs(sight, url, { grant_type: 'client_credentials' }, true), 'invalid_client')
    },
  },
  {
    id: 'errors.challenge',
    about: 'A client that failed with the Authorization header gets 401 and WWW-Authenticate.',
    why: 'HTTP clients find by it which way of authentication to use.',
    rule: 'RFC 6749 §5.2',
    async run(sight) {
      const authorization = `Basic ${btoa(`${stranger()}:${systemRandom(24)}`)}`
      const answer = await post(
        sight,
        sight.endpoint('token_endpoint'),
        { grant_type: 'client_credentials' },
        { authorization },
      )
      if (answer.status !== 401) return said(answer)
      return answer.headers['www-authenticate'] ? undefined : '401 without WWW-Authenticate'
    },
  },
  {
    id: 'errors.unknown_code',
    about: 'An unknown code is refused with invalid_grant.',
    why: 'Clients begin the sign-in again on this code alone.',
    rule: 'RFC 6749 §5.2',
    async run(sight) {
      const fields = {
        grant_type: 'authorization_code',
        code: systemRandom(33),
        redirect_uri: clientOf(sight).redirect_uri ?? 'https://client.invalid/cb',
        code_verifier: systemRandom(33),
      }
      return refusedAs(await postAs(sight, sight.endpoint('token_endpoint'), fields), 'invalid_grant')
    },
  },
  {
    id: 'errors.unknown_refresh_token',
    about: 'An unknown refresh token is refused with invalid_grant.',
    why: 'Clients ask the End-User to sign in again on this code alone.',
    rule: 'RFC 6749 §5.2',
    async run(sight) {
      const fields = { grant_type: 'refresh_token', refresh_token: systemRandom(33) }
      const answer = await postAs(sight, sight.endpoint('token_endpoint'), fields)
      if (errorOf(answer) === 'unauthorized_client')
        throw new NotExamined('the test client may not use refresh_token')
      return refusedAs(answer, 'invalid_grant')
    },
  },
  {
    id: 'errors.unknown_grant_type',
    about: 'An unknown grant type is refused with unsupported_grant_type.',
    why: 'A client cannot tell its own fault from one of the grant.',
    rule: 'RFC 6749 §5.2',
    run: async (sight) =>
      refusedAs(
        await postAs(sight, sight.endpoint('token_endpoint'), { grant_type: 'urn:latchkey:examine' }),
        'unsupported_grant_type',
        'unauthorized_client',
      ),
  },
  {
    id: 'errors.missing_grant_type',
    about: 'A token request without grant_type is refused with invalid_request.',
    why: 'A provider that guesses the grant type may grant what was not asked.',
    rule: 'RFC 6749 §5.2',
    run: async (sight) =>
      refusedAs(
        await postAs(sight, sight.endpoint('token_endpoint'), { scope: 'openid' }),
        'invalid_request',
      ),
  },
  {
    id: 'errors.token_get',
    about: 'The token endpoint takes no GET.',
    why: 'A GET leaves codes and secrets in logs and in the history of proxies.',
    rule: 'RFC 6749 §3.2',
    async run(sight) {
      const url = new URL(sight.endpoint('token_endpoint'))
      url.searchParams.set('grant_type', 'client_credentials')
      url.searchParams.set('client_id', stranger())
      const answer = await sight.ask(url.href)
      const isRefusal = answer.status === 404 || answer.status === 405 || answer.status === 400
      return isRefusal && errorOf(answer) !== 'invalid_client' ? undefined : said(answer)
    },
  },
  {
    id: 'errors.redirect_of_stranger',
    about: 'An unknown client is not redirected to.',
    why: 'The provider would be an open redirector: a link to it leads anywhere.',
    rule: 'RFC 6749 §4.1.2.1',
    async run(sight) {
      const url = new URL(sight.endpoint('authorization_endpoint'))
      const params = {
        response_type: 'code',
        client_id: stranger(),
        redirect_uri: 'https://examine.invalid/cb',
      }
      for (const [name, value] of Object.entries({ ...params, scope: 'openid', state: 'x' }))
        url.searchParams.set(name, value)
      return leavesTo(sight, await sight.ask(url.href), params.redirect_uri)
    },
  },
  {
    id: 'errors.unknown_redirect_uri',
    about: 'A redirect URI that is not registered is not redirected to, not even for an error.',
    why: 'Codes would go to an attacker.',
    rule: 'RFC 9700 §4.1.3',
    async run(sight) {
      const redirect_uri = 'https://examine.invalid/cb'
      return leavesTo(sight, (await authorize(sight, { redirect_uri })).answer, redirect_uri)
    },
  },
  {
    id: 'errors.redirect_uri_exact',
    about: 'A redirect URI is compared as a whole: another path, query or host is not redirected to.',
    why: 'A comparison by prefix lets an attacker choose a page of the client, or another host.',
    rule: 'RFC 9700 §4.1.3',
    async run(sight) {
      const redirectUri = requestOf(sight).redirect_uri!
      const problems: string[] = []
      for (const redirect_uri of afterRegistered(redirectUri)) {
        const { answer } = await authorize(sight, { redirect_uri })
        if (answer.headers.location?.startsWith(redirect_uri)) problems.push(`redirects to ${redirect_uri}`)
      }
      return problems
    },
  },
  {
    id: 'errors.missing_pkce',
    about: 'A request without a code challenge is refused.',
    why: 'Where PKCE is optional, an attacker leaves it out.',
    rule: 'RFC 9700 §2.1.1',
    level: 'should',
    run: (sight) =>
      refusedRequest(sight, { code_challenge: undefined, code_challenge_method: undefined }, [
        'invalid_request',
      ]),
  },
  {
    id: 'errors.pkce_method',
    about: 'An unknown method of PKCE is refused with invalid_request.',
    why: 'A challenge that is not understood protects nothing.',
    rule: 'RFC 7636 §4.4.1',
    run: (sight) => refusedRequest(sight, { code_challenge_method: 'S1' }, ['invalid_request']),
  },
  {
    id: 'errors.response_type',
    about: 'An unknown response type is refused with unsupported_response_type or invalid_request.',
    why: 'A client cannot tell its own fault from one of the End-User.',
    rule: 'RFC 6749 §4.1.2.1',
    run: (sight) =>
      refusedRequest(sight, { response_type: 'examine' }, [
        'unsupported_response_type',
        'invalid_request',
        'unauthorized_client',
      ]),
  },
  {
    id: 'errors.unsigned_request_object',
    about: 'An unsigned request object of a client that registered none is refused.',
    why: 'An attacker could change each parameter that the client believes to be signed.',
    rule: 'RFC 9101 §10.5',
    level: 'should',
    run(sight) {
      if (sight.metadata.request_parameter_supported !== true)
        throw new NotExamined('the provider takes no request object by value')
      const { client_id } = clientOf(sight)
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const request = `${part({ alg: 'none' })}.${part({ client_id, scope: 'openid' })}.`
      return refusedRequest(sight, { request }, [
        'invalid_request_object',
        'invalid_request',
        'request_not_supported',
      ])
    },
  },
  {
    id: 'errors.introspection',
    about: 'The introspection endpoint answers no stranger.',
    why: 'Otherwise any party can scan for valid tokens.',
    rule: 'RFC 7662 §2.1',
    async run(sight) {
      const answer = await post(sight, sight.endpoint('introspection_endpoint'), { token: systemRandom(33) })
      return answer.status >= 400 && answer.status < 500 ? undefined : said(answer)
    },
  },
  {
    id: 'errors.userinfo_without_token',
    about: 'The userinfo endpoint answers a request without a token with 401 and a challenge.',
    why: 'The claims of End-Users are for holders of a token; clients find the scheme in the challenge.',
    rule: 'RFC 6750 §3',
    async run(sight) {
      const answer = await sight.ask(sight.endpoint('userinfo_endpoint'))
      if (answer.status !== 401) return `status ${answer.status}`
      return /^(Bearer|DPoP)\b/i.test(answer.headers['www-authenticate'] ?? '')
        ? undefined
        : '401 without a challenge of Bearer or DPoP'
    },
  },
  {
    id: 'errors.userinfo_wrong_token',
    about: 'The userinfo endpoint refuses a token that it did not issue with invalid_token.',
    why: 'Clients refresh their token on this code alone.',
    rule: 'RFC 6750 §3.1',
    async run(sight) {
      const headers = { authorization: `Bearer ${systemRandom(33)}` }
      const answer = await sight.ask(sight.endpoint('userinfo_endpoint'), { headers })
      return answer.status === 401 && /invalid_token/.test(answer.headers['www-authenticate'] ?? '')
        ? undefined
        : `status ${answer.status}, WWW-Authenticate ${answer.headers['www-authenticate'] ?? 'none'}`
    },
  },
]
