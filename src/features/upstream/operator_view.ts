/** The providers as administrators see them, with a test of the connection. docs/administration.md */
import type { Context } from '../../contracts/context.ts'
import type { UpstreamConnection } from '../../contracts/feature.ts'
import { lastOutcome, remember } from './discovery.ts'
import { upstreamsOf } from './settings.ts'
import { problemOf } from './trials.ts'

export const connectionsOf = (context: Context): UpstreamConnection[] =>
  upstreamsOf(context.config).map((upstream) => ({
    id: upstream.id,
    label: upstream.label,
    kind: upstream.row.name,
    trusted: upstream.trusted,
    last: lastOutcome(context, upstream.id),
    async test() {
      const problem = await problemOf(context, upstream)
      remember(context, upstream.id, problem)
      return problem
    },
  }))
