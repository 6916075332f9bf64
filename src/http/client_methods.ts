/** The five client authentication methods of the core. https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication */
import { check } from '../auth/check.ts'
import type { JWTPayload, JWTVerifyResult } from 'jose'
import type { Credentials } from '../auth/client_auth.ts'
import { OAuthError, WrongSecret } from '../auth/errors.ts'
import { clientAuthenticationTypes, hasType, isMarkedAccessToken } from '../auth/jwt_type.ts'
import { type Grounds, RefusedError } from '../auth/refusal.ts'
import type { Rule } from '../auth/rule.ts'
import { clientAlgs, signingAlgs } from '../auth/registration.ts'
import type { Context } from '../contracts/context.ts'
import type { ClientAuthMethod } from '../contracts/feature.ts'
import { utf8 } from '../lib/bytes.ts'
import { rememberedMs } from '../lib/clock.ts'
import { issuedAt, onceWords, useOnce } from '../models/once.ts'
import { sha256 } from '../lib/hash.ts'
import type { Client } from '../models/client.ts'
import type { Call } from '../contracts/call.ts'
import { isSecretOf, secretsOf } from '../clients/client_secret.ts'
import { clientVerificationKey } from '../clients/client_keys.ts'
import { heardVerification } from '../lib/recorder.ts'

const grounds = (expected: string): Grounds => ({
  rule: 'RFC 6749 §2.3.1',
  expected,
  problem: 'the client is unknown or its credentials are wrong',
})
const wrong = (expected: string) => new OAuthError('invalid_client', grounds(expected))

/** What is wrong with an assertion. `rule`: RFC 7523 §3 when absent. */
type Fault = Omit<Grounds, 'rule'> & { rule?: Rule }

const ofAssertion = ({
  rule = 'RFC 7523 §3',
  expected,
  problem = expected,
  ...compared
}: Fault): Grounds => ({
  ...compared,
  rule,
  expected: `client_assertion: ${expected}`,
  problem: `client_assertion: ${problem}`,
})
const wrongAssertion = (fault: Fault) => new OAuthError('invalid_client', ofAssertion(fault))

const unverified = ({ message }: Error, { config: { issuer } }: Context): Grounds =>
  ofAssertion({
    expected: `a JWT that the client signed for ${issuer}, unexpired`,
    problem: `${message}; aud must be ${issuer}`,
  })

const bySecret = (name: 'client_secret_basic' | 'client_secret_post'): ClientAuthMethod => ({
  name,
  presentedAs: name,
  guessable: true,
  async verify(_call, context, { credentials, client }) {
    check(
      'secrets' in credentials && isSecretOf(client, credentials.secrets, context),
      () => new WrongSecret(grounds('the client_secret of this client')),
    )
  },
})

const none: ClientAuthMethod = { name: 'none', presentedAs: 'none', async verify() {} }

/** The longest remaining lifetime of an assertion in seconds: its jti is stored that long. */
const maxAssertionLifetimeSeconds = 3600

type Verify = (jwt: string, audience: string[], now: Date) => Promise<JWTVerifyResult>

/**
 * The accepted values of `aud`. The issuer is the only value that another provider cannot claim for itself. OpenID Connect
 * Core §9 also allows the token endpoint, and later specifications the requested endpoint.
 */
function audiencesOf(call: Call, { config, baseUrls, table }: Context): string[] {
  if (config.clientAssertionAudience === 'issuer') return [config.issuer]
  const tokens = table.endpoints.filter(({ name }) => name === 'token').map(({ path }) => path)
  return [config.issuer, ...baseUrls.flatMap((base) => [...tokens, call.path].map((path) => base + path))]
}

/** Parameters of requests that clients sign for the authorization and the backchannel authentication endpoint. */
const ofRequests = [
  ...['response_type', 'response_mode', 'redirect_uri', 'scope', 'state', 'claims', 'code_challenge'],
  ...['login_hint', 'login_hint_token', 'id_token_hint', 'binding_message', 'authorization_details'],
]

/**
 * Request objects have the same issuer and audience, pass through browsers, and may have `sub` and `jti`: a JWT with
 * another type, or with a parameter of a request, authenticates no client (RFC 8725 §3.11, RFC 9101 §10.8).
 */
function requireAssertion(typ: unknown, payload: JWTPayload): void {
  check(hasType(typ, clientAuthenticationTypes), () =>
    wrongAssertion({
      expected: 'typ must be client-authentication+jwt, JWT or absent',
      came: typ,
      wanted: clientAuthenticationTypes,
    }),
  )
  check(!isMarkedAccessToken(payload), () => wrongAssertion({ expected: 'no access token' }))
  const parameter = ofRequests.find((name) => Object.hasOwn(payload, name))
  check(parameter === undefined, () =>
    wrongAssertion({
      expected: 'no parameter of an authorization request',
      came: parameter,
      rule: 'RFC 9101 §10.8',
      problem: `${parameter} is a parameter of an authorization request: this looks like a request object`,
    }),
  )
}

