/** The tokens of a provider: got for a code, kept to be given back at the end. https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { appleSecret } from './apple_secret.ts'
import { type Known } from './discovery.ts'
import { basicCredentials, postForm, send, UpstreamError } from './request.ts'
import type { Claims } from './row.ts'
import type { Upstream } from './settings.ts'

export const Tokens = v.object({
  access_token: v.string(),
  refresh_token: v.optional(v.string()),
  /** Milliseconds; undefined when the provider does not say. */
  expires_at: v.optional(v.number()),
})
/** Sealed wherever they rest. */
export type Tokens = v.InferOutput<typeof Tokens>

const longestToken = 10_000

/** What goes into the form, and what beside it, so that the provider knows us. */
async function credentials(
  context: Context,
  upstream: Upstream,
  auth: Known['auth'],
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
  { token, auth }: Pick<Known, 'token' | 'auth'>,
  grant: Readonly<Record<string, string>>,
): Promise<Claims> {
  const { fields, headers } = await credentials(context, upstream, auth)
  return postForm(context, token, { ...grant, ...fields }, headers)
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= longestToken ? value : undefined

function tokensOf({ clock }: Context, said: Claims): Tokens {
  const access_token = textOf(said.access_token)
  if (access_token === undefined) throw new UpstreamError('nonsense', 'the answer holds no access token')
  if (said.token_type !== undefined && !/^bearer$/i.test(String(said.token_type)))
    throw new UpstreamError('nonsense', 'the access token is no bearer token')
  const refresh_token = textOf(said.refresh_token)
  const lifetime = Number(said.expires_in)
  return {
    access_token,
    ...(refresh_token !== undefined && { refresh_token }),
    ...(lifetime > 0 && Number.isFinite(lifetime) && { expires_at: clock.now() + lifetime * 1000 }),
  }
}

/** Throws UpstreamError. The ID Token is as it came: nothing of it has been checked. */
export async function redeem(
  context: Context,
  upstream: Upstream,
  known: Known,
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

/** Gives them back, as far as the provider lets us. Never throws: they are erased here either way. */
export async function revoke(
  context: Context,
  upstream: Upstream,
  { revocation, auth }: Pick<Known, 'revocation' | 'auth'>,
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
