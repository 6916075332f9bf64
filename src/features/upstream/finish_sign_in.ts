/** After a provider authenticated an End-User: signs in the linked account, creates one, or asks the End-User to sign in first. */
import type { Context } from '../../contracts/context.ts'
import type { OpenInteraction } from '../../flow/open_interaction.ts'
import { resumePath } from '../../flow/interaction_page.ts'
import { firstFactorNeeded, signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { languageOf } from '../../http/language.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { noteEvent } from '../../people/tell_owner.ts'
import { say } from '../../lib/say.ts'
import { Interaction } from '../../models/interaction.ts'
import { User } from '../../models/user.ts'
import { addConnection } from './add_connection.ts'
import { fetchPictureLater } from './avatar.ts'
import { signInFirstPage } from './pages.ts'
import { factorsOf } from './factors.ts'
import { localFactor, type ProviderTime } from './freshness.ts'
import { type Identity, shownIdentity } from './identity.ts'
import { idOf, Links } from './links.ts'
import { UpstreamError } from './request.ts'
import { policyOf, type Upstream } from './settings.ts'
import { createAccount, maySignUp } from './sign_up.ts'
import { signInLifetimeSeconds, PendingConnection, pendingConnectionMember } from './state.ts'
import type { Tokens } from './tokens.ts'

export interface ProviderSignIn {
  identity: Identity
  tokens: Tokens
  time: ProviderTime
}

/** Milliseconds after which another request takes over the creation of an account: the first request was interrupted. */
const takeOverAfterMs = 10_000
/** While another request creates the account: how often to look for it, and how long to wait in between. */
const pollMs = 50
const polls = 100

/** Throws UpstreamError if none of the three is allowed. */
export async function finishSignIn(
  call: Call,
  context: Context,
  open: OpenInteraction,
  upstream: Upstream,
  providerSignIn: ProviderSignIn,
): Promise<Reply> {
  const { identity, time } = providerSignIn
  const known = await connected(call, context, upstream, identity)
  const first = time.isStale ? await localFactor(context, known, time) : undefined
  const user = known ?? (await linkOrCreate(call, context, upstream, providerSignIn))
  if (user === undefined) return askToSignIn(context, open, upstream, providerSignIn)
  if (user.disabled) throw new UpstreamError('disabled', user.sub)
  await Links.used(context, upstream, identity, providerSignIn.tokens)
  fetchPictureLater(context, user, identity)
  const reply = await signIn(call, context, firstFactorNeeded(open), {
    user,
    // The second factor of an old sign-in proves nothing now.
    amr: factorsOf(first === undefined ? upstream : { ...upstream, trusted: false }, identity),
    provenAt: time.provenAt,
    through: upstream.id,
    first,
  })
  // A reply that leads to a further step means that the sign-in is not complete yet.
  if (reply.headers.location === resumePath(context, open.handle))
    await noteEvent(call, context, user.sub, { kind: 'signed_in_with', detail: upstream.label })
  return reply
}

/** The account linked with this identity. Waits while another request creates it, and takes over if that request was interrupted. */
async function connected(
  call: Call,
  context: Context,
  upstream: Upstream,
  identity: Identity,
): Promise<User | undefined> {
  const id = idOf(identity)
  for (let tries = 0; tries < polls; tries++) {
    const link = await Links.find(context, id)
    if (!link) return undefined
    if (link.making_since === undefined) {
      const user = await User.find(context, link.sub)
      if (!user)
        await Links.remove(context, id) // the account was deleted
      // Again: a removal before the account was read has already ended the sign-ins that were under way.
      else if ((await Links.find(context, id))?.sub !== link.sub) continue
      return user
    }
    if (await Links.takeOver(context, id, takeOverAfterMs))
      return makeAccount(call, context, upstream, identity, link.sub)
    await Bun.sleep(pollMs)
  }
  throw new UpstreamError('down', 'the account of this identity is still being made')
}

/** Creates the account of an existing link. May be repeated after a failure: it continues where the last try stopped. */
async function makeAccount(
  call: Call,
  context: Context,
  upstream: Upstream,
  identity: Identity,
  sub: string,
): Promise<User | undefined> {
  const user = await createAccount(context, sub, identity, languageOf(call, context))
  if (!user) {
    await Links.remove(context, idOf(identity))
    return undefined
  }
  await noteEvent(call, context, sub, { kind: 'account_created', more: { provider: upstream.id } })
  await Links.accountCreated(context, idOf(identity)) // last: until then another request may finish what this one began
  return user
}

/** Links the identity with an existing or a new account; undefined if the End-User must sign in here first. */
async function linkOrCreate(
  call: Call,
  context: Context,
  upstream: Upstream,
  { identity, tokens }: ProviderSignIn,
): Promise<User | undefined> {
  const holder = await accountWithEmail(context, identity)
  if (holder) {
    if (policyOf(context.config).upstreamLinkByEmail !== 'verified' || holder.disabled) return undefined
    const outcome = await addConnection(call, context, holder, { upstream, identity, tokens })
    return outcome === 'added' ? holder : connected(call, context, upstream, identity)
  }
  if (!maySignUp(context, identity)) return undefined
  // The link is created first: of several concurrent requests one creates the account, and the others find it.
  const sub = `u-${context.random(15)}`
  return (await Links.create(context, upstream, identity, sub, tokens, true))
    ? makeAccount(call, context, upstream, identity, sub)
    : connected(call, context, upstream, identity)
}

/** The account whose verified address is the one that the provider verified. */
const accountWithEmail = async (
  context: Context,
  { email, emailVerified }: Identity,
): Promise<User | undefined> =>
  email !== undefined && emailVerified ? User.findByEmail(context, email) : undefined

/**
 * The End-User may have an account nevertheless, and can connect it with this identity after signing in to it. If an
 * account has the identity's verified address, only that account is offered the connection.
 */
async function askToSignIn(
  context: Context,
  open: OpenInteraction,
  upstream: Upstream,
  { identity, tokens }: ProviderSignIn,
): Promise<Reply> {
  const holder = await accountWithEmail(context, identity)
  if (holder?.disabled) throw new UpstreamError('disabled', holder.sub)
  const pending = await PendingConnection.keep(
    context,
    { provider: upstream.id, identity, tokens, ...(holder && { sub: holder.sub }) },
    signInLifetimeSeconds,
  )
  await Interaction.update(context, open.handle, (current) =>
    pendingConnectionMember.set(current, { upstream_waiting: pending }),
  )
  context.log.info('upstream_unknown', { provider: upstream.id, known: holder !== undefined })
  const html = signInFirstPage({
    lead: say(holder ? 'upstream.has_account' : 'upstream.no_account', {
      provider: upstream.label,
      identity: shownIdentity(identity),
    }),
    path: `${context.basePath}/login?interaction=${open.handle}`,
  })
  return page(200, html)
}
