/** The end of connections: one that its owner takes away, or all of an account that ends. */
import type { Context } from '../../contracts/context.ts'
import { countSignInMethods } from '../../people/sign_in_methods.ts'
import { User } from '../../models/user.ts'
import { erasePicture } from './avatar.ts'
import { known } from './discovery.ts'
import { type Kept, Links, openTokens } from './links.ts'
import { findUpstream } from './settings.ts'
import { revoke } from './tokens.ts'

/** How many of a person's connections lead in: those whose provider is still there. */
export const connectionsIn = async (context: Context, { sub }: Pick<User, 'sub'>): Promise<number> =>
  (await Links.listOfUser(context, sub)).filter(({ link }) => findUpstream(context.config, link.provider))
    .length

/**
 * Takes a connection away: false when it is the last way in, and then it stays. Counted after it is gone, and put back
 * when none is left: two that are taken away at once would each still see the other.
 */
export async function removeConnection(context: Context, user: User, kept: Kept): Promise<boolean> {
  const before = await countSignInMethods(user, context)
  if (before <= 1 && findUpstream(context.config, kept.link.provider)) return false
  const link = await Links.remove(context, kept.id)
  if (!link) return true // somebody was quicker
  const left = await User.find(context, user.sub)
  if (left && before > 0 && (await countSignInMethods(left, context)) === 0) {
    await Links.restore(context, kept.id, link)
    return false
  }
  await erasePicture(context, user.sub, kept.id)
  void giveBack(context, { id: kept.id, link })
  return true
}

/** Every connection and picture of an account; may be called again after a failure. */
export async function eraseConnections(context: Context, sub: string): Promise<void> {
  for (const { id } of await Links.listOfUser(context, sub)) {
    const link = await Links.remove(context, id)
    if (link) void giveBack(context, { id, link })
  }
  await erasePicture(context, sub)
}

/** The tokens, with nobody waiting for it. Never rejects. */
async function giveBack(context: Context, kept: Kept): Promise<void> {
  try {
    const upstream = findUpstream(context.config, kept.link.provider)
    const tokens = openTokens(context, kept)
    if (upstream && tokens) await revoke(context, upstream, await known(context, upstream), tokens)
  } catch (error) {
    context.log.warn('upstream_not_revoked', {
      provider: kept.link.provider,
      problem: (error as Error).message,
    })
  }
}
