/** The redirect back from a provider to /account/connections: adds the connection in the session that asked for it. */
import type { Context } from '../../contracts/context.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import type { ProviderSignIn } from './finish_sign_in.ts'
import { fetchPictureLater } from './avatar.ts'
import { connectionsPath, outOfDate } from './failure.ts'
import { Links } from './links.ts'
import { UpstreamError } from './request.ts'
import type { Upstream } from './settings.ts'
import type { State } from './state.ts'

/** Throws UpstreamError `taken` if the identity is connected with another account. */
export async function finishConnect(
  call: Call,
  context: Context,
  upstream: Upstream,
  { sid, sub }: Extract<State['purpose'], { kind: 'connect' }>,
  { identity, tokens }: ProviderSignIn,
): Promise<Reply> {
  const person = await stronglySignedIn(call, context, connectionsPath)
  if ('reply' in person) return person.reply
  const { session, user } = person
  if (session.sid !== sid || session.sub !== sub) throw outOfDate()
  if (await Links.create(context, upstream, identity, user.sub, tokens)) {
    await tellOwner(call, context, user, { kind: 'connection_added', detail: upstream.label })
    fetchPictureLater(context, user, identity)
  } else {
    if ((await Links.ofIdentity(context, identity))?.sub !== user.sub)
      throw new UpstreamError('taken', 'connected with another account')
    await Links.used(context, upstream, identity, tokens)
  }
  return redirectWithin(`${context.basePath}${connectionsPath}?done=connected`)
}
