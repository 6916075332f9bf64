/** Answers each request in a span of its own. https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
import type { Context } from '../contracts/context.ts'
import { inNetworks } from '../lib/address.ts'
import { readTraceParent } from '../lib/traceparent.ts'
import type { OpenSpan, ServerSpanStart, Tracing } from '../lib/tracing.ts'
import { describeCall } from './describe_call.ts'
import type { Route } from './router.ts'

type Handle = (request: Request, readPeer: () => string) => Promise<Response> | Response

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A caller may name any trace and ask for each of its requests to be recorded: only TRACE_PARENT_FROM decides for us. */
function callerOf(request: Request, readPeer: () => string, { config }: Context): ServerSpanStart['caller'] {
  const of = readTraceParent(request.headers.get('traceparent') ?? '')
  if (!of) return undefined
  const { traceParentFrom } = config
  return { of, trusted: traceParentFrom.length > 0 && inNetworks(readPeer(), traceParentFrom) }
}

function note(response: Response, span: OpenSpan): Response {
  span.set({
    'http.response.status_code': response.status,
    'latchkey.request_id': response.headers.get('x-request-id') ?? '',
  })
  if (response.status >= 500) span.fail()
  return response
}

/** `find` tells the endpoint of a path; the path itself is no attribute. */
export const tracedRequests =
  (handle: Handle, find: (path: string) => Route | undefined, context: Context, tracing: Tracing): Handle =>
  (request, readPeer) => {
    const method = methods.has(request.method) ? request.method : '_OTHER'
    const endpoint = find(describeCall(request, readPeer, '', context).path)?.endpoint
    return tracing.request(
      {
        name: endpoint ? `${method} ${endpoint.path}` : method,
        attributes: {
          'http.request.method': method,
          ...(endpoint && { 'http.route': endpoint.path, 'latchkey.endpoint': endpoint.name }),
        },
        caller: callerOf(request, readPeer, context),
      },
      (span) => {
        const answer = handle(request, readPeer)
        return answer instanceof Promise
          ? answer.then((response) => note(response, span))
          : note(answer, span)
      },
    )
  }
