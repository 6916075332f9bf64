/** Responses as features see them, before they are sent. */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Reply } from '../contracts/reply.ts'
import type { Route } from './router.ts'

type Respond<R extends Reply, H> = (
  reply: R,
  call: Call,
  route: Route | undefined,
  headersOf: H,
  context: Context,
) => Response

/** `respond` itself where no feature looks: then a response passes no further branch. */
export function observedAnswers<R extends Reply, H>(
  respond: Respond<R, H>,
  { table }: Context,
): Respond<R, H> {
  const { answered } = table.lab
  if (answered.length === 0) return respond
  return (reply, call, route, headersOf, context) => {
    const response = respond(reply, call, route, headersOf, context)
    for (const each of answered) each(call, context, { endpoint: route?.endpoint, response })
    return response
  }
}
