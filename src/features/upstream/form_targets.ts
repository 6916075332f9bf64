/** Where forms that lead to providers may end, for the policy of the page they stand on. */
import type { Context } from '../../contracts/context.ts'
import { formTarget } from '../../http/headers.ts'
import { upstreamsOf } from './settings.ts'

/** Nothing but https in production; http for a provider of a laboratory. */
export const formTargetsOf = ({ config }: Context): string[] => [
  ...new Set(
    upstreamsOf(config).flatMap((upstream) => {
      const where = upstream.row.where(upstream)
      return formTarget('endpoints' in where ? where.endpoints.authorization : where.issuer)
    }),
  ),
]
