/** Checks of flows that need no browser, with the test client. The tokens are those of the client alone. */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import type { Check } from './check.ts'
import { NotExamined } from './not_examined.ts'
import {
  authorize,
  clientOf,
  confidential,
  errorOf,
  postAs,
  redirectedTo,
  requestOf,
  said,
} from './client.ts'
import type { Answered, Sight } from './sight.ts'

const ownGrant = { grant_type: 'client_credentials' }

/** Throws NotExamined where the client may not use the grant type. */
async function ownToken(sight: Sight): Promise<Answered> {
  confidential(sight)
  const answer = await postAs(sight, sight.endpoint('token_endpoint'), ownGrant)
  if (['unauthorized_client', 'unsupported_grant_type'].includes(errorOf(answer)))
    throw new NotExamined(`the test client may not use client_credentials (${errorOf(answer)})`)
  return answer
}

async function accessToken(sight: Sight): Promise<string> {
  const { json } = await ownToken(sight)
  if (typeof json?.access_token !== 'string') throw new NotExamined('no access token was issued')
  return json.access_token
}

const isJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)

async function active(sight: Sight, token: string): Promise<unknown> {
  const answer = await postAs(sight, sight.endpoint('introspection_endpoint'), { token })
  if (answer.status !== 200) throw new NotExamined(`introspection answered ${said(answer)}`)
  return answer.json?.active
}

