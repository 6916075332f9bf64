/** Tokens from a provider: requested with a code, stored, and revoked when the connection is removed. https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { appleSecret } from './apple_secret.ts'
import { type ProviderMetadata } from './discovery.ts'
import { basicCredentials, postForm, send, UpstreamError } from './request.ts'
import type { Claims } from './row.ts'
import type { Upstream } from './settings.ts'

export const Tokens = v.object({
  access_token: v.string(),
  refresh_token: v.optional(v.string()),
  /** Milliseconds; undefined if the provider does not state it. */
  expires_at: v.optional(v.number()),
})
/** Always encrypted in the store. */
export type Tokens = v.InferOutput<typeof Tokens>

const longestToken = 10_000

/** Client authentication as form fields or headers. */
async function credentials(
  context: Context,
  upstream: Upstream,
  auth: ProviderMetadata['auth'],
): Promise<Record<'fields' | 'headers', Readonly<Record<string, string>>>> {
  const { clientId: client_id, clientSecret = '' } = upstream
  if (auth === 'client_secret_basic')
    return { fields: {}, headers: { authorization: basicCredentials(upstream) } }
  const client_secret = auth === 'apple' ? await appleSecret(context, upstream) : clientSecret
  return { fields: { client_id, client_secret }, headers: {} }
}

async function ask(
  context: Context,
  upstream: Upstream,
  { token, auth }: Pick<ProviderMetadata, 'token' | 'auth'>,
  grant: Readonly<Record<string, string>>,
): Promise<Claims> {
  const { fields, headers } = await credentials(context, upstream, auth)
  return postForm(context, token, { ...grant, ...fields }, headers)
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= longestToken ? value : undefined

function tokensOf({ clock }: Context, said: Claims): Tokens {
  const access_token = textOf(said.access_token)
  if (access_token === undefined)
    throw new UpstreamError('nonsense', 'the token response has no access token')
  if (said.token_type !== undefined && !/^bearer$/i.test(String(said.token_type)))
    throw new UpstreamError('nonsense', 'token_type is not bearer')
  const refresh_token = textOf(said.refresh_token)
  const lifetime = Number(said.expires_in)
  return {
    access_token,
    ...(refresh_token !== undefined && { refresh_token }),
    ...(lifetime > 0 && Number.isFinite(lifetime) && { expires_at: clock.now() + lifetime * 1000 }),
  }
}

/** Throws UpstreamError. The ID Token is not validated yet. */
export async function redeem(
  context: Context,
  upstream: Upstream,
  known: ProviderMetadata,
  { code, redirectUri, verifier }: { code: string; redirectUri: string; verifier: string },
): Promise<{ tokens: Tokens; idToken: string | undefined }> {
  const said = await ask(context, upstream, known, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    ...(!upstream.row.withoutPkce && { code_verifier: verifier }),
  })
  return {
    tokens: tokensOf(context, said),
    idToken: typeof said.id_token === 'string' ? said.id_token : undefined,
  }
}

/** Revokes the tokens, if the provider supports it. Never throws: they are deleted here in any case. */
export async function revoke(
  context: Context,
  upstream: Upstream,
  { revocation, auth }: Pick<ProviderMetadata, 'revocation' | 'auth'>,
  { access_token, refresh_token }: Tokens,
): Promise<void> {
  try {
    if (upstream.row.revoke) await send(context, upstream.row.revoke(access_token, upstream))
    else if (revocation !== undefined) {
      const { fields, headers } = await credentials(context, upstream, auth)
      const token = refresh_token ?? access_token
      await send(context, {
        url: revocation,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ token, ...fields }).toString(),
      })
    }
  } catch (error) {
    context.log.warn('upstream_not_revoked', { provider: upstream.id, problem: (error as Error).message })
  }
}