/** Checks an assertion (RFC 7523 §3): issuer, subject, audience, lifetime, and that its `jti` was not used before. */
async function verifyAssertion(
  call: Call,
  context: Context,
  { credentials, client }: { credentials: Credentials; client: Client },
  verify: Verify,
): Promise<void> {
  check(credentials.method === 'client_assertion', () => wrong('a client_assertion'))
  const now = context.clock.now()
  const audiences = audiencesOf(call, context)
  const { payload, protectedHeader } = await verify(credentials.assertion, audiences, new Date(now)).catch(
    (error: Error) => {
      throw error instanceof RefusedError
        ? error
        : new OAuthError('invalid_client', unverified(error, context))
    },
  )
  requireAssertion(protectedHeader.typ, payload)
  check(payload.iss === client.client_id && payload.sub === client.client_id, () =>
    wrongAssertion({
      expected: 'iss and sub must both be the client_id',
      came: [payload.iss, payload.sub],
      wanted: [client.client_id, client.client_id],
    }),
  )
  // A second audience may be an attacker who forwards the assertion. A list of audiences is accepted only in the classic profile.
  const foreign = [payload.aud].flat().some((each) => !audiences.includes(each ?? ''))
  check(!foreign && (!Array.isArray(payload.aud) || context.config.profile === 'classic'), () =>
    wrongAssertion({
      expected: `aud must be ${context.config.issuer} alone, as a string`,
      came: payload.aud,
      wanted: context.config.issuer,
    }),
  )
  check(payload.iat === undefined || payload.iat * 1000 - now <= 60_000, () =>
    wrongAssertion({
      expected: 'iat is at most a minute ahead',
      came: payload.iat,
      problem: 'iat is more than a minute ahead',
    }),
  )
  check(payload.exp !== undefined && payload.exp * 1000 - now <= maxAssertionLifetimeSeconds * 1000, () =>
    wrongAssertion({
      expected: `exp is required, at most ${maxAssertionLifetimeSeconds} seconds ahead`,
      came: payload.exp,
    }),
  )
  check(typeof payload.jti === 'string', () =>
    wrongAssertion({ expected: 'jti is required', came: payload.jti, rule: 'OpenID Connect Core §9' }),
  )
  const ttl = rememberedMs(context.clock, payload.exp + toleranceSeconds)
  const key = `assertion:${sha256(`${client.client_id} ${payload.jti}`)}`
  const issued = issuedAt(payload.iat, payload.exp - maxAssertionLifetimeSeconds)
  const problem = await useOnce(context, key, ttl, issued)
  check(!problem, () =>
    wrongAssertion({
      expected: 'a jti that was not used before',
      came: payload.jti,
      rule: 'OpenID Connect Core §9',
      problem: onceWords('this jti', problem ?? 'used'),
    }),
  )
}

/** Seconds by which the clocks of clients may differ from ours. */
const toleranceSeconds = 10

const options = (audience: string[], currentDate: Date, algorithms: string[]) => ({
  audience,
  currentDate,
  algorithms,
  clockTolerance: toleranceSeconds,
})

const allowed = (client: Client, algs: readonly string[]) =>
  client.token_endpoint_auth_signing_alg === undefined
    ? [...algs]
    : algs.filter((alg) => alg === client.token_endpoint_auth_signing_alg)

const privateKeyJwt: ClientAuthMethod = {
  name: 'private_key_jwt',
  presentedAs: 'client_assertion',
  algs: clientAlgs(signingAlgs),
  verify: (call, context, { credentials, client }) =>
    verifyAssertion(call, context, { credentials, client }, async (jwt, audience, now) => {
      const { jwtVerify } = await import('jose')
      return heardVerification(context, { jwt, whose: 'client' }, () =>
        jwtVerify(
          jwt,
          clientVerificationKey(client, context),
          options(audience, now, allowed(client, clientAlgs(context.config.signingAlgs))),
        ),
      )
    }),
}

const hmacAlgs = ['HS256', 'HS384', 'HS512']

const clientSecretJwt: ClientAuthMethod = {
  name: 'client_secret_jwt',
  presentedAs: 'client_assertion',
  guessable: true,
  algs: hmacAlgs,
  verify: (call, context, { credentials, client }) =>
    verifyAssertion(call, context, { credentials, client }, async (jwt, audience, now) => {
      const { errors, jwtVerify } = await import('jose')
      const verify = (secret: string) =>
        heardVerification(context, { jwt, whose: 'client_secret' }, () =>
          jwtVerify(jwt, utf8(secret), options(audience, now, allowed(client, hmacAlgs))),
        )
      const [newest, former] = secretsOf(client, context)
      check(newest, () => wrong('a client whose client_secret can be decrypted')) // never verify with an empty key
      const isWrong = (error: unknown) => error instanceof errors.JWSSignatureVerificationFailed
      return verify(newest)
        .catch((error: unknown) => {
          if (former && isWrong(error)) return verify(former)
          throw error
        })
        .catch((error: Error) => {
          throw isWrong(error) ? new WrongSecret(unverified(error, context)) : error
        })
    }),
}

export const clientMethods: readonly ClientAuthMethod[] = [
  bySecret('client_secret_basic'),
  bySecret('client_secret_post'),
  none,
  privateKeyJwt,
  clientSecretJwt,
]
