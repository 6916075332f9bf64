/** Reads what a request gives to a route, strictly: what the route does not name is refused. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import { secret } from '../../auth/refusal.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { parseParams, readJson } from '../../http/call.ts'
import { segmentsOf } from '../../http/router.ts'
import type { Actor } from './actor.ts'
import { root } from './api_head.ts'
import type { Given } from './perform.ts'
import type { Route } from './route.ts'
import { readIfMatch } from './version.ts'

const shownIssues = 5

/** Names each member that is wrong and never its value, which may be a password. */
function problemOf(issue: v.BaseIssue<unknown>, what: string): string {
  const path = v.getDotPath(issue) ?? what
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${path}: is not known here`
  if (issue.received === 'undefined') return `${path}: is required`
  // The words of valibot for a wrong type quote what came.
  return `${path}: ${issue.message.startsWith('Invalid ') ? `expected ${issue.expected ?? 'another value'}` : issue.message}`
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

/** A request, or one of a bulk call. */
export interface Sent {
  /** Below /admin/v1. */
  path: string
  query: Readonly<Record<string, unknown>>
  ifMatch: string | null
  body(): Promise<unknown>
}

export const sentOf = (call: Call, context: Context): Sent => ({
  path: call.path.slice(root.length),
  query: { ...parseParams(call.search, new Set()) },
  ifMatch: call.request.headers.get('if-match'),
  body: () => readJson(call, context),
})

export async function readInput(
  route: Route,
  actor: Actor,
  sent: Sent,
): Promise<Given<string, v.ObjectEntries, v.ObjectEntries>> {
  const params = segmentsOf(route.path, sent.path)
  if (!params)
    throw new HttpError('bad_request', { expected: 'a path with percent-encoding of UTF-8', came: sent.path })
  const entries = { ...route.query, ...(route.destructive && dryRunQuery) }
  const { dry_run, ...query } = parsed(entries, sent.query, 'a query') as Record<string, unknown>
  const ifMatch = route.guarded ? readIfMatch(sent.ifMatch) : []
  const body = route.body === undefined ? {} : parsed(route.body, await sent.body(), 'a body')
  return { actor, params, query, body, ifMatch, dryRun: dry_run === 'true' }
}
