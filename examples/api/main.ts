/** An API that accepts access tokens: it verifies JWTs by itself, or asks the provider about each token. */
import { join } from 'node:path'
import { type Exchange, exchangeOf, note, watched } from '../exchanges/exchange.ts'
import { byIntrospection } from './introspection.ts'
import { byJwt } from './jwt.ts'
import { page } from './page.ts'
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

/** What the page shows of the latest requests, without their secrets. */
const exchanges = new Map<string, Exchange>()
const keep = (exchange: Exchange) => note(exchanges, exchange)

const ways: Record<string, () => Promise<Verify>> = {
  jwt: () => byJwt(ISSUER, AUDIENCE),
  introspection: () => byIntrospection(ISSUER, CLIENT_ID, CLIENT_SECRET, watched(fetch, keep)),
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

async function read(request: Request): Promise<Response> {
  const { sub, client_id } = await requireScope(request, 'profile')
  return Response.json({ notes: [`a note of ${sub}, read by ${client_id}`] })
}

async function remove(request: Request): Promise<Response> {
  requireSignIn(await requireScope(request, 'profile'), wanted)
  return new Response(null, { status: 204 })
}

const answered = (error: unknown): Response =>
  error instanceof Refused ? refusal(error) : Response.json({ error: 'server_error' }, { status: 500 })

/** The answer of `handle`, which the page shows too. */
const shown = (handle: (request: Request) => Promise<Response>) => async (request: Request) => {
  const copy = request.clone()
  const answer = await handle(request).catch(answered)
  keep(await exchangeOf(copy, answer.clone()))
  return answer
}

/** The page is for this machine alone: it shows what tokens say about End-Users. */
const isHere = (request: Request, server: Bun.Server<undefined>): boolean =>
  new URL(request.url).hostname === 'localhost' &&
  ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(server.requestIP(request)?.address ?? '')

const notFound = () => Response.json({ error: 'not_found' }, { status: 404 })

Bun.serve({
  port: Number(PORT),
  routes: {
    '/': (request, server) => (isHere(request, server) ? page(exchanges.values()) : notFound()),
    '/notes': { GET: shown(read), DELETE: shown(remove) },
    '/style.css': () => new Response(Bun.file(join(import.meta.dir, '../exchanges/style.css'))),
  },
  fetch: notFound,
  error: answered,
})

console.log(`The API is at http://localhost:${PORT}/notes; it checks tokens of ${ISSUER} by ${VERIFY}`)
