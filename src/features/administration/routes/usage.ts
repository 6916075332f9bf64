/** GET /admin/v1/usage: what clients did, by hour or day. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { seconds } from '../../../lib/clock.ts'
import { periods, secondsOf } from '../../../models/usage/stored.ts'
import { mostPeriods, usage } from '../../../people/usage.ts'
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
const Period = v.object({
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

export const usageRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/usage',
    summary: 'Tokens, sign-ins, refusals, active people and sessions by client, hour and day',
    scope: 'admin:statistics.read',
    query: {
      from: time('Default: a day before `to`, or 30 days by day'),
      to: time('Default: now'),
      by: v.optional(v.picklist(periods), 'hour'),
    },
    answer: v.object({ periods: v.array(Period), whole: Period }),
    async run(_call, context, { query: { by, to = seconds(context.clock) + 1, from } }) {
      const first = from ?? to - (by === 'hour' ? 24 : 30) * secondsOf[by]
      if ((to - first) / secondsOf[by] > mostPeriods - 1)
        throw new HttpError('bad_request', {
          expected: `at most ${mostPeriods - 1} periods between from and to`,
          came: `${Math.ceil((to - first) / secondsOf[by])} of by=${by}`,
          next: 'choose a later from, or by=day',
        })
      const found = await usage(context, { from: first, to, by })
      const shown = (period: (typeof found)['whole']) => ({
        ...period,
        at: new Date(period.at * 1000).toISOString(),
      })
      return { answer: { periods: found.periods.map(shown), whole: shown(found.whole) } }
    },
  }),
}
