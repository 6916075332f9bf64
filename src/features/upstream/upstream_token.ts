/** An access token of a person's provider, good now: renewed by one caller at a time, whichever instance it is on. */
import type { Context } from '../../contracts/context.ts'
import { known } from './discovery.ts'
import { type Kept, type Link, Links, openTokens, sealTokens } from './links.ts'
import { UpstreamError } from './request.ts'
import { findUpstream, type Upstream } from './settings.ts'
import { renew, type Tokens } from './tokens.ts'

/** Milliseconds a token must still be good for. */
const margin = 30_000
/** Milliseconds in which whoever renews must be done; then another may. */
const lease = 15_000
/** Milliseconds between two looks of those who wait, and how many. */
const look = 50
const looks = 300

const isGood = (context: Context, { expires_at = Infinity }: Tokens): boolean =>
  expires_at > context.clock.now() + margin

/**
 * Undefined when the person has no such connection, or it can no longer be renewed. Throws UpstreamError when the
 * provider is down: what is kept stays as it was.
 */
export async function upstreamToken(
  context: Context,
  sub: string,
  provider: string,
): Promise<string | undefined> {
  const upstream = findUpstream(context.config, provider)
  const found = (await Links.listOfUser(context, sub)).find(({ link }) => link.provider === provider)
  if (!upstream || !found) return undefined
  let { link } = found
  for (let tries = 0; tries < looks; tries++) {
    const tokens = openTokens(context, { id: found.id, link })
    if (!tokens) return undefined
    if (isGood(context, tokens)) return tokens.access_token
    if (tokens.refresh_token === undefined) return undefined
    const mine = await claim(context, found.id)
    if (mine) return renewed(context, upstream, { id: found.id, link: mine })
    await Bun.sleep(look)
    const next = await Links.find(context, found.id)
    if (!next) return undefined
    link = next
  }
  throw new UpstreamError('down', 'somebody else renews its token and does not come to an end')
}

/** The record, to the one caller that may renew it now. */
const claim = (context: Context, id: string): Promise<Link | undefined> =>
  Links.update(context, id, (current) => {
    const now = context.clock.now()
    const tokens = openTokens(context, { id, link: current })
    // Somebody was quicker: a refresh token that was used twice may end them all (RFC 9700 §4.14.2).
    if (current.renewing_until > now || !tokens || isGood(context, tokens)) return undefined
    return { ...current, renewing_until: now + lease }
  })

async function renewed(context: Context, upstream: Upstream, kept: Kept): Promise<string | undefined> {
  const { refresh_token = '' } = openTokens(context, kept) ?? {}
  const settle = (change: (link: Link) => Partial<Link>) =>
    Links.update(context, kept.id, (current) => ({ ...current, ...change(current), renewing_until: 0 }))
  try {
    const tokens = await renew(context, upstream, await known(context, upstream), refresh_token)
    await settle(() => ({ sealed_tokens: sealTokens(context, kept.id, tokens) }))
    return tokens.access_token
  } catch (error) {
    const over = error instanceof UpstreamError && error.failure === 'refused'
    await settle(() => (over ? { sealed_tokens: undefined } : {}))
    if (over) return undefined
    throw error
  }
}
