/** An MCP server that takes access tokens of the provider: a client finds its way here without having been registered. https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization */
import { tokensFor } from './token.ts'
import { answer } from './tools.ts'

const { PORT = '9100', ISSUER = 'http://localhost:5000' } = process.env

const origin = `http://localhost:${PORT}`
/** The name of this server in `resource` and in `aud`. */
const resource = `${origin}/mcp`
const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`
const scope = 'profile'
const callerOf = await tokensFor(resource, ISSUER)

/** RFC 9728 §5.1: where a client without a good token learns which one to get. */
function refusal(status: 401 | 403, error?: string): Response {
  const words = [error && `error="${error}"`, `scope="${scope}"`, `resource_metadata="${metadata}"`]
  return Response.json(
    { error: error ?? 'unauthorized' },
    { status, headers: { 'www-authenticate': `Bearer ${words.filter(Boolean).join(', ')}` } },
  )
}

/** A page that a person opens must not speak to this server in their name, by whatever name it reached us. */
const isForeign = (request: Request): boolean =>
  request.headers.get('host') !== new URL(origin).host ||
  ![null, origin].includes(request.headers.get('origin'))

Bun.serve({
  port: Number(PORT),
  hostname: 'localhost',
  routes: {
    '/.well-known/oauth-protected-resource/mcp': () =>
      Response.json({
        resource,
        authorization_servers: [ISSUER],
        scopes_supported: [scope],
        bearer_methods_supported: ['header'],
      }),
    '/mcp': {
      POST: async (request) => {
        if (isForeign(request)) return Response.json({ error: 'forbidden' }, { status: 403 })
        const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.get('authorization') ?? '') ?? []
        if (token === undefined) return refusal(401)
        const caller = await callerOf(token)
        if (!caller) return refusal(401, 'invalid_token')
        if (!caller.scope.split(' ').includes(scope)) return refusal(403, 'insufficient_scope')
        return answer(request, caller)
      },
      GET: () => new Response(null, { status: 405, headers: { allow: 'POST' } }), // no stream of events
    },
  },
  fetch: () => Response.json({ error: 'not_found' }, { status: 404 }),
  error: () => Response.json({ error: 'server_error' }, { status: 500 }),
})

console.log(`The MCP server is at ${resource}; it takes tokens of ${ISSUER}: ${origin}/`)
