/** Reads a request object: decrypts it, checks signature, client and audience, and returns its parameters. https://www.rfc-editor.org/rfc/rfc9101#section-4 */
import { check } from '../../auth/check.ts'
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { OAuthError } from '../../auth/errors.ts'
import { hasType, requestTypes } from '../../auth/jwt_type.ts'
import { type Grounds, RefusedError, shown } from '../../auth/refusal.ts'
import type { Rule } from '../../auth/rule.ts'
import { clientAlgs } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { clientVerificationKey } from '../../clients/client_keys.ts'
import type { Client } from '../../models/client.ts'
import { type Params, repeated } from '../../auth/params.ts'
import { metadata } from './metadata.ts'
import { heardVerification } from '../../lib/recorder.ts'

const refuse = (rule: Rule, grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_request_object', { ...grounds, rule })

const maxLength = 32_768

/** FAPI 2.0 Message Signing §5.3.1: at most an hour old, and valid for at most an hour. */
const hour = 3600

/** Seconds: an `iat` further in the future is refused (FAPI 2.0 Security Profile §5.3.2.1). */
const ahead = 60

export interface Strictness {
  /** Requires `nbf`, `exp` and `aud`. */
  strict: boolean
  /** Allows a request object without signature. */
  unsigned: boolean
}

export interface ReadRequestObject {
  /** The parameters inside, as strings (§4). */
  params: Params
  /** Why the object is refused although the client signed it: `invalid_request_object`. */
  refused: OAuthError | undefined
}

/** Throws `invalid_request_object` when the object is not signed by the client. */
export async function readRequestObject(
  object: string,
  client: Client,
  context: Context,
  { strict, unsigned }: Strictness,
): Promise<ReadRequestObject> {
  check(object.length <= maxLength, () =>
    refuse('RFC 9101 §4', {
      expected: `a request object may have at most ${maxLength} characters`,
      came: object.length,
    }),
  )
  const jwt = object.split('.').length === 5 ? await decrypt(object, client, context) : object
  const { payload, refused } = await verify(jwt, client, context, unsigned)
  const params = asParameters(payload, client)
  return { params, refused: refused ?? refusalOf(() => requireMeant(payload, client, context, strict)) }
}

function refusalOf(check: () => void): OAuthError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
}

/** The claims of the JWT itself: it is a request of this client, to this provider, at this time. */
function requireMeant(payload: JWTPayload, client: Client, context: Context, strict: boolean): void {
  const { iss, sub, aud, iat, client_id } = payload
  check(client_id === undefined || client_id === client.client_id, () =>
    refuse('RFC 9101 §5', {
      expected: `client_id equals the client_id of the request: ${client.client_id}`,
      came: client_id,
      wanted: client.client_id,
      problem: 'client_id inside the request object differs from the one of the request',
    }),
  )
  check(iss === undefined || iss === client.client_id, () =>
    refuse('RFC 9101 §4', { expected: 'iss must be the client_id', came: iss, wanted: client.client_id }),
  )
  // §10.8: a client assertion must not be accepted as a request object.
  check(sub === undefined || sub !== client.client_id, () =>
    refuse('RFC 9101 §10.8', {
      expected: 'no sub that is the client',
      came: sub,
      problem: 'sub is the client itself: this looks like a client assertion',
    }),
  )
  check(aud === undefined || [aud].flat().includes(context.config.issuer), () =>
    refuse('RFC 9101 §4', {
      expected: `aud must be ${context.config.issuer}`,
      came: aud,
      wanted: context.config.issuer,
    }),
  )
  check(payload.request === undefined && payload.request_uri === undefined, () =>
    refuse('RFC 9101 §4', { expected: 'request and request_uri may not be inside a request object' }),
  )
  check(iat === undefined || iat - context.clock.now() / 1000 <= ahead, () =>
    refuse('FAPI 2.0 §5.3.2.1', {
      expected: `iat is at most ${ahead} seconds ahead`,
      came: iat,
      problem: `iat is more than ${ahead} seconds ahead`,
    }),
  )
  if (strict) requireFresh(payload, context)
}

