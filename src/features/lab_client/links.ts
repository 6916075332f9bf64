/** Links of an answer to what the other tools of the lab know of its request. */
import type { Context } from '../../contracts/context.ts'
import type { Exchange } from './memory.ts'
import type { Link } from './view.ts'

const errorPath = '/lab/error'

const has = ({ table }: Context, path: string): boolean => table.endpoints.some((each) => each.path === path)

export function linksOf(context: Context, { answer }: Exchange): Link[] {
  const { requestId, status } = answer ?? {}
  if (requestId === undefined || status === undefined) return []
  return status >= 400 && has(context, errorPath)
    ? [
        {
          path: `${context.basePath}${errorPath}?id=${encodeURIComponent(requestId)}`,
          text: 'Why this request was refused',
        },
      ]
    : []
}
