/** The redirect back from a provider to /account/connections: adds the connection in the session that asked for it. */
import type { Context } from '../../contracts/context.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { ProviderSignIn } from './finish_sign_in.ts'
import { addConnection } from './add_connection.ts'
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
  if (session.sid !== sid || session.sub !== sub) throw outOfDate(context)
  const outcome = await addConnection(call, context, user, { upstream, identity, tokens })
  if (outcome === 'taken') throw new UpstreamError('taken', 'connected with another account')
  if (outcome === 'known') await Links.used(context, upstream, identity, tokens)
  return redirectWithin(`${context.basePath}${connectionsPath}?done=connected`)
}
