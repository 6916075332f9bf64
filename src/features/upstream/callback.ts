/** The redirect back from a provider: `state` must belong to this browser and this provider, and is used once. https://www.rfc-editor.org/rfc/rfc9700#section-4.4 */
import type { Context } from '../../contracts/context.ts'
import type { OpenInteraction } from '../../flow/open_interaction.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { requireInteraction } from '../../flow/interaction_page.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { browserOf, formOfAnySite } from '../../http/csrf.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { finishSignIn, type ProviderSignIn } from './finish_sign_in.ts'
import { finishConnect } from './finish_connect.ts'
import { callbackOf } from './start.ts'
import { metadataOf, type ProviderMetadata } from './discovery.ts'
import { failed, outOfDate, unknownProvider } from './failure.ts'
import { readIdToken } from './id_token.ts'
import { providerTime } from './freshness.ts'
import { identityOf } from './identity.ts'
import { getWithToken, quoted, UpstreamError } from './request.ts'
import { type Answers, type Claims, membersOf } from './row.ts'
import { findUpstream, type Upstream } from './settings.ts'
import { isState, Posted, type State, takeState } from './state.ts'
import { redeem, type Tokens } from './tokens.ts'
import type { Params } from '../../auth/params.ts'

const callbackPath = '/upstream/callback/'
const longestCode = 5000
/** Parameters of an authorization response by POST that are kept until the GET. */
const keptParameters = ['code', 'state', 'error', 'iss', 'user']
const maxKeptLength = 8000
const postedLifetimeSeconds = 120
/** `error` if the End-User cancelled: RFC 6749 §4.1.2.1, and the values of Apple and LinkedIn. */
const cancelled = new Set(['access_denied', 'user_cancelled_authorize', 'user_cancelled_login'])

export const callback = defineEndpoint({
  name: 'upstream_callback',
  path: `${callbackPath}*`,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const upstream = upstreamOf(call, context)
    const given = query(call, context)
    return handleAnswer(call, context, upstream, (await takePosted(context, upstream, given)) ?? given)
  },
  form: formOfAnySite,
  post: keepPosted,
})

function upstreamOf(call: Call, context: Context): Upstream {
  const upstream = findUpstream(context.config, call.path.slice(callbackPath.length))
  if (!upstream) throw unknownProvider()
  return upstream
}

/**
 * A POST from the provider's site carries no cookies of this origin (SameSite=Lax), so it cannot be bound to a browser.
 * Its parameters are stored under a handle, and the browser is redirected to a GET, which carries the cookies.
 */
async function keepPosted(call: Call, context: Context, { fields: given }: Submitted): Promise<Reply> {
  const upstream = upstreamOf(call, context)
  const said = Object.fromEntries(
    keptParameters.flatMap((name) => (given[name] ? [[name, given[name]]] : [])),
  )
  const size = Object.values(said).join('').length
  const expected = upstream.row.postsBack && size <= maxKeptLength && said.state !== undefined
  if (!expected || !(await isState(context, said.state!, upstream.id))) throw outOfDate(context)
  const handle = await Posted.keep(context, { provider: upstream.id, params: said }, postedLifetimeSeconds)
  return redirectWithin(`${context.basePath}${callbackPath}${upstream.id}?posted=${handle}`)
}

async function takePosted(context: Context, upstream: Upstream, given: Params): Promise<Params | undefined> {
  if (given.posted === undefined) return undefined
  const found = await Posted.take(context, given.posted)
  if (found?.provider !== upstream.id) throw outOfDate(context)
  return found.params
}

async function handleAnswer(
  call: Call,
  context: Context,
  upstream: Upstream,
  params: Params,
): Promise<Reply> {
  const browser = browserOf(call, context)
  const state =
    params.state === undefined || browser === undefined
      ? undefined
      : await takeState(context, params.state, upstream.id, browser)
  if (!state) throw outOfDate(context)
  const { purpose } = state
  const open =
    purpose.kind === 'sign_in' ? await requireInteraction(call, context, purpose.interaction) : undefined
  try {
    return await finish(
      call,
      context,
      upstream,
      purpose,
      open,
      await readAnswer(context, upstream, state, params),
    )
  } catch (error) {
    return failed(call, context, upstream, purpose, error)
  }
}