async function decrypt(jwe: string, client: Client, context: Context): Promise<string> {
  for (const open of context.table.decrypt) {
    const jwt = await open(context, jwe, client)
    if (jwt !== undefined) return jwt
  }
  throw refuse('RFC 9101 §6.1', {
    expected: 'a request object that is encrypted to this provider',
    problem: 'the request object cannot be decrypted',
    next: 'see request_object_encryption_alg_values_supported; ENCRYPTION_ALGS decides which keys there are',
  })
}

interface Verified {
  payload: JWTPayload
  /** It is signed by the client, but `exp`, `nbf` or `aud` does not hold. */
  refused?: OAuthError | undefined
}

async function verify(jwt: string, client: Client, context: Context, unsigned: boolean): Promise<Verified> {
  const { request_object_signing_alg: registered } = metadata.of(client)
  const header = attempt(() => decodeProtectedHeader(jwt))
  check(hasType(header.typ, requestTypes), () =>
    refuse('RFC 9101 §10.8', { expected: 'typ must be oauth-authz-req+jwt', came: header.typ }),
  )
  if (header.alg === 'none') {
    check(unsigned, () =>
      refuse('RFC 9101 §10.5', {
        expected: 'unsigned request objects are for clients that registered request_object_signing_alg none',
      }),
    )
    check(jwt.endsWith('.'), () =>
      refuse('RFC 7515 §2', { expected: 'an unsigned request object has an empty signature' }),
    )
    return { payload: attempt(() => decodeJwt(jwt)) }
  }
  const algorithms = clientAlgs(context.config.signingAlgs).filter(
    (alg) => registered === undefined || registered === alg,
  )
  const verified = await heardVerification(context, { jwt, whose: 'client' }, () =>
    jwtVerify(jwt, clientVerificationKey(client, context), {
      algorithms,
      currentDate: new Date(context.clock.now()),
      clockTolerance: 10,
    }),
  ).catch((error: Error) => {
    if (error instanceof RefusedError && error.status >= 500) throw error
    const refused = refuse('RFC 9101 §6.2', {
      expected: `a request object that the client signed, with ${algorithms.join(' or ')}`,
      came: header.alg,
      problem: `the request object does not verify: ${error.message}`,
    })
    // Both are thrown after the signature was verified.
    if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed)
      return { payload: error.payload, refused }
    throw refused
  })
  return { refused: refusalOf(() => requireAudience(verified.payload, context)), ...verified }
}

function attempt<T>(read: () => T): T {
  try {
    return read()
  } catch {
    throw refuse('RFC 9101 §4', {
      expected: 'a request object that is a JWT',
      problem: 'the request object is not a JWT',
    })
  }
}

/** The audience is what keeps a request that was signed for another provider out; Core §6.1 leaves it to the client. */
function requireAudience({ aud }: JWTPayload, { config }: Context): void {
  check(aud !== undefined || config.profile === 'classic', () =>
    refuse('RFC 9101 §4', { expected: `aud is required in a signed request object: ${config.issuer}` }),
  )
}

function requireFresh({ aud, exp, nbf }: JWTPayload, context: Context): void {
  check(aud !== undefined, () =>
    refuse('FAPI 2.0 §5.3.2.1', { expected: `aud is required: ${context.config.issuer}` }),
  )
  check(exp !== undefined && nbf !== undefined, () =>
    refuse('FAPI 2.0 §5.3.2.1', { expected: 'exp and nbf are required' }),
  )
  check(context.clock.now() / 1000 - nbf <= hour && exp - nbf <= hour, () =>
    refuse('FAPI 2.0 §5.3.2.1', {
      expected: 'nbf may be at most an hour ago, and exp at most an hour after it',
      came: `nbf ${nbf}, exp ${exp}`,
    }),
  )
}

const jwtClaims = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub']

/** Numbers and objects become strings, as in a query; `resource` may be a list. */
function asParameters(payload: JWTPayload, client: Client): Params {
  const params: Record<string, string> = { client_id: client.client_id }
  for (const [name, value] of Object.entries(payload)) {
    if (jwtClaims.includes(name) || value === undefined || value === null || value === '') continue
    const words = Array.isArray(value) && name === 'resource'
    const text = typeof value === 'string' ? value : words ? value.join(repeated) : JSON.stringify(value)
    // JSON can write half of a surrogate pair, which no URL can carry back to the client.
    check(text.isWellFormed(), () =>
      refuse('RFC 9101 §4', { expected: `${shown(name)} is Unicode text without lone surrogates` }),
    )
    params[name] = text
  }
  return params
}
