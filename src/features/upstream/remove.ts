/** Removal of one connection by the End-User, or of all when an account is deleted. */
import type { Context } from '../../contracts/context.ts'
import { countSignInMethods } from '../../people/sign_in_methods.ts'
import { Grant } from '../../models/grant.ts'
import { Session } from '../../models/session.ts'
import { User } from '../../models/user.ts'
import { endSession } from '../../people/end_session.ts'
import { erasePicture } from './avatar.ts'
import { metadataOf } from './discovery.ts'
import { type StoredLink, Links, openTokens } from './links.ts'
import { findUpstream } from './settings.ts'
import { revoke } from './tokens.ts'

/** How many connections of an account can sign in: those whose provider is still configured. */
export const connectionsIn = async (context: Context, { sub }: Pick<User, 'sub'>): Promise<number> =>
  (await Links.listOfUser(context, sub)).filter(({ link }) => findUpstream(context.config, link.provider))
    .length

/** Whether a removal of the connection would leave a way to sign in. It changes nothing, and asks no other server. */
export const mayRemove = async (context: Context, user: User, { link }: StoredLink): Promise<boolean> =>
  (await countSignInMethods(user, context)) > 1 || !findUpstream(context.config, link.provider)

/**
 * Ends the sessions that began at the provider, the grants that were given in them, also those with offline access, and the
 * sign-ins that are under way: the holder of the account there may be behind them. Of a session of an older version, which
 * does not say where it began, the time that a provider told decides. Resolves to the number of ended sessions; `own` goes on.
 */
export async function endSessionsThrough(
  context: Context,
  sub: string,
  { provider, own }: { provider: string; own?: string },
): Promise<number> {
  // First: a sign-in that is under way then begins no session that the list below does not have.
  await User.update(context, sub, (user) => ({
    ...user,
    sign_in_generation: (user.sign_in_generation ?? 0) + 1,
  }))
  const through = (await Session.listOfUser(context, sub)).filter(
    ({ sid, through: id, proven_at }) =>
      sid !== own && (id === provider || (id === undefined && proven_at !== undefined)),
  )
  const ended = await Promise.all(through.map(({ sid }) => endSession(sid, context)))
  for (const { grant_id, authentication } of await Grant.listOfUser(context, sub))
    if (authentication.through === provider && authentication.sid !== own) await Grant.end(context, grant_id)
  return ended.filter((each) => each !== undefined).length
}

/**
 * False if the connection is the last sign-in method; then it stays. The methods are counted again after the removal, and
 * the connection is restored if none is left: two concurrent removals would otherwise each still count the other.
 */
export async function removeConnection(context: Context, user: User, kept: StoredLink): Promise<boolean> {
  const before = await countSignInMethods(user, context)
  if (before <= 1 && findUpstream(context.config, kept.link.provider)) return false
  await erasePicture(context, user.sub, kept.id) // first: without the link no retry would find the picture
  const link = await Links.remove(context, kept.id)
  if (!link) return true // a concurrent request removed it
  const left = await User.find(context, user.sub)
  if (left && before > 0 && (await countSignInMethods(left, context)) === 0) {
    await Links.restore(context, kept.id, link)
    return false
  }
  void revokeTokens(context, { id: kept.id, link })
  return true
}

/** May be called again after a failure. */
export async function eraseConnections(context: Context, sub: string): Promise<void> {
  for (const { id } of await Links.listOfUser(context, sub)) {
    const link = await Links.remove(context, id)
    if (link) void revokeTokens(context, { id, link })
  }
  await erasePicture(context, sub)
}

/** Runs in the background. Never rejects. */
async function revokeTokens(context: Context, kept: StoredLink): Promise<void> {
  try {
    const upstream = findUpstream(context.config, kept.link.provider)
    const tokens = openTokens(context, kept)
    if (upstream && tokens) await revoke(context, upstream, await metadataOf(context, upstream), tokens)
  } catch (error) {
    context.log.warn('upstream_not_revoked', {
      provider: kept.link.provider,
      problem: (error as Error).message,
    })
  }
}
