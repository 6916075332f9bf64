/** Somebody whom a provider vouched for: who they are here, or what they can do to be somebody here. */
import type { Context } from '../../contracts/context.ts'
import type { OpenInteraction } from '../../flow/open_interaction.ts'
import { resumePath } from '../../flow/interaction_page.ts'
import { firstFactorNeeded, signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { languageOf } from '../../http/language.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { noteEvent, tellOwner } from '../../people/tell_owner.ts'
import { say } from '../../lib/say.ts'
import { Interaction } from '../../models/interaction.ts'
import { User } from '../../models/user.ts'
import { bringPicture } from './avatar.ts'
import { signInFirstPage } from './pages.ts'
import { factorsOf } from './factors.ts'
import { type Identity, shownIdentity } from './identity.ts'
import { idOf, Links } from './links.ts'
import { UpstreamError } from './request.ts'
import { policyOf, type Upstream } from './settings.ts'
import { createAccount, maySignUp } from './sign_up.ts'
import { patience, Waiting, waitingMember } from './state.ts'
import type { Tokens } from './tokens.ts'

export interface Brought {
  identity: Identity
  tokens: Tokens
}

/** Milliseconds after which somebody else goes on making an account: whoever began it was cut off. */
const unfinished = 10_000
/** How long, and how often, whoever came second waits for the account that whoever came first makes. */
const lookMs = 50
const looks = 100

/** Signs in, makes an account, or asks to sign in here first. Throws UpstreamError where none of it may be. */
export async function arrive(
  call: Call,
  context: Context,
  open: OpenInteraction,
  upstream: Upstream,
  brought: Brought,
): Promise<Reply> {
  const user =
    (await connected(call, context, upstream, brought.identity)) ??
    (await become(call, context, upstream, brought))
  if (user === undefined) return askToSignIn(context, open, upstream, brought)
  if (user.disabled) throw new UpstreamError('disabled', user.sub)
  await Links.used(context, upstream, brought.identity, brought.tokens)
  bringPicture(context, user, brought.identity)
  const reply = await signIn(call, context, firstFactorNeeded(open), {
    user,
    amr: factorsOf(upstream, brought.identity),
  })
  // Where a factor is still missing nobody has signed in yet.
  if (reply.headers.location === resumePath(context, open.handle))
    await noteEvent(call, context, user.sub, { kind: 'signed_in_with', detail: upstream.label })
  return reply
}

/** Whose identity it is. An account that is being made just now is waited for; one that was left half-made is finished. */
async function connected(
  call: Call,
  context: Context,
  upstream: Upstream,
  identity: Identity,
): Promise<User | undefined> {
  const id = idOf(identity)
  for (let tries = 0; tries < looks; tries++) {
    const link = await Links.find(context, id)
    if (!link) return undefined
    if (link.making_since === undefined) {
      const user = await User.find(context, link.sub)
      if (!user) await Links.remove(context, id) // the account has ended
      return user
    }
    if (await Links.takeOver(context, id, unfinished))
      return makeAccount(call, context, upstream, identity, link.sub)
    await Bun.sleep(lookMs)
  }
  throw new UpstreamError('down', 'the account of this identity is still being made')
}

/** The account of a connection that exists. Whoever does it again after a failure finishes what is there. */
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
  await Links.made(context, idOf(identity))
  await noteEvent(call, context, sub, { kind: 'account_created' })
  context.log.info('account_created', { sub, provider: upstream.id })
  return user
}

/** Somebody here from now on; undefined when that takes more than the word of the provider. */
async function become(
  call: Call,
  context: Context,
  upstream: Upstream,
  { identity, tokens }: Brought,
): Promise<User | undefined> {
  const holder = await holderOf(context, identity)
  if (holder) {
    if (policyOf(context.config).upstreamLinkByEmail !== 'verified' || holder.disabled) return undefined
    if (!(await Links.create(context, upstream, identity, holder.sub, tokens)))
      return connected(call, context, upstream, identity)
    await tellOwner(call, context, holder, { kind: 'connection_added', detail: upstream.label })
    return holder
  }
  if (!maySignUp(context, identity)) return undefined
  // The connection first: of many at once one makes the account, and the others find it.
  const sub = `u-${context.random(15)}`
  return (await Links.create(context, upstream, identity, sub, tokens, true))
    ? makeAccount(call, context, upstream, identity, sub)
    : connected(call, context, upstream, identity)
}

/** The account here that has verified the same address that the provider has verified. */
const holderOf = async (context: Context, { email, emailVerified }: Identity): Promise<User | undefined> =>
  email !== undefined && emailVerified ? User.findByEmail(context, email) : undefined

/**
 * They may have an account here all the same: once they have signed in to it, they can connect this identity with it. An
 * account that has this very address is the only one it is offered to.
 */
async function askToSignIn(
  context: Context,
  open: OpenInteraction,
  upstream: Upstream,
  { identity, tokens }: Brought,
): Promise<Reply> {
  const holder = await holderOf(context, identity)
  if (holder?.disabled) throw new UpstreamError('disabled', holder.sub)
  const waiting = await Waiting.keep(
    context,
    { provider: upstream.id, identity, tokens, ...(holder && { sub: holder.sub }) },
    patience,
  )
  await Interaction.update(context, open.handle, (current) =>
    waitingMember.set(current, { upstream_waiting: waiting }),
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
