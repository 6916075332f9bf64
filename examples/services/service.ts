/** What the services have in common: the check of the caller, the trace, the log, limits, and answers for everything that goes wrong. */
import type { Caller } from '../api/caller.ts'
import { createGuard } from '../api/guard.ts'
import { byJwt } from '../api/jwt.ts'
import { keysOf } from '../api/keys.ts'
import { chainOf } from './actors.ts'
import { Answer } from './answer.ts'
import { within } from './deadline.ts'
import { createLog, type Log } from './log.ts'
import { childOf, inTrace, newTrace, readTraceParent } from './trace.ts'

/** A request whose token is good here and has the scopes. */
export interface Asked {
  request: Request
  caller: Caller
  /** What followed the path of the route, such as an id. */
  rest: string
  log: Log
}

export interface Route {
  method: string
  /** One that ends with `/` takes one more segment. */
  path: string
  scopes: readonly string[]
  handle(asked: Asked): Promise<Response>
}

interface Options {
  name: string
  port: number
  issuer: string
  /** The URI of this service: `aud` of its tokens. */
  resource: string
  /** At the edge strangers call: their trace is a link in the log, and no parent. */
  isEdge?: boolean
  routes: readonly Route[]
}

/** Milliseconds for a request and all behind it. Less than what ends an idle connection, so that the caller gets an answer. */
const longest = 8_000

const segment = /^[\w-]{1,64}$/

export function startService({ name, port, issuer, resource, isEdge = false, routes }: Options): void {
  const log = createLog(name)
  const scopes = [...new Set(routes.flatMap((each) => each.scopes))]
  const guard = createGuard({ issuer, resource, scopes, verify: byJwt(issuer, resource, keysOf(issuer)) })

  function find(request: Request): { route: Route; rest: string } | undefined {
    const { pathname } = new URL(request.url)
    for (const route of routes) {
      if (route.method !== request.method) continue
      const rest = pathname.slice(route.path.length)
      const fits = route.path.endsWith('/') ? segment.test(rest) : rest === ''
      if (pathname.startsWith(route.path) && fits) return { route, rest }
    }
    return undefined
  }

  function failed(error: unknown): Response {
    const answer =
      error instanceof Answer
        ? Response.json({ error: error.code }, { status: error.status })
        : guard.answerTo(error)
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    log('failed', { status: answer.status, reason })
    return answer
  }

  /** A caller whose token is good continues its trace. Others do not write into a trace that is not theirs. */
  async function authenticated(request: Request, { route, rest }: NonNullable<ReturnType<typeof find>>) {
    const caller = await guard.callerOf(request, ...route.scopes)
    const came = readTraceParent(request.headers.get('traceparent'))
    const act = async () => {
      if (isEdge && came) log('linked', { linked_trace_id: came.traceId })
      const answer = await route.handle({ request, caller, rest, log }).catch(failed)
      const { client_id } = caller
      log('answered', {
        method: route.method,
        path: route.path,
        status: answer.status,
        client_id,
        actors: chainOf(caller),
      })
      return answer
    }
    return came && !isEdge ? inTrace(childOf(came), act) : act()
  }

  const server = Bun.serve({
    port,
    hostname: 'localhost',
    maxRequestBodySize: 16_384,
    idleTimeout: 10,
    routes: { [guard.metadataPath]: guard.metadata },
    fetch: (request) => {
      const found = find(request)
      if (!found) return Response.json({ error: 'not_found' }, { status: 404 })
      const act = () => authenticated(request, found).catch(failed)
      return within(longest, () => inTrace(newTrace(), act))
    },
    error: failed,
  })
  process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))
  console.log(`${name} is at http://localhost:${port}`)
}
