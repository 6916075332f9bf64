/** An MCP server that takes access tokens of the provider: a client finds its way here without having been registered. https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization */
import { createGuard } from '../api/guard.ts'
import { byJwt } from '../api/jwt.ts'
import { keysOf } from '../api/keys.ts'
import { answer } from './tools.ts'

const { PORT = '9100', ISSUER = 'http://localhost:5000' } = process.env

const origin = `http://localhost:${PORT}`
/** The name of this server in `resource` and in `aud`. */
const resource = `${origin}/mcp`
const scope = 'profile'
const guard = createGuard({
  issuer: ISSUER,
  resource,
  scopes: [scope],
  verify: byJwt(ISSUER, resource, keysOf(ISSUER)),
})

/** A page that a person opens must not speak to this server in their name, by whatever name it reached us. */
const isForeign = (request: Request): boolean =>
  request.headers.get('host') !== new URL(origin).host ||
  ![null, origin].includes(request.headers.get('origin'))

Bun.serve({
  port: Number(PORT),
  hostname: 'localhost',
  maxRequestBodySize: 262_144,
  routes: {
    [guard.metadataPath]: guard.metadata,
    '/mcp': {
      POST: async (request: Request) => {
        if (isForeign(request)) return Response.json({ error: 'forbidden' }, { status: 403 })
        return answer(request, await guard.callerOf(request, scope))
      },
      GET: () => new Response(null, { status: 405, headers: { allow: 'POST' } }), // no stream of events
    },
  },
  fetch: () => Response.json({ error: 'not_found' }, { status: 404 }),
  error: guard.answerTo,
})

console.log(`The MCP server is at ${resource}; it takes tokens of ${ISSUER}: ${origin}/`)
