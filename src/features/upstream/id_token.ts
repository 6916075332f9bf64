/** Validation of an ID Token from a provider. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation */
import { ownMember } from '../../lib/own_member.ts'
import { createHash } from 'node:crypto'
import type { JWTPayload, JWTVerifyResult } from 'jose'
import { hasType } from '../../auth/jwt_type.ts'
import { RefusedError } from '../../auth/refusal.ts'
import { clientAlgs, signingAlgs } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { clientVerificationKey } from '../../clients/client_keys.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import type { ProviderMetadata } from './discovery.ts'
import { quoted, UpstreamError } from './request.ts'
import type { Claims } from './row.ts'
import type { Upstream } from './settings.ts'

/** Allowed clock difference. */
const toleranceSeconds = 60
/** `iat` is recent: the token comes directly from the token endpoint. */
const maxAgeSeconds = 600
const maxLength = 20_000
const maxSubjectLength = 255

const refuse = (why: string) => new UpstreamError('nonsense', `ID Token: ${why}`)

/** Excludes other types of JWT that are signed with the same keys (RFC 8725 §3.11). */
const types = ['jwt']

export interface Expected {
  nonce: string
  accessToken: string
}

/** Returns the claims after all checks. Throws UpstreamError. */
export async function readIdToken(
  context: Context,
  upstream: Upstream,
  known: ProviderMetadata,
  idToken: string,
  expected: Expected,
): Promise<Claims> {
  if (idToken.length > maxLength) throw refuse('it is too long')
  const { payload, protectedHeader } = await verified(context, upstream, known, idToken)
  if (!hasType(protectedHeader.typ, types)) throw refuse(`typ ${quoted(protectedHeader.typ)}`)
  checkIssuer(payload, upstream, known)
  checkAudience(payload, upstream.clientId)
  checkTimes(payload, context.clock.now())
  const { sub, nonce, at_hash } = payload
  if (typeof sub !== 'string' || sub === '' || sub.length > maxSubjectLength)
    throw refuse('sub is missing, empty or too long')
  if (nonce !== expected.nonce && !(upstream.row.withoutNonce && nonce === undefined))
    throw refuse('nonce is not that of this sign-in')
  if (at_hash !== undefined && !isHashOf(at_hash, expected.accessToken, protectedHeader.alg))
    throw refuse('at_hash does not match the access token')
  return payload
}

/** Checks the signature. Only asymmetric algorithms are accepted: neither `none` nor HMAC. */
async function verified(
  context: Context,
  upstream: Upstream,
  { jwksUri }: ProviderMetadata,
  idToken: string,
): Promise<JWTVerifyResult> {
  if (jwksUri === undefined) throw refuse('the provider has no jwks_uri')
  const { jwtVerify } = await import('jose')
  const key = clientVerificationKey({ client_id: `upstream ${upstream.id}`, jwks_uri: jwksUri }, context)
  try {
    return await jwtVerify(idToken, key, {
      audience: upstream.clientId,
      algorithms: [...clientAlgs(signingAlgs)],
      currentDate: new Date(context.clock.now()),
      clockTolerance: toleranceSeconds,
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    })
  } catch (error) {
    if (error instanceof RefusedError) throw new UpstreamError('down', `its keys: ${error.publicDescription}`)
    throw refuse((error as Error).message)
  }
}

function checkIssuer(payload: JWTPayload, { row, ...place }: Upstream, { issuer }: ProviderMetadata): void {
  const expected = row.issuerOf ? row.issuerOf(payload, place) : issuer
  if (expected === undefined || payload.iss !== expected)
    throw refuse(`iss ${quoted(payload.iss)} is not ${quoted(expected)}`)
}

/** §3.1.3.7: no further audience, because it could replay the token here. */
function checkAudience({ aud, azp }: JWTPayload, clientId: string): void {
  if (Array.isArray(aud) && aud.length !== 1) throw refuse('aud has further audiences')
  if (azp !== undefined && azp !== clientId) throw refuse('azp is another client')
}

function checkTimes({ iat = 0 }: JWTPayload, now: number): void {
  const age = now / 1000 - iat
  if (age < -toleranceSeconds) throw refuse('iat is in the future')
  if (age > maxAgeSeconds + toleranceSeconds) throw refuse('iat is too old')
}

const hashes: Readonly<Record<string, string>> = { EdDSA: 'sha512', Ed25519: 'sha512' }

/** §3.1.3.6: the left half of the hash that the signature's algorithm uses. */
function isHashOf(at_hash: unknown, accessToken: string, alg: string): boolean {
  const digest = createHash(ownMember(hashes, alg) ?? 'sha256')
    .update(accessToken)
    .digest()
  const half = digest.subarray(0, digest.length / 2).toString('base64url')
  return typeof at_hash === 'string' && equalInConstantTime(at_hash, half)
}
