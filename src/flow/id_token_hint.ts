/** `id_token_hint`: an ID Token of this provider that names the End-User or session of a request. It may be expired. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { check } from '../auth/check.ts'
import { OAuthError } from '../auth/errors.ts'
import { secret } from '../auth/refusal.ts'
import { type Claims, kidOf, unverifiedClaims } from '../auth/jws.ts'
import { isMarkedAccessToken } from '../auth/jwt_type.ts'
import type { Context } from '../contracts/context.ts'
import type { Params } from '../auth/params.ts'
import { seconds } from '../lib/clock.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Client } from '../models/client.ts'

export interface Hint {
  sub: string
  aud: string
  sid: string | undefined
}

const partsOfJwe = 5

/** Decrypts a JWE to this provider's key or with the secret of `client`. Returns anything else unchanged (OpenID Connect Core §3.1.2.1). */
async function opened(hint: string, client: Client | undefined, context: Context): Promise<string> {
  if (hint.split('.', partsOfJwe + 1).length !== partsOfJwe) return hint
  for (const open of context.table.decrypt) {
    const jwt = await open(context, hint, client)
    if (jwt !== undefined) return jwt
  }
  return hint
}

/** Undefined unless the hint is an ID Token that this provider signed. `client` is the sender, if known. */
export async function readHint(
  hint: string,
  context: Context,
  client: Client | undefined,
): Promise<Hint | undefined> {
  return hintOf(await context.keys.verifyHint(await opened(hint, client, context)), context)
}

function hintOf(payload: Claims | undefined, context: Context): Hint | undefined {
  if (
    payload?.iss !== context.config.issuer ||
    typeof payload.sub !== 'string' ||
    typeof payload.aud !== 'string' ||
    isMarkedAccessToken(payload) ||
    // Excludes a signed UserInfo response, which has the other claims (OpenID Connect Core §5.3.2).
    typeof payload.exp !== 'number'
  )
    return undefined
  return {
    sub: payload.sub,
    aud: payload.aud,
    sid: typeof payload.sid === 'string' ? payload.sid : undefined,
  }
}

/**
 * The `aud` of an ID Token whose key this provider no longer has. It is not verified: it may be used as a `client_id`
 * parameter is, which any page may send. Undefined for a token that could be verified, and for any other text.
 */
export function unverifiedAudience(hint: string, context: Context): string | undefined {
  const kid = kidOf(hint)
  if (kid === undefined || context.keys.canVerifyHint(kid)) return undefined
  return hintOf(unverifiedClaims(hint, 'JWT'), context)?.aud
}

export const notOurHint = (hint: string) =>
  new OAuthError('invalid_request', {
    rule: 'OpenID Connect Core §3.1.2.1',
    expected: 'id_token_hint is an ID Token that this provider signed',
    came: secret(hint),
    problem: 'id_token_hint is not an ID Token that this provider signed',
  })

/** The `sub` of the hint. Throws `invalid_request` for a hint that this provider did not sign. */
export async function hintedSubject(
  jwt: string | undefined,
  client: Client,
  context: Context,
): Promise<string | undefined> {
  if (jwt === undefined) return undefined
  const hint = await readHint(jwt, context, client)
  check(hint, () => notOurHint(jwt))
  return hint.sub
}

const sealLabel = 'id_token_hint of a form'

/**
 * The parameters of a form for the query of a redirect. The ID Token is encrypted there: addresses are kept in histories
 * and logs, and an ID Token names the End-User.
 */
export function withSealedHint({ id_token_hint, ...rest }: Params, context: Context): Params {
  if (id_token_hint === undefined) return rest
  const exp = seconds(context.clock) + context.config.interactionTtl
  const text = JSON.stringify({ hint: id_token_hint, exp })
  return { ...rest, sealed_hint: seal(context.secrets.people, text, sealLabel) }
}

/** The parameters as they were before `withSealedHint`; with `otherwise` as the hint if it has expired or is not ours. */
export function withOpenHint(given: Params, context: Context, otherwise: string | undefined): Params {
  const { sealed_hint, ...rest } = given
  if (sealed_hint === undefined || rest.id_token_hint !== undefined) return given
  const hint = openedHint(sealed_hint, context) ?? otherwise
  return hint === undefined ? rest : { ...rest, id_token_hint: hint }
}

function openedHint(sealed: string, { secrets, clock }: Context): string | undefined {
  const text = unseal(secrets.people, sealed, sealLabel)
  if (text === undefined) return undefined
  const { hint, exp } = JSON.parse(text) as { hint: string; exp: number }
  return exp > seconds(clock) ? hint : undefined
}
