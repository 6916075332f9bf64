/** Origins that forms may redirect to: the `form-action` of pages with provider buttons. */
import type { Context } from '../../contracts/context.ts'
import { formTarget } from '../../http/headers.ts'
import type { PolicySource } from '../../lib/policy_source.ts'
import { upstreamsOf } from './settings.ts'

export const formTargetsOf = ({ config }: Context): PolicySource[] => [
  ...new Set(
    upstreamsOf(config).flatMap((upstream) => {
      const where = upstream.row.where(upstream)
      return formTarget('endpoints' in where ? where.endpoints.authorization : where.issuer)
    }),
  ),
]
