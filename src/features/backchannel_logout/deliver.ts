/** One delivery: POST the logout token, and settle the outbox by what came back. https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest */
import { formEncode } from '../../auth/redirect_uri.ts'
import type { Context } from '../../contracts/context.ts'
import { findClient } from '../../http/client_authentication.ts'
import { OutboundError } from '../../outbound/error.ts'
import type { Client } from '../../models/client.ts'
import { logoutToken } from './logout_token.ts'
import { claimDue, type Delivery, finish, postpone } from './outbox.ts'

/** Where the client wants to be told; undefined when it does not. */
export const logoutUriOf = (client: Client): string | undefined =>
  typeof client.backchannel_logout_uri === 'string' ? client.backchannel_logout_uri : undefined

/** At once for one client, and for one turn. */
const bounds = { each: 4, total: 64 }
/** Milliseconds beyond the time of a request that a delivery is held. */
const leaseMargin = 10_000
/** Milliseconds. */
const firstDelay = 5_000
const longestDelay = 900_000
const busyDelay = 2_000

/**
 * Begins every delivery that is due and resolves to them: each settles by itself and never rejects, so that a client
 * that hangs holds up no other.
 */
export async function deliverDue(context: Context): Promise<Promise<void>[]> {
  const lease = context.config.outboundTimeoutMs + leaseMargin
  return (await claimDue(context, { ...bounds, lease })).map((delivery) => deliver(delivery, context))
}

async function deliver(delivery: Delivery, context: Context): Promise<void> {
  const { client_id } = delivery
  try {
    const client = await findClient(context, client_id)
    const uri = client && logoutUriOf(client)
    if (!uri) return await finish(context, delivery) // no longer a client, or no longer to be told
    const problem = await send(uri, await logoutToken(delivery, client, context), context)
    await settle(delivery, problem, context)
  } catch (error) {
    // Once it is held no longer, somebody tries again.
    context.log.error('logout_delivery_unsettled', { client_id, problem: (error as Error).message })
  }
}

type Problem = 'busy' | { reason: string }

/** §2.8: any 2xx is a success; undefined then. */
async function send(uri: string, logout_token: string, { outbound }: Context): Promise<Problem | undefined> {
  try {
    const { status } = await outbound.fetch(uri, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: formEncode({ logout_token }),
    })
    return status >= 200 && status < 300 ? undefined : { reason: `answered ${status}` }
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    return error.reason === 'busy' ? 'busy' : { reason: error.message }
  }
}

async function settle(delivery: Delivery, problem: Problem | undefined, context: Context): Promise<void> {
  const { client_id, sid, attempts, until } = delivery
  const { clock, log, metrics } = context
  if (problem === 'busy') return postpone(context, delivery, busyDelay, false)
  const delay = Math.min(firstDelay * 2 ** (attempts - 1), longestDelay)
  const isLast = problem !== undefined && clock.now() + delay > until
  const result = problem === undefined ? 'delivered' : isLast ? 'given_up' : 'postponed'
  metrics.count('logout_deliveries', 'result', result)
  const facts = { client_id, sid, attempts, ...(problem && { problem: problem.reason }) }
  if (result === 'delivered') log.info('logout_delivered', facts)
  else log[isLast ? 'error' : 'warn'](isLast ? 'logout_given_up' : 'logout_postponed', facts)
  return result === 'postponed' ? postpone(context, delivery, delay) : finish(context, delivery)
}
