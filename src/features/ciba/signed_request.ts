/** The authentication request as a JWT that the client signed. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#signed_auth_request */
import { check } from '../../auth/check.ts'
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import { OAuthError } from '../../auth/errors.ts'
import { hasType, requestTypes } from '../../auth/jwt_type.ts'
import { RefusedError, shown } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { clientVerificationKey } from '../../clients/client_keys.ts'
import { rememberedMs } from '../../lib/clock.ts'
import { onceWords, useOnce } from '../../models/once.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Client } from '../../models/client.ts'
import { type Params, repeated } from '../../auth/params.ts'
import { metadata } from './settings.ts'
import { heardVerification } from '../../lib/recorder.ts'

const maxLength = 32_768
/** The longest validity of a signed request. */
const maxLifetimeSeconds = 3600
const toleranceSeconds = 10

const refuse = (expected: string, came?: unknown, problem?: string) =>
  new OAuthError('invalid_request', { rule: 'OpenID Connect CIBA §7.1.1', expected, came, problem })

export interface Read {
  params: Params
  /** Throws unless this is the first use of the request. Called after all other checks. */
  spend(): Promise<void>
}

/** The parameters, taken from the JWT when there is one. Throws `invalid_request`. */
export async function readParams(submitted: Params, client: Client, context: Context): Promise<Read> {
  const alg = metadata.of(client).backchannel_authentication_request_signing_alg
  const { request } = submitted
  check(submitted.request_uri === undefined, () =>
    refuse(
      'a request without request_uri',
      submitted.request_uri,
      'request_uri is not supported: send request',
    ),
  )
  if (request === undefined) {
    if (alg !== undefined)
      throw refuse(`this client registered to sign its requests with ${alg}: send request`)
    return { params: submitted, async spend() {} }
  }
  check(alg !== undefined, () =>
    refuse('signed requests need backchannel_authentication_request_signing_alg in the registration'),
  )
  const outside = Object.keys(submitted).find((name) => !allowedOutside.includes(name))
  check(outside === undefined, () =>
    refuse(
      `outside the signed request nothing but ${allowedOutside.join(', ')}`,
      outside,
      `${shown(outside)} belongs inside the signed request`,
    ),
  )
  const payload = await verify(request, alg, client, context)
  return { params: asParameters(payload), spend: () => spend(payload, client, context) }
}

const allowedOutside = ['request', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

async function verify(jwt: string, alg: string, client: Client, context: Context): Promise<JWTPayload> {
  check(jwt.length <= maxLength, () => refuse(`request may have at most ${maxLength} characters`, jwt.length))
  requireType(jwt)
  const { payload } = await heardVerification(context, { jwt, whose: 'client' }, () =>
    jwtVerify(jwt, clientVerificationKey(client, context), {
      algorithms: [alg],
      issuer: client.client_id,
      audience: context.config.issuer,
      requiredClaims: ['exp', 'iat', 'nbf', 'jti'],
      currentDate: new Date(context.clock.now()),
      clockTolerance: toleranceSeconds,
    }),
  ).catch((error: Error) => {
    throw error instanceof RefusedError && error.status >= 500
      ? error
      : refuse(
          `request is a JWT that the client signed with ${alg} for ${context.config.issuer}`,
          undefined,
          `request does not verify: ${error.message}`,
        )
  })
  const { exp, iat, nbf, jti, sub } = payload
  const now = context.clock.now() / 1000
  check(
    !(exp! - nbf! > maxLifetimeSeconds || now - nbf! > maxLifetimeSeconds || iat! > now + toleranceSeconds),
    () =>
      refuse(
        `request: nbf and exp may span at most ${maxLifetimeSeconds} seconds, and iat is not in the future`,
        { nbf, exp, iat },
        `request: nbf and exp may span at most ${maxLifetimeSeconds} seconds, and iat is not in the future`,
      ),
  )
  check(typeof jti === 'string' && jti !== '' && jti.length <= 256, () =>
    refuse('request: jti is 1 to 256 characters', jti),
  )
  // A client assertion must not be accepted as a request.
  check(sub !== client.client_id, () =>
    refuse(
      'request: sub is not the client',
      sub,
      'request: sub is the client itself, as in a client assertion',
    ),
  )
  return payload
}

function requireType(jwt: string): void {
  let typ
  try {
    typ = decodeProtectedHeader(jwt).typ
  } catch {
    throw refuse('request is a JWT', undefined, 'request is not a JWT')
  }
  check(hasType(typ, requestTypes), () => refuse('request: typ must be JWT or oauth-authz-req+jwt', typ))
}

async function spend({ exp, iat, jti }: JWTPayload, client: Client, context: Context): Promise<void> {
  const ttl = rememberedMs(context.clock, exp! + toleranceSeconds)
  const key = `backchannel_jti:${sha256(`${client.client_id} ${jti}`)}`
  const problem = await useOnce(context, key, ttl, { at: iat! })
  check(!problem, () =>
    refuse(
      'request: a jti that was not used before',
      jti,
      `request: ${onceWords('this jti', problem ?? 'used')}`,
    ),
  )
}

const jwtClaims = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub']

/** Strings, as a form carries them. */
function asParameters(payload: JWTPayload): Params {
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries(payload)) {
    if (jwtClaims.includes(name) || value === undefined || value === null || value === '') continue
    check(name !== 'request' && name !== 'request_uri', () => refuse(`${name} may not be inside the request`))
    const words = Array.isArray(value) && name === 'resource'
    params[name] = typeof value === 'string' ? value : words ? value.join(repeated) : JSON.stringify(value)
  }
  return params
}
