/** An API that accepts access tokens: it verifies JWTs by itself, or asks the provider about each token. */
import { byIntrospection } from './introspection.ts'
import { byJwt } from './jwt.ts'
import { refusal, Refused, type Verify } from './refusal.ts'
import { requireSignIn } from './step_up.ts'

const {
  PORT = '9000',
  ISSUER = 'http://localhost:5000',
  AUDIENCE = ISSUER,
  VERIFY = 'jwt',
  CLIENT_ID = 'client123',
  CLIENT_SECRET = 'secret456',
  MAX_AGE = '300',
  ACR_VALUES = '',
} = process.env

const ways: Record<string, () => Promise<Verify>> = {
  jwt: () => byJwt(ISSUER, AUDIENCE),
  introspection: () => byIntrospection(ISSUER, CLIENT_ID, CLIENT_SECRET),
}
const way = ways[VERIFY]
if (!way) throw new Error(`VERIFY must be jwt or introspection, got ${VERIFY}`)
const verify = await way()

const wanted = { maxAge: Number(MAX_AGE), acrValues: ACR_VALUES.split(' ').filter(Boolean) }

/** The token of the Authorization header, checked, with the scope that the endpoint needs (RFC 6750 §3.1). */
async function requireScope(request: Request, scope: string) {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (token === undefined) throw new Refused(401)
  const claims = await verify(token)
  if (!claims.scope.split(' ').includes(scope)) throw new Refused(403, 'insufficient_scope', { scope })
  return claims
}

Bun.serve({
  port: Number(PORT),
  routes: {
    '/notes': {
      GET: async (request) => {
        const { sub, client_id } = await requireScope(request, 'profile')
        return Response.json({ notes: [`a note of ${sub}, read by ${client_id}`] })
      },
      DELETE: async (request) => {
        requireSignIn(await requireScope(request, 'profile'), wanted)
        return new Response(null, { status: 204 })
      },
    },
  },
  fetch: () => Response.json({ error: 'not_found' }, { status: 404 }),
  error: (error) =>
    error instanceof Refused ? refusal(error) : Response.json({ error: 'server_error' }, { status: 500 }),
})

console.log(`The API is at http://localhost:${PORT}/notes; it checks tokens of ${ISSUER} by ${VERIFY}`)
