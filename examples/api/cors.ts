/** Lets the pages of one origin call this API with tokens of their own. A page has no cookie here, so that it gets nothing without a token. https://fetch.spec.whatwg.org/#http-cors-protocol */

type Handle = (request: Request) => Promise<Response>

/** An empty `origin` lets no page in. A request of another origin is answered as before, and its browser keeps the answer to itself. */
export function allowOrigin(origin: string, handle: Handle): Handle {
  if (origin === '') return handle
  return async (request) => {
    const isPreflight = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
    const answer = isPreflight ? new Response(null, { status: 204 }) : await handle(request)
    answer.headers.append('vary', 'origin')
    if (request.headers.get('origin') !== origin) return answer
    answer.headers.set('access-control-allow-origin', origin)
    if (isPreflight) {
      answer.headers.set('access-control-allow-methods', 'GET, POST, DELETE')
      answer.headers.set('access-control-allow-headers', 'authorization, content-type, dpop')
      answer.headers.set('access-control-max-age', '600')
    } else answer.headers.set('access-control-expose-headers', 'www-authenticate, dpop-nonce')
    return answer
  }
}
