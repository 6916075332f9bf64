/** Delivers logout tokens: one POST each, whose result finishes, postpones or gives up the delivery. https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest */
import * as v from 'valibot'
import { optionalText } from '../../auth/params.ts'
import { formEncode } from '../../auth/redirect_uri.ts'
import type { Context } from '../../contracts/context.ts'
import { findClient } from '../../clients/find_client.ts'
import { OutboundError } from '../../outbound/error.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { logoutToken } from './logout_token.ts'
import { doubling } from '../../models/lease_queue.ts'
import { claimDue, type Delivery, logoutQueue } from './outbox.ts'

export const metadata = declareMetadata({
  backchannel_logout_uri: optionalText('Receives a logout token when a session of the client ends'),
  backchannel_logout_session_required: v.optional(
    v.pipe(v.boolean(), v.description('Logout tokens have sid, whatever is registered')),
  ),
})

/** The registered backchannel_logout_uri, if any. */
export const logoutUriOf = (client: Client): string | undefined => metadata.of(client).backchannel_logout_uri

/** The lease of a delivery beyond the timeout of its request. */
const leaseMarginMs = 10_000
/** Milliseconds. */
const delayAfter = doubling(5_000, 900_000)
const busyDelay = 2_000

/** Starts every delivery that is due and returns their promises. They run concurrently, so a slow client delays no other. */
export async function deliverDue(context: Context): Promise<Promise<void>[]> {
  const lease = context.config.outboundTimeoutMs + leaseMarginMs
  return (await claimDue(context, lease)).map((delivery) =>
    logoutQueue.within(context, delivery.member, () => deliver(delivery, context)),
  )
}

async function deliver(delivery: Delivery, context: Context): Promise<void> {
  const { client_id } = delivery
  try {
    const client = await findClient(context, client_id)
    const uri = client && logoutUriOf(client)
    if (!uri) return await logoutQueue.finish(context, delivery.member) // not registered any more, or not for back-channel logout
    const problem = await send(uri, await logoutToken(delivery, client, context), context)
    await settle(delivery, problem, context)
  } catch (error) {
    // When the lease ends, an instance tries again.
    context.log.error('logout_delivery_unsettled', { client_id, problem: (error as Error).message })
  }
}

type Problem = 'busy' | { reason: string }

/** §2.8: any 2xx is a success; undefined then. */
async function send(uri: string, logout_token: string, { outbound }: Context): Promise<Problem | undefined> {
  try {
    const { status } = await outbound.fetch(uri, {
      purpose: 'logout',
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

const levels = { delivered: 'info', postponed: 'warn', given_up: 'error' } as const

async function settle(delivery: Delivery, problem: Problem | undefined, context: Context): Promise<void> {
  const { client_id, sid, attempts, until } = delivery
  const { log, metrics } = context
  if (problem === 'busy') return logoutQueue.postpone(context, delivery, busyDelay, false)
  let result: keyof typeof levels = 'delivered'
  if (problem) result = await logoutQueue.retry(context, delivery, delayAfter(attempts), until)
  else await logoutQueue.finish(context, delivery.member)
  metrics.count('logout_deliveries', 'result', result)
  log[levels[result]](`logout_${result}`, {
    client_id,
    sid,
    attempts,
    ...(problem && { problem: problem.reason }),
  })
}
