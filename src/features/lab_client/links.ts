/** Links of an answer to what the other tools of the lab know of its request. */
import type { Context } from '../../contracts/context.ts'
import type { RunExchange } from './memory.ts'
import type { Link } from './view.ts'

const errorPath = '/lab/error'
const flowPath = '/lab/flow'

/** The links of an exchange. The recorded flows are read once, for all exchanges of a page. */
export function linksIn(context: Context): (exchange: RunExchange) => Link[] {
  const { basePath, table } = context
  const paths = new Set(table.endpoints.map(({ path }) => path))
  const flows = new Map<string, string>()
  for (const { id, exchanges } of context.recorder?.flows.list() ?? [])
    for (const exchange of exchanges) flows.set(exchange.id, id)
  return ({ answer: { requestId, status = 0 } = {} }) => {
    if (requestId === undefined) return []
    const link = (path: string, id: string | undefined, text: string): Link[] =>
      id === undefined || !paths.has(path)
        ? []
        : [{ path: `${basePath}${path}?id=${encodeURIComponent(id)}`, text }]
    return [
      ...(status >= 400 ? link(errorPath, requestId, 'Why this request was refused') : []),
      ...link(flowPath, flows.get(requestId), 'What the provider checked and did'),
    ]
  }
}
