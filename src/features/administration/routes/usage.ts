/** GET /admin/v1/usage: what clients did, by hour or day. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { seconds } from '../../../lib/clock.ts'
import type { Context } from '../../../contracts/context.ts'
import { aliveSessions, type Period, periods, secondsOf } from '../../../models/usage/stored.ts'
import { mostPeriods, usage, usageCsv } from '../../../people/usage.ts'
import { GivenMoment } from '../person.ts'
import { defineRoute } from '../route.ts'

const count = v.pipe(v.number(), v.integer())
const numbers = {
  tokens: v.pipe(count, v.description('Token responses')),
  sign_ins: count,
  refusals: v.pipe(count, v.description('Refused requests')),
  people: v.pipe(
    count,
    v.description(
      'Different people who signed in or for whom tokens were issued; estimated, standard error 3.3 %',
    ),
  ),
  sessions: v.pipe(count, v.description('Different sessions of them; estimated likewise')),
}
const UsageOfPeriod = v.object({
  at: v.pipe(v.string(), v.description('The beginning, UTC')),
  total: v.object(numbers),
  clients: v.array(
    v.object({
      client_id: v.pipe(
        v.nullable(v.string()),
        v.description('Null for all others, and for requests of no known client'),
      ),
      other: v.pipe(v.boolean(), v.description('All clients beyond USAGE_CLIENTS together')),
      ...numbers,
    }),
  ),
})

const time = (what: string) =>
  v.optional(
    v.pipe(
      GivenMoment,
      v.transform((text) => Math.floor(Date.parse(text) / 1000)),
      v.description(what),
    ),
  )

const within = {
  from: time('Default: a day before `to`, or 30 days by day'),
  to: time('Default: now'),
  by: v.optional(v.picklist(periods), 'hour'),
}

interface Asked {
  from: number
  to: number
  by: Period
}

/** Throws 400 for more periods than one answer reads. */
function askedOf(
  { clock }: Context,
  { by, to = seconds(clock) + 1, from }: { by: Period; to?: number | undefined; from?: number | undefined },
): Asked {
  const first = from ?? to - (by === 'hour' ? 24 : 30) * secondsOf[by]
  if ((to - first) / secondsOf[by] > mostPeriods - 1)
    throw new HttpError('bad_request', {
      expected: `at most ${mostPeriods - 1} periods between from and to`,
      came: `${Math.ceil((to - first) / secondsOf[by])} of by=${by}`,
      next: 'choose a later from, or by=day',
    })
  return { from: first, to, by }
}

export const usageRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/usage',
    summary: 'Tokens, sign-ins, refusals, active people and sessions by client, hour and day',
    scope: 'admin:statistics.read',
    query: within,
    answer: v.object({
      periods: v.array(UsageOfPeriod),
      whole: UsageOfPeriod,
      active_sessions: v.pipe(
        v.nullable(count),
        v.description('Alive now, as the metric latchkey_active_sessions; null with USAGE_CLIENTS=0'),
      ),
    }),
    async run(_call, context, { query }) {
      const [found, active] = await Promise.all([
        usage(context, askedOf(context, query)),
        context.config.usageClients === 0 ? null : aliveSessions(context),
      ])
      const shown = (period: (typeof found)['whole']) => ({
        ...period,
        at: new Date(period.at * 1000).toISOString(),
      })
      return {
        answer: { periods: found.periods.map(shown), whole: shown(found.whole), active_sessions: active },
      }
    },
  }),

  export: defineRoute({
    method: 'GET',
    path: '/usage/export',
    summary: 'The same as CSV, a line for each client of each period',
    scope: 'admin:statistics.read',
    query: within,
    file: ['text/csv'],
    async run(_call, context, { query }) {
      const asked = askedOf(context, query)
      const { periods: found } = await usage(context, asked)
      const day = new Date(asked.to * 1000).toISOString().slice(0, 10)
      const lines = usageCsv(found).trimEnd().split('\n')
      return {
        answer: undefined,
        file: { type: 'text/csv; charset=utf-8', name: `usage_by_${asked.by}_${day}.csv`, lines },
      }
    },
  }),
}
