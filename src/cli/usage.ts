/** `latchkey usage`: what clients did, by hour or day, as a table, JSON or CSV. docs/operations.md */
import { seconds } from '../lib/clock.ts'
import { periods, secondsOf } from '../models/usage/stored.ts'
import { mostPeriods, usage, usageCsv } from '../people/usage.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { moment, print, printList } from './output.ts'
import { chosen } from './search_options.ts'
import { readTime } from './time_option.ts'

export const show = defineCommand({
  takes: [],
  options: {
    for: {
      type: 'string',
      value: 'TIME',
      help: 'Until now, such as 12h or 90d. Default: 24h, or 30d by day',
    },
    by: { type: 'string', value: 'PERIOD', help: `${periods.join(' or ')}. Default: day` },
    csv: { type: 'boolean', help: 'Print CSV, a line for each client of each period' },
  },
  async run(given) {
    const by = chosen('by', given.by, periods) ?? 'day'
    return withContext('clients', async (context) => {
      const step = secondsOf[by]
      const longest = (mostPeriods - 1) * step
      const time =
        given.for === undefined ? (by === 'hour' ? 24 : 30) * step : readTime('for', given.for, longest)
      const to = seconds(context.clock) + 1
      const from = to - time
      const found = await usage(context, { from, to, by })
      const used = found.periods.filter(({ clients }) => clients.length > 0)
      const rows = used.flatMap(({ at, clients }) =>
        clients.map(({ client_id, other, tokens, sign_ins, refusals, people, sessions }) => [
          moment(at),
          client_id ?? (other ? '(other)' : '(none)'),
          ...[tokens, sign_ins, refusals, people, sessions],
        ]),
      )
      return {
        facts: { by, ...found },
        show() {
          if (given.csv) print(usageCsv(found.periods).trimEnd())
          else
            printList(
              ['AT', 'CLIENT_ID', 'TOKENS', 'SIGN_INS', 'REFUSALS', 'PEOPLE', 'SESSIONS'],
              rows,
              'nothing was counted in this time; a server writes its counts every 30 seconds',
            )
        },
      }
    })
  },
})
