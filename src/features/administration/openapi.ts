/** What /openapi.json says of a route. https://spec.openapis.org/oas/v3.1.0 */
import * as v from 'valibot'
import { jsonReply, type Operation, type Part, ref, troubles, withToken } from '../../openapi/parts.ts'
import { statusOf } from './bulk.ts'
import { dryRunQuery } from './read_input.ts'
import type { Route } from './route.ts'

const problem = (description: string): Part =>
  jsonReply(description, ref('Problem'), 'application/problem+json')

const inPath = (path: string): Part[] =>
  [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

const header = (name: string, description: string, required: boolean): Part => ({
  name,
  in: 'header',
  description,
  required,
  schema: { type: 'string' },
})

const DryRun = v.object({
  dry_run: v.pipe(
    v.boolean(),
    v.description('true: nothing was changed, and the rest says what would happen'),
  ),
})

const fileOf = (types: readonly string[]): Part => ({
  description: 'The file',
  content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }])),
})

export function operationOf(route: Route): Operation {
  const { summary, scope, changes, creates, guarded, destructive, answer, path, query, body } = route
  const entries = { ...query, ...(destructive && dryRunQuery) }
  const status = statusOf(route)
  return {
    summary,
    description: `Scope: ${scope ?? 'any'}.${changes === undefined ? '' : ` Changes: ${changes}.`}${route.noted ? ' The audit trail has an entry for it, and a person signs in anew for it.' : ''}`,
    tags: ['administration'],
    security: withToken,
    parameters: [
      ...inPath(path),
      ...(guarded ? [header('If-Match', 'The ETag of the version that was read', true)] : []),
      ...(creates
        ? [header('Idempotency-Key', 'A repetition with the same key and body is answered alike', false)]
        : []),
    ],
    ...(Object.keys(entries).length > 0 && { query: v.object(entries) }),
    ...(body && { json: v.strictObject(body) }),
    ...(answer && {
      answer: { status, description: summary, shape: destructive ? v.intersect([answer, DryRun]) : answer },
    }),
    responses: {
      ...(answer === undefined && { [status]: route.file ? fileOf(route.file) : { description: 'Done' } }),
      ...Object.fromEntries(Object.keys(troubles).map((each) => [each, problem('Refused')])),
      401: problem('No access token of this API, or the person must sign in with more (RFC 9470)'),
      403: problem('The scope or the role does not allow it'),
      ...(path.includes('{') && { 404: problem('There is no such record') }),
      ...(guarded && {
        412: problem('It was changed since it was read'),
        428: problem('If-Match is missing'),
      }),
    },
  }
}
