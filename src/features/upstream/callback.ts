/** Coming back from a provider: the answer must be of this browser, of this provider, and the first. https://www.rfc-editor.org/rfc/rfc9700#section-4.4 */
import type { Context } from '../../contracts/context.ts'
import type { OpenInteraction } from '../../flow/open_interaction.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { requireInteraction } from '../../flow/interaction_page.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { browserOf, formOfAnySite } from '../../http/csrf.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { arrive } from './arrive.ts'
import { connectHere } from './connect_here.ts'
import { callbackOf } from './depart.ts'
import { known, type Known } from './discovery.ts'
import { failed, outOfDate, unknownProvider } from './failure.ts'
import { readIdToken } from './id_token.ts'
import { type Identity, identityOf } from './identity.ts'
import { getWithToken, quoted, UpstreamError } from './request.ts'
import { type Answers, type Claims, membersOf } from './row.ts'
import { findUpstream, type Upstream } from './settings.ts'
import { isState, Posted, type State, takeState } from './state.ts'
import { redeem, type Tokens } from './tokens.ts'
import type { Params } from '../../auth/params.ts'

const callbackPath = '/upstream/callback/'
const longestCode = 5000
/** Of an answer that came by POST: what is kept of it, and for how many seconds. */
const kept = ['code', 'state', 'error', 'iss', 'user']
const longestKept = 8000
const keptFor = 120
/** RFC 6749 §4.1.2.1, and what Apple and LinkedIn say instead. */
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
    return answered(call, context, upstream, (await posted(context, upstream, given)) ?? given)
  },
  form: formOfAnySite,
  post: comeAgain,
})

function upstreamOf(call: Call, context: Context): Upstream {
  const upstream = findUpstream(context.config, call.path.slice(callbackPath.length))
  if (!upstream) throw unknownProvider()
  return upstream
}

/**
 * A POST from the provider's site comes without our cookies (SameSite=Lax), and nothing is done without them: what it
 * says waits a moment under a name of its own, and the browser is led to GET it, which has them.
 */
async function comeAgain(call: Call, context: Context, { fields: given }: Submitted): Promise<Reply> {
  const upstream = upstreamOf(call, context)
  const said = Object.fromEntries(kept.flatMap((name) => (given[name] ? [[name, given[name]]] : [])))
  const size = Object.values(said).join('').length
  const expected = upstream.row.postsBack && size <= longestKept && said.state !== undefined
  if (!expected || !(await isState(context, said.state!, upstream.id))) throw outOfDate()
  const handle = await Posted.keep(context, { provider: upstream.id, params: said }, keptFor)
  return redirectWithin(`${context.basePath}${callbackPath}${upstream.id}?posted=${handle}`)
}

async function posted(context: Context, upstream: Upstream, given: Params): Promise<Params | undefined> {
  if (given.posted === undefined) return undefined
  const found = await Posted.take(context, given.posted)
  if (found?.provider !== upstream.id) throw outOfDate()
  return found.params
}

async function answered(call: Call, context: Context, upstream: Upstream, params: Params): Promise<Reply> {
  const browser = browserOf(call, context)
  const state =
    params.state === undefined || browser === undefined
      ? undefined
      : await takeState(context, params.state, upstream.id, browser)
  if (!state) throw outOfDate()
  const { purpose } = state
  const open =
    purpose.kind === 'sign_in' ? await requireInteraction(call, context, purpose.interaction) : undefined
  try {
    const { identity, tokens } = await whoIsIt(context, upstream, state, params)
    return await goOn(call, context, upstream, purpose, open, identity, tokens)
  } catch (error) {
    return failed(context, upstream, purpose, error)
  }
}

const goOn = (
  call: Call,
  context: Context,
  upstream: Upstream,
  purpose: State['purpose'],
  open: OpenInteraction | undefined,
  identity: Identity,
  tokens: Tokens,
): Promise<Reply> =>
  purpose.kind === 'connect'
    ? connectHere(call, context, upstream, purpose, { identity, tokens })
    : arrive(call, context, open!, upstream, { identity, tokens })

/** Throws UpstreamError. */
async function whoIsIt(context: Context, upstream: Upstream, state: State, params: Params) {
  const at = await known(context, upstream)
  requireIssuer(at, state, params)
  if (params.error !== undefined)
    throw cancelled.has(params.error)
      ? new UpstreamError('cancelled', quoted(params.error))
      : new UpstreamError('refused', `authorization: ${quoted(params.error)}`)
  const { code } = params
  if (code === undefined || code.length > longestCode)
    throw new UpstreamError('nonsense', 'its answer holds neither code nor error')
  const redirectUri = callbackOf(context, upstream)
  const got = await redeem(context, upstream, at, { code, redirectUri, verifier: state.verifier })
  const answers = await gather(context, upstream, at, state, got, params.user)
  return { identity: identityOf(upstream, at, answers), tokens: got.tokens }
}

/** RFC 9207 §2.4: an `iss` must be that of whom we asked, and be there where it was promised. */
function requireIssuer({ issuer, saysIss }: Known, state: State, { iss }: Params): void {
  if (state.issuer !== issuer) throw new UpstreamError('nonsense', 'its issuer changed on the way')
  if (iss === undefined ? saysIss : iss !== issuer)
    throw new UpstreamError('nonsense', `the answer is of ${quoted(iss)}, not of ${issuer}`)
}

async function gather(
  context: Context,
  upstream: Upstream,
  at: Known,
  state: State,
  { tokens, idToken }: { tokens: Tokens; idToken: string | undefined },
  user: string | undefined,
): Promise<Answers> {
  if (at.jwksUri !== undefined && idToken === undefined)
    throw new UpstreamError('nonsense', 'the answer holds no ID Token')
  const accessToken = tokens.access_token
  const said =
    at.jwksUri === undefined
      ? undefined
      : await readIdToken(context, upstream, at, idToken!, {
          nonce: state.nonce,
          accessToken,
          notBefore: state.fresh_since,
        })
  const extra = upstream.row.withToken?.(accessToken, upstream)
  const get = (url: string) => getWithToken(context, url, accessToken, extra)
  const [userinfo, emails] = await Promise.all([
    at.userinfo !== undefined && needsMore(said) ? get(at.userinfo) : undefined,
    at.emails === undefined ? undefined : get(at.emails),
  ])
  const more = userinfo === undefined ? undefined : membersOf(userinfo)
  // OpenID Connect Core §5.3.2: otherwise the answer is about somebody else.
  if (said && more && more.sub !== said.sub)
    throw new UpstreamError('nonsense', 'userinfo is about somebody else than the ID Token')
  return { idToken: said, userinfo: more, emails, user: parsed(user) }
}

/** Where the ID Token says it all, nothing else need work. */
const needsMore = (idToken: Claims | undefined): boolean =>
  idToken?.email === undefined || idToken.name === undefined

function parsed(user: string | undefined): Claims | undefined {
  try {
    return user === undefined ? undefined : membersOf(JSON.parse(user))
  } catch {
    return undefined // it is a name to show, no proof of anything
  }
}
