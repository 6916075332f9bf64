/** Sending somebody to a provider: from a form of ours alone, with a state for this browser. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { generatePkce } from '../../auth/pkce.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { interactionForm } from '../../flow/interaction_page.ts'
import type { Call } from '../../contracts/call.ts'
import { ensureBrowser } from '../../http/csrf.ts'
import type { Reply } from '../../contracts/reply.ts'
import { currentSession } from '../../http/session.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Interaction } from '../../models/interaction.ts'
import { known } from './discovery.ts'
import { failed, unknownProvider } from './failure.ts'
import { wantedAcr } from './factors.ts'
import { findUpstream, type Upstream } from './settings.ts'
import { keepState, type State } from './state.ts'

export const startPath = '/upstream/start'

/** Registered with the provider. One each, so that an answer cannot be taken for another's (RFC 9700 §4.4.2). */
export const callbackOf = ({ config }: Context, { id }: Pick<Upstream, 'id'>): string =>
  `${config.issuer}/upstream/callback/${id}`

/** POST alone, so that nothing that merely looks at links sends anybody anywhere. */
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
    return depart(call, context, upstream, purpose, {
      fresh: await wantsFresh(interaction, call, context),
      acrValues: interaction.params?.acr_values,
    })
  },
})

/** The application asked for it; or somebody who is signed in is asked again, by a page that changes who may sign in. */
async function wantsFresh({ params }: Interaction, call: Call, context: Context): Promise<boolean> {
  if (params === undefined) return (await currentSession(call, context)) !== undefined
  return params.prompt?.split(' ').includes('login') === true || params.max_age !== undefined
}

/** 303 to the provider; a page that says what else there is when it cannot be asked. */
export async function depart(
  call: Call,
  context: Context,
  upstream: Upstream,
  purpose: State['purpose'],
  { fresh, acrValues }: { fresh: boolean; acrValues?: string | undefined },
): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  try {
    const { issuer, authorization, jwksUri } = await known(context, upstream)
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
    return failed(context, upstream, purpose, error)
  }
}

/** What the provider put into its own URL stays. */
function withParameters(url: string, params: Readonly<Record<string, string | undefined>>): string {
  const target = new URL(url)
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) target.searchParams.set(name, value)
  return target.href
}
