/** POST /admin/v1/bulk: several requests in one, each with its own result. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { refusalOf } from '../../http/error_reply.ts'
import { problemOf } from '../../http/problem.ts'
import { segmentPattern } from '../../http/router.ts'
import type { Actor } from './actor.ts'
import { once, readKey } from './idempotency.ts'
import { perform } from './perform.ts'
import { readInput } from './read_input.ts'
import { defineRoute, type Done, type Route } from './route.ts'
import { callerStill, requireRight } from './caller.ts'

/** Requests of one call. */
const most = 100

const One = v.strictObject({
  method: v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], 'a method'),
  path: v.pipe(v.string(), v.maxLength(2000), v.startsWith('/', 'a path below /admin/v1, such as /people')),
  query: v.optional(v.record(v.string(), v.string()), {}),
  if_match: v.optional(v.string()),
  idempotency_key: v.optional(v.string()),
  body: v.optional(v.unknown()),
})
type One = v.InferOutput<typeof One>

const Result = v.object({
  status: v.number(),
  etag: v.optional(v.string()),
  location: v.optional(v.string()),
  body: v.pipe(v.nullable(v.unknown()), v.description('The answer, or the problem')),
})

export const statusOf = ({ answer, file, creates }: Route): number =>
  answer === undefined && file === undefined ? 204 : creates ? 201 : 200

/** Runs one request with all that a call of its own would go through. */
async function runOne(
  call: Call,
  context: Context,
  actor: Actor,
  route: Route,
  one: One,
): Promise<Done<unknown>> {
  requireRight(call, context, actor, route)
  const given = await readInput(route, actor, {
    path: one.path,
    query: one.query,
    ifMatch: one.if_match ?? null,
    body: async () => one.body,
  })
  const make = () => perform(call, context, route, given)
  const key = route.creates && readKey(one.idempotency_key ?? null)
  return key === undefined ? make() : once(context, { actor, route, key, body: given.body }, make)
}

/** `routes` are those that a bulk call can name: all but itself and those that answer with a file. */
export function bulkRoute(routes: readonly Route[]) {
  const patterns = routes.map((route) => ({ route, pattern: segmentPattern(route.path) }))
  const isExact = ({ path }: Route) => !path.includes('{')
  const find = ({ method, path }: One, context: Context): Route => {
    const found = patterns.filter(
      ({ route, pattern }) =>
        route.method === method && pattern.test(path) && (route.exists?.(context) ?? true),
    )
    const chosen = found.find(({ route }) => isExact(route)) ?? found[0]
    if (chosen) return chosen.route
    throw new HttpError('not_found', {
      expected: 'the method and path of a route of /admin/v1',
      came: `${method} ${path}`,
      problem: 'there is no such route',
    })
  }
  return defineRoute({
    method: 'POST',
    path: '/bulk',
    summary: `Up to ${most} requests in one, in their order, each with a result of its own`,
    scope: undefined,
    changes: 'what the requests change; one that is refused stops no other',
    body: { requests: v.pipe(v.array(One), v.minLength(1), v.maxLength(most, `at most ${most} requests`)) },
    answer: v.object({ results: v.array(Result) }),
    async run(call, context, { actor: caller, body }) {
      if (caller.scopes.size === 0)
        throw new HttpError('forbidden', {
          expected: 'a caller with a scope of the administration API',
          came: 'none',
          problem:
            'each of the requests would be refused: the access token, the client or the role has no such scope',
          next: 'GET /admin/v1/self tells what the caller may do',
        })
      const results: v.InferInput<typeof Result>[] = []
      for (const [i, one] of body.requests.entries())
        try {
          // A bulk call may take minutes, and one of its requests may take the role of the caller. The call itself is counted.
          const actor = await callerStill(call, context, { isFurther: i > 0 })
          const route = find(one, context)
          const { answer, etag, location } = await runOne(call, context, actor, route, one)
          results.push({ status: statusOf(route), etag, location, body: answer ?? null })
        } catch (thrown) {
          const error = refusalOf(thrown, call, context) // one line of the log for each
          results.push({ status: error.status, body: problemOf(error, call.requestId, context) })
        }
      return { answer: { results } }
    },
  })
}
