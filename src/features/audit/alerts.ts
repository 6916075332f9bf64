/** The rules of alerts, judged as the stream `alerts` reads the trail. docs/decisions/0085-alerts-of-the-audit-trail.md */
import type { Context } from '../../contracts/context.ts'
import { judgeSink } from '../../models/audit/alerts/judge.ts'
import type { Rule } from '../../models/audit/alerts/rule.ts'
import type { Sink } from '../../models/audit/stream/stream.ts'
import { coordinatesOf } from '../../people/place.ts'

export const judgeOf = (context: Context, rules: readonly Rule[]): Sink =>
  judgeSink(
    {
      store: context.store,
      clock: context.clock,
      log: context.log,
      audit: context.audit!,
      ...(context.config.geoipDatabasePath !== undefined && {
        findPlace: (address: string) => coordinatesOf(context, address),
      }),
    },
    rules,
  )
