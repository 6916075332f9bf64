/** Checks the proof in the DPoP header, and that it was not used before. https://www.rfc-editor.org/rfc/rfc9449#section-4.3 */
import { check } from '../../auth/check.ts'
import type { JWK } from 'jose'
import { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import { thumbprint } from '../../auth/jwk.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { rememberedMs } from '../../lib/clock.ts'
import { onceWords, useOnce } from '../../models/once.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { sha256 } from '../../lib/hash.ts'
import { heardVerification } from '../../lib/recorder.ts'

/** Asymmetric algorithms alone; `none` and MACs prove no possession of a key. */
const proofAlgs = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'Ed25519', 'EdDSA']

/** RS256 only when SIGNING_ALGS has it, because FAPI 2.0 forbids it; the others are always allowed. */
export const proofAlgsOf = ({ config }: Context): string[] =>
  proofAlgs.filter((alg) => alg !== 'RS256' || config.signingAlgs.includes('RS256'))

/** Seconds: the allowed difference of `iat` from now, in both directions, because clocks of devices are inaccurate. */
const windowSeconds = 60

export const invalidProof = (grounds: Grounds) => new OAuthError('invalid_dpop_proof', grounds)

/** One of the checks of §4.3. */
const failed = (expected: string, came?: unknown, problem?: string, wanted?: unknown) =>
  invalidProof({ rule: 'RFC 9449 §4.3', expected, came, wanted, problem: problem ?? expected })

export interface Proof {
  jkt: string
  nonce: string | undefined
}

/** The one DPoP header, or undefined. Two are an error (§4.3 check 1). */
export function proofHeader(call: Call): string | undefined {
  const header = call.request.headers.get('dpop')
  if (header === null) return undefined
  check(!header.includes(','), () =>
    failed(
      'exactly one DPoP header',
      header.split(',').length,
      'exactly one DPoP header is expected, got several',
    ),
  )
  return header.trim()
}

/**
 * Makes checks 2 to 12 of §4.3 except the nonce, then the single use across all instances. `accessToken` is the one of the
 * request. Throws `invalid_dpop_proof`.
 */
export async function verifyProof(
  proof: string,
  call: Call,
  context: Context,
  accessToken?: string,
): Promise<Proof> {
  check(proof.length <= 8_192, () =>
    failed('a proof of at most 8192 characters', proof.length, 'the proof is longer than 8192 characters'),
  )
  const { EmbeddedJWK, jwtVerify } = await import('jose')
  const { payload, protectedHeader } = await heardVerification(context, { jwt: proof, whose: 'header' }, () =>
    jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: proofAlgsOf(context),
      currentDate: new Date(context.clock.now()),
      clockTolerance: windowSeconds,
    }),
  ).catch((error: Error) => {
    throw failed(
      'a JWT with typ dpop+jwt, signed by the key in its header',
      undefined,
      `the proof is not a JWT as RFC 9449 4.2 describes: ${error.message}`,
    )
  })
  const { htm, htu, iat, jti, ath, nonce } = payload
  check(typeof jti === 'string' && jti !== '' && jti.length <= 200, () =>
    failed('jti must be a string of at most 200 characters', jti),
  )
  check(htm === call.method, () => failed(`htm must be ${call.method}`, htm, undefined, call.method))
  const targets = context.baseUrls.map((base) => withoutQuery(base + call.path))
  check(typeof htu === 'string' && targets.includes(withoutQuery(htu)), () =>
    failed(`htu must be ${context.config.issuer}${call.path}`, htu, undefined, targets),
  )
  const age = context.clock.now() / 1000 - (iat ?? -Infinity)
  check(Math.abs(age) <= windowSeconds, () =>
    failed(`iat must be within ${windowSeconds} seconds of now`, iat, undefined, context.clock.now() / 1000),
  )
  check(
    accessToken === undefined || (typeof ath === 'string' && equalInConstantTime(ath, sha256(accessToken))),
    () =>
      failed(
        'ath must be the SHA-256 of the access token',
        ath,
        undefined,
        accessToken && sha256(accessToken),
      ),
  )
  const jkt = thumbprint(protectedHeader.jwk as JWK)
  const ttl = rememberedMs(context.clock, iat! + windowSeconds)
  const problem = await useOnce(context, `dpop:${sha256(`${jkt} ${jti}`)}`, ttl, { at: iat! })
  check(!problem, () =>
    failed('a jti that was not used before', jti, onceWords('this proof', problem ?? 'used')),
  )
  return { jkt, nonce: typeof nonce === 'string' ? nonce : undefined }
}

/** §4.3: compared without query and fragment, after normalization. */
function withoutQuery(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined
  const url = new URL(uri)
  return url.username || url.password ? undefined : `${url.origin}${url.pathname}`
}
