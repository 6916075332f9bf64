/** Reads what a request gives to a route, strictly: what the route does not name is refused. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import { secret } from '../../auth/refusal.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { parseParams, readJson } from '../../http/call.ts'
import { segmentsOf } from '../../http/router.ts'
import type { Actor } from './actor.ts'
import { root } from './caller.ts'
import type { Given } from './perform.ts'
import type { Route } from './route.ts'
import { readIfMatch } from './version.ts'

const shownIssues = 5

/** Names each member that is wrong and never its value, which may be a password. */
function problemOf(issue: v.BaseIssue<unknown>, what: string): string {
  const path = v.getDotPath(issue) ?? what
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${path}: is not known here`
  if (issue.received === 'undefined') return `${path}: is required`
  return `${path}: ${issue.message}`
}

/** Throws 400 with each member that is wrong. */
export function parsed<const E extends v.ObjectEntries>(entries: E, sent: unknown, what: string) {
  const found = v.safeParse(v.strictObject(entries), sent)
  if (found.success) return found.output
  const problems = found.issues.slice(0, shownIssues).map((issue) => problemOf(issue, what))
  throw new HttpError('bad_request', {
    expected: `${what} with ${Object.keys(entries).join(', ') || 'nothing'}`,
    came: secret(sent),
    problem: problems.join('; '),
  })
}

/** Of a route that is destructive. */
export const dryRunQuery = {
  dry_run: v.optional(
    v.pipe(
      v.picklist(['true', 'false'], 'true or false'),
      v.description('true: changes nothing and says what would happen'),
    ),
  ),
}

const takesBody = (route: Route): boolean => route.body !== undefined

export async function readInput(
  call: Call,
  context: Context,
  route: Route,
  actor: Actor,
): Promise<Given<string, v.ObjectEntries, v.ObjectEntries>> {
  const params = segmentsOf(route.path, call.path.slice(root.length))
  if (!params)
    throw new HttpError('bad_request', { expected: 'a path with percent-encoding of UTF-8', came: call.path })
  const { dry_run, ...query } = parsed(
    { ...route.query, ...(route.destructive && dryRunQuery) },
    { ...parseParams(call.search, new Set()) },
    'a query',
  ) as Record<string, unknown>
  const ifMatch = route.guarded ? readIfMatch(call.request.headers.get('if-match')) : []
  const body = takesBody(route) ? parsed(route.body!, await readJson(call, context), 'a body') : {}
  return {
    actor,
    params: params as Given<string, v.ObjectEntries, v.ObjectEntries>['params'],
    query,
    body,
    ifMatch,
    dryRun: dry_run === 'true',
  }
}