const finish = (
  call: Call,
  context: Context,
  upstream: Upstream,
  purpose: State['purpose'],
  open: OpenInteraction | undefined,
  providerSignIn: ProviderSignIn,
): Promise<Reply> =>
  purpose.kind === 'connect'
    ? finishConnect(call, context, upstream, purpose, providerSignIn)
    : finishSignIn(call, context, open!, upstream, providerSignIn)

/** Throws UpstreamError. */
async function readAnswer(
  context: Context,
  upstream: Upstream,
  state: State,
  params: Params,
): Promise<ProviderSignIn> {
  const provider = await metadataOf(context, upstream)
  requireIssuer(provider, state, params)
  if (params.error !== undefined)
    throw cancelled.has(params.error)
      ? new UpstreamError('cancelled', quoted(params.error))
      : new UpstreamError('refused', `authorization: ${quoted(params.error)}`)
  const { code } = params
  if (code === undefined || code.length > longestCode)
    throw new UpstreamError('nonsense', 'the authorization response has neither code nor error')
  const redirectUri = callbackOf(context, upstream)
  const got = await redeem(context, upstream, provider, { code, redirectUri, verifier: state.verifier })
  const answers = await gather(context, upstream, provider, state, got, params.user)
  return {
    identity: identityOf(upstream, provider, answers),
    tokens: got.tokens,
    time: providerTime(context, state, answers.idToken),
  }
}

/** RFC 9207 §2.4: `iss` must be the issuer that was asked, and must not be missing if the metadata announces it. */
function requireIssuer({ issuer, sendsIss }: ProviderMetadata, state: State, { iss }: Params): void {
  if (state.issuer !== issuer)
    throw new UpstreamError('nonsense', 'its issuer changed since the authorization request')
  if (iss === undefined ? sendsIss : iss !== issuer)
    throw new UpstreamError('nonsense', `iss of the authorization response is ${quoted(iss)}, not ${issuer}`)
}

async function gather(
  context: Context,
  upstream: Upstream,
  provider: ProviderMetadata,
  state: State,
  { tokens, idToken }: { tokens: Tokens; idToken: string | undefined },
  user: string | undefined,
): Promise<Answers> {
  if (provider.jwksUri !== undefined && idToken === undefined)
    throw new UpstreamError('nonsense', 'the token response has no ID Token')
  const accessToken = tokens.access_token
  const said =
    provider.jwksUri === undefined
      ? undefined
      : await readIdToken(context, upstream, provider, idToken!, {
          nonce: state.nonce,
          accessToken,
        })
  const extra = upstream.row.withToken?.(accessToken, upstream)
  const get = (url: string) => getWithToken(context, url, accessToken, extra)
  const [userinfo, emails] = await Promise.all([
    provider.userinfo !== undefined && needsMore(said) ? get(provider.userinfo) : undefined,
    provider.emails === undefined ? undefined : get(provider.emails),
  ])
  const more = userinfo === undefined ? undefined : membersOf(userinfo)
  // OpenID Connect Core §5.3.2: the UserInfo response must have the `sub` of the ID Token.
  if (said && more && more.sub !== said.sub)
    throw new UpstreamError('nonsense', 'sub of userinfo differs from sub of the ID Token')
  return { idToken: said, userinfo: more, emails, user: parsed(user) }
}

/** If the ID Token has all claims, the UserInfo endpoint is not needed. */
const needsMore = (idToken: Claims | undefined): boolean =>
  idToken?.email === undefined || idToken.name === undefined

function parsed(user: string | undefined): Claims | undefined {
  try {
    return user === undefined ? undefined : membersOf(JSON.parse(user))
  } catch {
    return undefined // it only has a name to display, so it may be missing
  }
}
