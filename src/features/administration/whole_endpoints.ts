/** Makes the endpoints of the administration API from its routes. The first request of one loads all; endpoints.ts has their heads. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Answer, Endpoint } from '../../contracts/endpoint.ts'
import type { Reply } from '../../contracts/reply.ts'
import { fileReply } from '../../http/file_reply.ts'
import { empty, json } from '../../http/reply.ts'
import { memberOf } from '../../lib/http_method.ts'
import { statusOf } from './bulk.ts'
import { apiHead, root } from './api_head.ts'
import { laneOf } from './actor.ts'
import { callerOf, requireRight } from './caller.ts'
import { once, readKey } from './idempotency.ts'
import { operationOf } from './openapi.ts'
import { perform } from './perform.ts'
import { readInput, sentOf } from './read_input.ts'
import type { Done, Route } from './route.ts'
import { routes } from './routes.ts'

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

/** One endpoint for each path. Throws when two routes have one method and path. */
function endpointsOf(rows: readonly Route[]): Map<string, Endpoint> {
  const byPath = Map.groupBy(rows, ({ path }) => path)
  return new Map(
    [...byPath].map(([path, own]) => {
      const methods = new Map(own.map((row) => [row.method, row]))
      if (methods.size !== own.length) throw new Error(`two routes claim a method of ${path}`)
      const [{ exists }] = own as [Route]
      return [
        root + path,
        {
          ...apiHead(path, exists),
          api: () => Object.fromEntries(own.map((row) => [row.method, operationOf(row)])),
          ...Object.fromEntries(own.map((row) => [memberOf[row.method], answerOf(row)])),
        } satisfies Endpoint,
      ]
    }),
  )
}

/** By path. */
export const wholeEndpoints = endpointsOf(routes)
