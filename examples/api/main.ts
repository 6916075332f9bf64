/** An API that accepts access tokens: it verifies JWTs by itself, or asks the provider about each token. */
import { join } from 'node:path'
import { type Exchange, exchangeOf, note, watched } from '../exchanges/exchange.ts'
import type { Verify } from './caller.ts'
import { allowOrigin } from './cors.ts'
import { createGuard } from './guard.ts'
import { byIntrospection } from './introspection.ts'
import { byJwt } from './jwt.ts'
import { keysOf } from './keys.ts'
import { createNotes } from './notes.ts'
import { page } from './page.ts'
import { requireSignIn } from './step_up.ts'

const {
  PORT = '9000',
  ISSUER = 'http://localhost:5000',
  RESOURCE = `http://localhost:${PORT}`,
  VERIFY = 'jwt',
  CLIENT_ID = 'notes-api',
  CLIENT_SECRET = '',
  KEEP_FOR = '10',
  MAX_AGE = '300',
  ACR_VALUES = '',
  ALLOWED_ORIGIN = '',
  DEVELOPER_PAGE = 'false',
} = process.env

/** What the page for the developer shows of the latest requests, without their secrets. */
const exchanges = new Map<string, Exchange>()
const keep = (exchange: Exchange) => note(exchanges, exchange)
const isShown = DEVELOPER_PAGE === 'true'

const introspection = {
  issuer: ISSUER,
  resource: RESOURCE,
  clientId: CLIENT_ID,
  secret: CLIENT_SECRET,
  keepFor: Number(KEEP_FOR) * 1000,
  ask: isShown ? watched(fetch, keep) : fetch,
}
const ways: Readonly<Record<string, () => Verify>> = {
  jwt: () => byJwt(ISSUER, RESOURCE, keysOf(ISSUER)),
  introspection: () => byIntrospection(introspection),
}
const way = ways[VERIFY]
if (!way) throw new Error(`VERIFY must be jwt or introspection, got ${VERIFY}`)

const guard = createGuard({
  issuer: ISSUER,
  resource: RESOURCE,
  scopes: ['read:notes', 'write:notes'],
  verify: way(),
})
const notes = createNotes()
const wanted = { maxAge: Number(MAX_AGE), acrValues: ACR_VALUES.split(' ').filter(Boolean) }

type Handle = (request: Request) => Promise<Response>

const methods: Readonly<Record<string, Handle>> = {
  async GET(request) {
    const { sub } = await guard.callerOf(request, 'read:notes')
    return Response.json({ notes: notes.of(sub) }, { headers: { 'cache-control': 'no-store' } })
  },
  async POST(request) {
    const { sub } = await guard.callerOf(request, 'write:notes')
    const { text } = (await request.json().catch(() => ({}))) as { text?: unknown }
    return notes.add(sub, text)
      ? new Response(null, { status: 201 })
      : Response.json({ error: 'invalid_request' }, { status: 400 })
  },
  async DELETE(request) {
    const caller = await guard.callerOf(request, 'write:notes')
    requireSignIn(caller, wanted)
    notes.remove(caller.sub)
    return new Response(null, { status: 204 })
  },
}

/** The log has the reason and never the token. */
function answered(error: unknown): Response {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const answer = guard.answerTo(error)
  console.log(JSON.stringify({ event: 'refused', status: answer.status, name, message }))
  return answer
}

async function onNotes(request: Request): Promise<Response> {
  const handle = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
  if (!handle) return new Response(null, { status: 405, headers: { allow: Object.keys(methods).join(', ') } })
  if (!isShown) return handle(request).catch(answered)
  const copy = request.clone()
  const answer = await handle(request).catch(answered)
  keep(await exchangeOf(copy, answer.clone()))
  return answer
}

/** The page is for this machine alone: it shows what tokens say about End-Users. */
const isHere = (request: Request, server: Bun.Server<undefined>): boolean =>
  isShown &&
  new URL(request.url).hostname === 'localhost' &&
  ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(server.requestIP(request)?.address ?? '')

const notFound = () => Response.json({ error: 'not_found' }, { status: 404 })

const server = Bun.serve({
  port: Number(PORT),
  maxRequestBodySize: 16_384,
  idleTimeout: 10,
  routes: {
    '/': (request, server) => (isHere(request, server) ? page(exchanges.values()) : notFound()),
    '/notes': allowOrigin(ALLOWED_ORIGIN, onNotes),
    [guard.metadataPath]: guard.metadata,
    '/style.css': () => new Response(Bun.file(join(import.meta.dir, '../exchanges/style.css'))),
  },
  fetch: notFound,
  error: answered,
})
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))

console.log(`The API is at http://localhost:${PORT}/notes; it checks tokens of ${ISSUER} by ${VERIFY}`)
