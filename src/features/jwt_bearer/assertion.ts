/** Reads and checks an assertion: a JWT about an End-User, signed by a trusted issuer. https://www.rfc-editor.org/rfc/rfc7523#section-3 */
import { check } from '../../auth/check.ts'
import type { JWTPayload } from 'jose'
import { HttpError, OAuthError } from '../../auth/errors.ts'
import { hasType, isMarkedAccessToken } from '../../auth/jwt_type.ts'
import { RefusedError, shown } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { clientVerificationKey } from '../../clients/client_keys.ts'
import { rememberedMs } from '../../lib/clock.ts'
import { type Issued, issuedAt, type OnceProblem, useOnce } from '../../models/once.ts'
import { sha256 } from '../../lib/hash.ts'
import { heardVerification } from '../../lib/recorder.ts'

export const refuse = (expected: string, came?: unknown, problem = expected) =>
  new OAuthError('invalid_grant', {
    rule: 'RFC 7523 §3',
    expected: `assertion: ${expected}`,
    came,
    problem: `assertion: ${problem}`,
  })

/** Issuer and the URL of its keys. */
export type Issuers = readonly (readonly [issuer: string, jwksUri: string])[]

/** The checked claims of an assertion. */
export interface Assertion {
  issuer: string
  sub: string
  /** The `jti`, or the hash of an assertion that has none (§3). */
  id: string
  issued: Issued
  /** Seconds. */
  exp: number
  /** Seconds: `auth_time` at the issuer, if it states one. */
  authTime: number | undefined
}

const longest = 10_000
/** The longest remaining lifetime of an assertion; its `jti` is kept that long. */
const longestLifeSeconds = 3600
const toleranceSeconds = 10

/** The `typ` values of an assertion. Other JWTs signed with the same keys, such as access tokens, are refused (RFC 8725 §3.11). */
const types = ['jwt', 'authorization-grant+jwt']

/**
 * Checks signature, issuer, audience and times; `claim` checks single use. Throws `invalid_grant`, and
 * `temporarily_unavailable` when the keys of the issuer cannot be fetched.
 */
export async function readAssertion(
  jwt: string,
  issuers: Issuers,
  clientId: string,
  context: Context,
): Promise<Assertion> {
  check(jwt.length <= longest, () =>
    refuse(`at most ${longest} characters`, jwt.length, `it is longer than ${longest} characters`),
  )
  const { decodeJwt, decodeProtectedHeader } = await import('jose')
  const [said, typ] = decoded(() => [decodeJwt(jwt), decodeProtectedHeader(jwt).typ] as const)
  check(hasType(typ, types), () =>
    refuse('typ JWT, or none', typ, `its typ ${shown(typ)} is not that of an assertion`),
  )
  check(!isMarkedAccessToken(said), () => refuse('an assertion', said.token_use, 'it is an access token'))
  const trusted = issuers.find(([issuer]) => issuer === said.iss)
  check(trusted, () =>
    refuse(
      'an issuer that this provider trusts',
      said.iss,
      `its issuer ${shown(said.iss)} is not trusted by this provider`,
    ),
  )
  const payload = await verified(jwt, trusted, context)
  return { issuer: trusted[0], id: idOf(payload, jwt), ...checked(payload, clientId, context) }
}

function decoded<T>(read: () => T): T {
  try {
    return read()
  } catch {
    throw refuse('a JWT', undefined, 'it is not a JWT')
  }
}

async function verified(
  jwt: string,
  [issuer, jwks_uri]: Issuers[number],
  context: Context,
): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose')
  const { config, clock, baseUrls } = context
  const algorithms = config.signingAlgs.includes('EdDSA')
    ? [...config.signingAlgs, 'Ed25519']
    : config.signingAlgs
  const key = clientVerificationKey({ client_id: issuer, jwks_uri }, context)
  try {
    const { payload } = await heardVerification(context, { jwt, whose: 'issuer' }, () =>
      jwtVerify(jwt, key, {
        issuer,
        audience: [config.issuer, ...baseUrls.map((base) => `${base}/token`)],
        algorithms: [...algorithms],
        currentDate: new Date(clock.now()),
        clockTolerance: toleranceSeconds,
        requiredClaims: ['sub', 'exp'], // RFC 7523 §3: iat and jti are optional
      }),
    )
    return payload
  } catch (error) {
    if (!(error instanceof RefusedError))
      throw refuse(
        `a JWT that ${issuer} signed for ${config.issuer}, unexpired`,
        undefined,
        (error as Error).message,
      )
    throw new HttpError('temporarily_unavailable', {
      expected: 'the keys of the issuer',
      problem: 'the keys of the issuer cannot be fetched at the moment',
      detail: `${issuer} ${error.publicDescription}`,
      retryAfter: 30,
    })
  }
}

/** The hash is that of the signed part: with ECDSA, one assertion can have several valid signatures. */
function idOf({ jti }: JWTPayload, jwt: string): string {
  if (jti === undefined) return `sha256:${sha256(jwt.slice(0, jwt.lastIndexOf('.')))}`
  check(typeof jti === 'string' && jti !== '', () => refuse('jti must be a string', jti))
  return jti
}

function checked(payload: JWTPayload, clientId: string, { clock }: Context) {
  const now = clock.now() / 1000
  const { sub, iat = now, exp = 0, client_id, auth_time } = payload
  check(typeof sub === 'string' && sub !== '', () => refuse('sub must name an End-User', sub))
  check(iat <= now + toleranceSeconds, () => refuse('iat is not in the future', iat, 'iat is in the future'))
  check(exp - now <= longestLifeSeconds && exp - iat <= longestLifeSeconds, () =>
    refuse(
      `exp is at most ${longestLifeSeconds} seconds away`,
      exp,
      `exp is more than ${longestLifeSeconds} seconds away`,
    ),
  )
  check(client_id === undefined || client_id === clientId, () =>
    refuse(`client_id ${clientId}, or none`, client_id, 'it was made for another client'),
  )
  const seen = typeof auth_time === 'number' && auth_time > 0 && auth_time <= iat + toleranceSeconds
  const issued = issuedAt(payload.iat, exp - longestLifeSeconds)
  return { sub, issued, exp, authTime: seen ? Math.floor(auth_time) : undefined }
}

/** Marks the assertion as used, for its lifetime. Undefined once across all instances. */
export const claim = (context: Context, { issuer, id, issued, exp }: Assertion): Promise<OnceProblem> =>
  useOnce(
    context,
    `jwt_bearer:${sha256(JSON.stringify([issuer, id]))}`,
    rememberedMs(context.clock, exp + toleranceSeconds),
    issued,
  )
