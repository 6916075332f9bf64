/** An ID Token of ours as a hint at whom or which session a request is about; it may have expired. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../context.ts'

export interface Hint {
  sub: string
  aud: string
  sid: string | undefined
}

/** Undefined when it is no ID Token that we signed. */
export async function readHint(jwt: string, context: Context): Promise<Hint | undefined> {
  const payload = await context.keys.verify(jwt, { typ: 'JWT' })
  if (
    payload?.iss !== context.config.issuer ||
    typeof payload.sub !== 'string' ||
    typeof payload.aud !== 'string' ||
    // Signed userinfo has all the rest (OpenID Connect Core §5.3.2), and is no ID Token.
    typeof payload.exp !== 'number'
  )
    return undefined
  return {
    sub: payload.sub,
    aud: payload.aud,
    sid: typeof payload.sid === 'string' ? payload.sid : undefined,
  }
}

/** Throws `invalid_request` when a hint came that is not ours. */
export async function hintedSubject(jwt: string | undefined, context: Context): Promise<string | undefined> {
  if (jwt === undefined) return undefined
  const hint = await readHint(jwt, context)
  if (!hint)
    throw new OAuthError('invalid_request', 'id_token_hint is not an ID Token that this provider signed')
  return hint.sub
}
