/** The parameters that this provider reads. Any other one is ignored, also when it comes twice. https://www.rfc-editor.org/rfc/rfc6749#section-3.1 */
import type { Call } from '../contracts/call.ts'
import type { Context, Table } from '../contracts/context.ts'

interface Known {
  /** The endpoints that describe their parameters. Of others each parameter counts as read. */
  paths: ReadonlySet<string>
  /** Of all endpoints, so that a parameter of one is never ignored at another. */
  names: ReadonlySet<string>
}

/** The names in a schema of valibot or of the OpenAPI document. */
function namesIn(shape: unknown): string[] {
  if (typeof shape !== 'object' || shape === null) return []
  const { entries, options, properties } = shape as Record<string, unknown>
  return [
    ...Object.keys(entries ?? {}),
    ...Object.keys(properties ?? {}),
    ...(Array.isArray(options) ? options.flatMap(namesIn) : []),
  ]
}

/** Fields of our own forms, which no document describes. */
const ownFields = ['csrf_token', 'interaction', 'sealed_hint']

function describedBy(context: Context): Known {
  const paths = new Set<string>()
  const names = new Set<string>(ownFields)
  for (const { api, path, aliases = [] } of context.table.endpoints)
    for (const { query, form } of Object.values(api ? api(context) : {})) {
      const found = [query, form].flatMap(namesIn)
      for (const each of found) names.add(each)
      if (found.length > 0) for (const each of [path, ...aliases]) paths.add(each)
    }
  return { paths, names }
}

const memo = new WeakMap<Table, Known>()

/** Asked only for a parameter that came twice or is not UTF-8, which is rare. */
export const isRead =
  (call: Call, context: Context) =>
  (name: string): boolean => {
    const known = memo.get(context.table) ?? describedBy(context)
    memo.set(context.table, known)
    return !known.paths.has(call.path) || known.names.has(name)
  }
