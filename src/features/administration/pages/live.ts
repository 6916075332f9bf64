/** /admin/live: tells the overview that its numbers have changed. */
import { HttpError } from '../../../auth/errors.ts'
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import { defineEndpoint } from '../../../contracts/endpoint.ts'
import { eventStream } from '../../../http/event_stream.ts'
import { headContext } from '../../../http/head_context.ts'
import { seconds } from '../../../lib/clock.ts'
import { perform } from '../perform.ts'
import { healthRoutes } from '../routes/health.ts'
import { usageRoutes } from '../routes/usage.ts'
import { presentActor } from './administrator.ts'
import { hiddenHead } from './head.ts'

export const livePath = '/admin/live'

async function requireActor(call: Call, context: Context) {
  const actor = await presentActor(call, context)
  if (actor) return actor
  throw new HttpError('forbidden', {
    expected: 'the session of an administrator',
    next: 'open /admin, which asks to sign in',
  })
}

export const livePage = defineEndpoint({
  ...hiddenHead('admin_live', livePath),
  api: false,
  async get(call, context) {
    // A page that stays open is no use of the session: it must not put off its end.
    const reading = headContext(context)
    const { sub } = await requireActor(call, reading)
    return eventStream(call, context, {
      lane: sub!,
      async look() {
        const actor = await requireActor(call, reading)
        // The present period alone: the page reads all of them when something has changed.
        const latest = seconds(context.clock)
        const given = { actor, params: {}, query: {}, body: {} }
        const [health, used] = await Promise.all([
          perform(call, context, healthRoutes.show, given),
          perform(call, context, usageRoutes.list, { ...given, query: { by: 'hour', from: latest } }),
        ])
        const { tokens, sign_ins, refusals } = used.answer.whole.total
        return JSON.stringify([
          tokens,
          sign_ins,
          refusals,
          ...health.answer.checks.map(({ name, ok, trouble }) => [name, ok, trouble]),
        ])
      },
    })
  },
})
