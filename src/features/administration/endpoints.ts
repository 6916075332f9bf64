/** Makes the endpoints of the administration API from its routes. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Answer, Endpoint } from '../../contracts/endpoint.ts'
import type { Reply } from '../../contracts/reply.ts'
import { fileReply } from '../../http/file_reply.ts'
import { empty, json } from '../../http/reply.ts'
import type { HttpMethod } from '../../lib/http_method.ts'
import { statusOf } from './bulk.ts'
import { laneOf } from './actor.ts'
import { callerOf, requireRight, root } from './caller.ts'
import { administrationExists } from './existence.ts'
import { once, readKey } from './idempotency.ts'
import { operationOf } from './openapi.ts'
import { perform } from './perform.ts'
import { readInput, sentOf } from './read_input.ts'
import type { Done, Route } from './route.ts'

/** The right is checked before anything else of the request is read. */
const answerOf =
  (route: Route): Answer =>
  async (call: Call, context: Context): Promise<Reply> => {
    const actor = await callerOf(call, context)
    requireRight(call, context, actor, route)
    const given = await readInput(route, actor, sentOf(call, context))
    const key = route.creates && readKey(call.request.headers.get('idempotency-key'))
    const make = () => perform(call, context, route, given)
    const done =
      key === undefined ? await make() : await once(context, { actor, route, key, body: given.body }, make)
    return done.file ? fileReply(context, laneOf(actor), done.file) : replyOf(context, route, done)
  }

function replyOf(
  { config }: Context,
  route: Route,
  { answer, etag, location, replayed }: Done<unknown> & { replayed?: true },
): Reply {
  const headers = {
    ...(etag !== undefined && { etag }),
    ...(location !== undefined && { location: `${config.issuer}${root}${location}` }),
    ...(replayed && { 'idempotency-replayed': 'true' }),
  }
  const status = statusOf(route)
  return status === 204 ? empty(status, headers) : json(status, answer, headers)
}

/** `/people/{sub}/sessions` is `admin_people_sub_sessions`. */
const nameOf = (path: string): string => `admin${path.replaceAll(/[^a-z_]+/g, '_').replace(/_$/, '')}`

const memberOf = {
  GET: 'get',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'delete',
} as const satisfies Record<HttpMethod, keyof Endpoint>

/** One endpoint for each path. Throws at boot when two routes have one method and path. */
export function endpointsOf(routes: readonly Route[]): Endpoint[] {
  const byPath = Map.groupBy(routes, ({ path }) => path)
  return [...byPath].map(([path, rows]) => {
    const methods = new Map(rows.map((row) => [row.method, row]))
    if (methods.size !== rows.length) throw new Error(`two routes claim a method of ${path}`)
    return {
      name: nameOf(path),
      path: root + path,
      resource: root,
      resourceScopes: [...new Set(rows.flatMap(({ scope }) => scope ?? []))],
      exists: (call, context) =>
        administrationExists(call, context) && rows.some((row) => row.exists?.(context) ?? true),
      problems: true,
      advertised: false,
      limited: 'by_proof',
      api: () => Object.fromEntries(rows.map((row) => [row.method, operationOf(row)])),
      ...Object.fromEntries(rows.map((row) => [memberOf[row.method], answerOf(row)])),
    } satisfies Endpoint
  })
}
