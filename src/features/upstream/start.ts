/** The authorization request to a provider: only by POST of a form of this origin, with a `state` for this browser. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { parseClaimsParameter } from '../../auth/claims.ts'
import { generatePkce } from '../../auth/pkce.ts'
import { needsAuthTime } from '../../auth/prompt.ts'
import { findClient } from '../../clients/find_client.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { interactionForm } from '../../flow/interaction_page.ts'
import { isFresh } from '../../flow/signed_in_person.ts'
import type { Call } from '../../contracts/call.ts'
import { ensureBrowser } from '../../http/csrf.ts'
import type { Reply } from '../../contracts/reply.ts'
import { currentSession } from '../../http/session.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Interaction } from '../../models/interaction.ts'
import { metadataOf } from './discovery.ts'
import { failed, unknownProvider } from './failure.ts'
import { wantedAcr } from './factors.ts'
import { findUpstream, type Upstream } from './settings.ts'
import { keepState, type State } from './state.ts'

export const startPath = '/upstream/start'

/** Registered with the provider. Each provider has its own, against mix-up attacks (RFC 9700 §4.4.2). */
export const callbackOf = ({ config }: Context, { id }: Pick<Upstream, 'id'>): string =>
  `${config.issuer}/upstream/callback/${id}`

/** POST only, so that software which prefetches links does not begin a sign-in. */
export const start = defineEndpoint({
  name: 'upstream_start',
  path: startPath,
  advertised: false,
  limited: true,
  page: true,
  form: interactionForm(startPath.slice(1)),
  async post(call, context, { fields, handle, interaction }) {
    const upstream = findUpstream(context.config, fields.provider ?? '')
    if (!upstream) throw unknownProvider()
    const purpose = { kind: 'sign_in' as const, interaction: handle }
    return redirectToProvider(call, context, upstream, purpose, {
      fresh: await wantsFresh(interaction, call, context),
      acrValues: interaction.params?.acr_values,
    })
  },
})

/**
 * Fresh if the client demands it or the time of the sign-in, if a page of /account asks an End-User with a session to sign in
 * again, or if an old sign-in with a provider was not enough for a step of this interaction.
 */
async function wantsFresh({ params, pending }: Interaction, call: Call, context: Context): Promise<boolean> {
  if (pending?.proven_at !== undefined && !isFresh(pending.proven_at, context)) return true
  if (params === undefined) return (await currentSession(call, context)) !== undefined
  if (params.prompt?.split(' ').includes('login') === true || params.max_age !== undefined) return true
  const client = params.client_id === undefined ? undefined : await findClient(context, params.client_id)
  return (
    client?.default_max_age !== undefined || needsAuthTime(client ?? {}, parseClaimsParameter(params.claims))
  )
}

/** 303 to the provider; if its metadata cannot be read, a page with the other sign-in methods. */
export async function redirectToProvider(
  call: Call,
  context: Context,
  upstream: Upstream,
  purpose: State['purpose'],
  { fresh, acrValues }: { fresh: boolean; acrValues?: string | undefined },
): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  try {
    const { issuer, authorization, jwksUri } = await metadataOf(context, upstream)
    const { code_verifier, code_challenge } = generatePkce(context.random)
    const nonce = context.random(24)
    const state = await keepState(context, {
      provider: upstream.id,
      issuer,
      browser_hash: sha256(browser),
      verifier: code_verifier,
      nonce,
      ...(fresh && { fresh_since: context.clock.now() }),
      purpose,
    })
    const { row } = upstream
    const location = withParameters(authorization, {
      response_type: 'code',
      client_id: upstream.clientId,
      redirect_uri: callbackOf(context, upstream),
      scope: upstream.scope || undefined,
      state,
      nonce: jwksUri === undefined ? undefined : nonce,
      ...(!row.withoutPkce && { code_challenge, code_challenge_method: 'S256' }),
      response_mode: row.postsBack ? 'form_post' : undefined,
      acr_values: wantedAcr(upstream, acrValues),
      ...row.parameters?.(upstream),
      ...(fresh && row.reauthenticate),
    })
    return { status: 303, body: null, headers: { location, 'cache-control': 'no-store' }, cookies }
  } catch (error) {
    return failed(call, context, upstream, purpose, error)
  }
}

/** Keeps the parameters that the provider's URL already has. */
function withParameters(url: string, params: Readonly<Record<string, string | undefined>>): string {
  const target = new URL(url)
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) target.searchParams.set(name, value)
  return target.href
}
