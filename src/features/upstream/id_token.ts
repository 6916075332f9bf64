/** Validation of an ID Token from a provider. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation */
import { ownMember } from '../../lib/own_member.ts'
import { createHash } from 'node:crypto'
import type { CompactJWSHeaderParameters } from 'jose'
import { hasType, isMarkedAccessToken } from '../../auth/jwt_type.ts'
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { clientVerificationKey } from '../../clients/client_keys.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import type { ProviderMetadata } from './discovery.ts'
import { quoted, UpstreamError } from './request.ts'
import { type Claims, membersOf } from './row.ts'
import type { Upstream } from './settings.ts'

/** Allowed clock difference. */
const toleranceSeconds = 60
/** `iat` is recent: the token comes directly from the token endpoint. */
const maxAgeSeconds = 600
const maxLength = 20_000
const maxSubjectLength = 255

const refuse = (why: string) => new UpstreamError('nonsense', `ID Token: ${why}`)

/** More than this provider signs with: providers choose theirs. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

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
  if (isMarkedAccessToken(payload)) throw refuse('it is an access token')
  if (nonce !== expected.nonce && !(upstream.row.withoutNonce && nonce === undefined))
    throw refuse('nonce is not that of this sign-in')
  if (at_hash !== undefined && !isHashOf(at_hash, expected.accessToken, protectedHeader.alg))
    throw refuse('at_hash does not match the access token')
  return payload
}

/** A provider with many applications or tenants publishes many keys, often with certificates. */
const keyBounds = { keys: 500, bytes: 1_048_576 }

/** Checks the signature. Only asymmetric algorithms are accepted: neither `none` nor HMAC. */
async function verified(
  context: Context,
  upstream: Upstream,
  { jwksUri }: ProviderMetadata,
  idToken: string,
): Promise<{ payload: Claims; protectedHeader: CompactJWSHeaderParameters }> {
  if (jwksUri === undefined) throw refuse('the provider has no jwks_uri')
  const { compactVerify } = await import('jose')
  const holder = { client_id: `upstream ${upstream.id}`, jwks_uri: jwksUri, bounds: keyBounds }
  const key = clientVerificationKey(holder, context)
  try {
    const { payload, protectedHeader } = await compactVerify(idToken, key, { algorithms })
    if (protectedHeader.b64 === false) throw refuse('b64 is for other content') // RFC 7797 §7
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload)
    return { payload: membersOf(JSON.parse(text)), protectedHeader }
  } catch (error) {
    if (error instanceof UpstreamError) throw error
    if (error instanceof RefusedError) throw new UpstreamError('down', `its keys: ${error.publicDescription}`)
    throw refuse((error as Error).message)
  }
}

function checkIssuer(payload: Claims, { row, ...place }: Upstream, { issuer }: ProviderMetadata): void {
  const expected = row.issuerOf ? row.issuerOf(payload, place) : issuer
  if (expected === undefined || payload.iss !== expected)
    throw refuse(`iss ${quoted(payload.iss)} is not ${quoted(expected)}`)
}

/** §3.1.3.7: a further audience could replay the token here, unless `azp` says that it was issued to us. */
function checkAudience({ aud, azp }: Claims, clientId: string): void {
  const audiences = new Set<unknown>(Array.isArray(aud) ? aud : [aud])
  if (!audiences.has(clientId)) throw refuse('aud is another client')
  if (audiences.size > 1 && azp === undefined) throw refuse('aud has further audiences, and there is no azp')
  if (azp !== undefined && azp !== clientId) throw refuse('azp is another client')
}

function checkTimes({ iat, exp, nbf }: Claims, now: number): void {
  const seconds = now / 1000
  if (typeof iat !== 'number' || typeof exp !== 'number') throw refuse('iat or exp is missing or no number')
  if (nbf !== undefined && typeof nbf !== 'number') throw refuse('nbf is no number')
  if (exp <= seconds - toleranceSeconds) throw refuse('it is expired')
  if (nbf !== undefined && nbf > seconds + toleranceSeconds) throw refuse('nbf is in the future')
  if (iat > seconds + toleranceSeconds) throw refuse('iat is in the future')
  if (iat < seconds - maxAgeSeconds - toleranceSeconds) throw refuse('iat is too old')
}

/** By the end of the name of the algorithm. EdDSA uses SHA-512 with Ed25519. */
const hashes: Readonly<Record<string, string>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' }

/** §3.1.3.6: the left half of the hash that the signature's algorithm uses. */
function isHashOf(at_hash: unknown, accessToken: string, alg: string): boolean {
  const digest = createHash(ownMember(hashes, alg.slice(-3)) ?? 'sha512')
    .update(accessToken)
    .digest()
  const half = digest.subarray(0, digest.length / 2).toString('base64url')
  return typeof at_hash === 'string' && equalInConstantTime(at_hash, half)
}