export const flowChecks: readonly Check[] = [
  {
    id: 'flows.client_credentials',
    about:
      'client_credentials answers with an access token, its type and its lifetime, and no refresh token.',
    why: 'Clients cannot use a token without its type, and ask too often without its lifetime.',
    rule: 'RFC 6749 §5.1',
    async run(sight) {
      const answer = await ownToken(sight)
      const { access_token, token_type, expires_in, refresh_token } = answer.json ?? {}
      if (answer.status !== 200 || typeof access_token !== 'string') return said(answer)
      return [
        ...(typeof token_type === 'string' ? [] : ['there is no token_type']),
        ...(typeof expires_in === 'number' && expires_in > 0 ? [] : ['expires_in is no positive number']),
        ...(refresh_token === undefined ? [] : ['there is a refresh token (RFC 6749 §4.4.3)']),
      ]
    },
  },
  {
    id: 'flows.access_token_jwt',
    about:
      'A JWT access token verifies by the published keys, and has the type at+jwt and the claims of RFC 9068.',
    why: 'An API refuses it, or takes an ID Token in its place.',
    rule: 'RFC 9068 §4',
    async run(sight) {
      const token = await accessToken(sight)
      if (!isJwt(token)) throw new NotExamined('the access token is opaque')
      const keys = createLocalJWKSet({ keys: [...(await sight.keys())] as never })
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer: sight.issuer,
          currentDate: new Date(sight.reach.now()),
          clockTolerance: 5,
        })
        const missing = ['exp', 'aud', 'sub', 'client_id', 'iat', 'jti'].filter(
          (name) => payload[name] === undefined,
        )
        const { typ } = decodeProtectedHeader(token)
        const isTyped = /^(application\/)?at\+jwt$/i.test(typ ?? '')
        return [
          ...missing.map((name) => `${name} is missing`),
          ...(isTyped ? [] : [`typ is ${typ ?? 'missing'}`]),
        ]
      } catch (error) {
        return (error as Error).message
      }
    },
  },
  {
    id: 'flows.userinfo_of_client',
    about: 'A token without an End-User gets no claims from the userinfo endpoint.',
    why: 'There is no End-User that it could be about.',
    rule: 'OpenID Connect Core §5.3.1',
    async run(sight) {
      const headers = { authorization: `Bearer ${await accessToken(sight)}` }
      const { status } = await sight.ask(sight.endpoint('userinfo_endpoint'), { headers })
      return status >= 400 && status < 500 ? undefined : `status ${status}`
    },
  },
  {
    id: 'flows.introspection',
    about: 'Introspection says of a token that it is active, and of a text that is none that it is not.',
    why: 'An API would refuse good tokens, or take any text.',
    rule: 'RFC 7662 §2.2',
    async run(sight) {
      const token = await accessToken(sight)
      const [own, other] = [await active(sight, token), await active(sight, `${token}x`)]
      return [
        ...(own === true ? [] : [`active is ${String(own)} of a new token`]),
        ...(other === false ? [] : [`active is ${String(other)} of a text that is no token`]),
      ]
    },
  },
  {
    id: 'flows.revocation',
    about: 'A revoked token is not active.',
    why: 'A sign-out would leave the tokens valid.',
    rule: 'RFC 7009 §2',
    async run(sight) {
      const token = await accessToken(sight)
      const { status } = await postAs(sight, sight.endpoint('revocation_endpoint'), { token })
      if (status !== 200) return `the revocation endpoint answered ${status}`
      return (await active(sight, token)) === false ? undefined : 'introspection still says active'
    },
  },
  {
    id: 'flows.revocation_unknown',
    about: 'The revocation of an unknown token succeeds.',
    why: 'A client has nothing to do about a token that is not valid any more.',
    rule: 'RFC 7009 §2.2',
    async run(sight) {
      confidential(sight)
      const answer = await postAs(sight, sight.endpoint('revocation_endpoint'), { token: 'examine-no-token' })
      return answer.status === 200 ? undefined : said(answer)
    },
  },
  {
    id: 'flows.silent_sign_in',
    about: 'prompt=none without a session comes back to the client with an error, the state and the issuer.',
    why: 'Clients ask so whether the End-User is signed in, and cannot go on without an answer.',
    rule: 'OpenID Connect Core §3.1.2.6',
    async run(sight) {
      const { answer, state, redirectUri, pushed } = await authorize(sight)
      if (pushed !== undefined) return `the pushed request is refused: ${pushed}`
      const params = redirectedTo(answer, redirectUri)
      if (!params) return `status ${answer.status}, Location ${answer.headers.location ?? 'none'}`
      const error = params.get('error') ?? 'none'
      const isExpected = /^(login|interaction|consent|account_selection)_required$/.test(error)
      const promised = sight.metadata.authorization_response_iss_parameter_supported === true
      return [
        ...(isExpected ? [] : [`the error is ${error}`]),
        ...(params.get('state') === state ? [] : ['the state of the request does not come back']),
        ...(promised && params.get('iss') !== sight.issuer
          ? [`iss is ${params.get('iss') ?? 'missing'}`]
          : []),
        ...(params.has('code') ? ['there is a code'] : []),
      ]
    },
  },
  {
    id: 'flows.redirect_status',
    about: 'A redirect to the client is no 307.',
    why: 'With 307 the browser sends the body of the form again, and so the password to the client.',
    rule: 'RFC 9700 §4.12',
    async run(sight) {
      const { answer, redirectUri } = await authorize(sight)
      if (!redirectedTo(answer, redirectUri)) throw new NotExamined('there was no redirect to the client')
      return answer.status === 307 || answer.status === 308 ? `status ${answer.status}` : undefined
    },
  },
  {
    id: 'flows.pushed_request',
    about: 'A pushed authorization request answers 201 with a request_uri that holds for a short time.',
    why: 'The client cannot go on without the reference.',
    rule: 'RFC 9126 §2.2',
    async run(sight) {
      const url = sight.endpoint('pushed_authorization_request_endpoint')
      const answer = await postAs(sight, url, requestOf(sight))
      if (answer.status !== 201) return said(answer)
      const { request_uri, expires_in } = answer.json ?? {}
      if (typeof request_uri !== 'string' || typeof expires_in !== 'number')
        return 'request_uri or expires_in is missing'
      return expires_in > 0 && expires_in <= 600 ? undefined : `expires_in is ${expires_in}`
    },
  },
  {
    id: 'flows.device',
    about: 'A device authorization request is answered, and polling says authorization_pending.',
    why: 'A device shows the code and asks until the End-User has allowed it.',
    rule: 'RFC 8628 §3.5',
    async run(sight) {
      const answer = await postAs(sight, sight.endpoint('device_authorization_endpoint'), { scope: 'openid' })
      if (errorOf(answer) === 'unauthorized_client')
        throw new NotExamined('the test client may not use the device flow')
      const { device_code, user_code, verification_uri } = answer.json ?? {}
      if (answer.status !== 200 || typeof device_code !== 'string') return said(answer)
      if (typeof user_code !== 'string' || typeof verification_uri !== 'string')
        return 'user_code or verification_uri is missing'
      const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
      const polled = await postAs(sight, sight.endpoint('token_endpoint'), { grant_type, device_code })
      return ['authorization_pending', 'slow_down'].includes(errorOf(polled)) ? undefined : said(polled)
    },
  },
  {
    id: 'flows.code',
    about: 'The code flow ends with tokens, and a second use of the code ends them.',
    why: 'It is the flow of every sign-in.',
    rule: 'RFC 6749 §4.1.2',
    run(sight) {
      clientOf(sight)
      throw new NotExamined(
        'it needs a browser and an End-User; the test client of docs/walkthrough.md runs it',
      )
    },
  },
]
