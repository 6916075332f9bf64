/** A web application with a WebSocket: signed in as in ../web_app, opened with a one-time ticket, and ended with the session. */
import { join } from 'node:path'
import { onEnd, sessionOf } from '../web_app/sessions.ts'
import { home, issuer, port } from '../web_app/settings.ts'
import { finishSignIn, startSignIn } from '../web_app/sign_in.ts'
import { backchannelLogout, signOut } from '../web_app/sign_out.ts'
import { accessOf, guard } from './access.ts'
import { type Connection, createLive } from './live.ts'
import { livePage, nosniff } from './page.ts'
import { createTickets, hashOf } from './tickets.ts'
import { upgrade } from './upgrade.ts'

const { TICKETS_FILE = ':memory:' } = process.env

const built = await Bun.build({ entrypoints: [join(import.meta.dir, 'front_end.ts')], target: 'browser' })
const script = await built.outputs[0]!.text()

const tickets = createTickets(TICKETS_FILE)
const live = createLive({ tickets })
onEnd(({ id }) => live.endSession(hashOf(id)))

/** The log has the reason, and neither ticket nor token. */
function answered(error: unknown): Response {
  const answer = guard.answerTo(error)
  const message = error instanceof Error ? error.message : String(error)
  console.log(JSON.stringify({ event: 'refused', status: answer.status, message }))
  return answer
}

async function issueTicket(request: Bun.BunRequest): Promise<Response> {
  const access = await accessOf(request)
  const { purpose } = (await request.json().catch(() => ({}))) as { purpose?: unknown }
  const headers = { 'cache-control': 'no-store' }
  if (purpose !== 'connect' && purpose !== 'renew')
    return Response.json({ error: 'invalid_request' }, { status: 400, headers })
  const ticket = tickets.issue({ ...access, purpose })
  if (ticket === undefined) return Response.json({ error: 'too_many_tickets' }, { status: 429, headers })
  return Response.json({ ticket }, { status: 201, headers })
}

const server = Bun.serve<Connection>({
  port,
  maxRequestBodySize: 65_536,
  routes: {
    '/': { GET: (request: Bun.BunRequest) => livePage(sessionOf(request)) },
    '/login': { GET: startSignIn },
    '/callback': { GET: finishSignIn },
    '/logout': { POST: signOut },
    '/backchannel_logout': { POST: backchannelLogout },
    '/tickets': { POST: (request: Bun.BunRequest) => issueTicket(request).catch(answered) },
    '/live': {
      GET: (request: Bun.BunRequest, server: Bun.Server<Connection>) =>
        upgrade(request, server, { tickets, live }),
    },
    [guard.metadataPath]: { GET: guard.metadata },
    '/front_end.js': new Response(script, {
      headers: { ...nosniff, 'content-type': 'text/javascript; charset=utf-8' },
    }),
    '/style.css': () =>
      new Response(Bun.file(join(import.meta.dir, '../exchanges/style.css')), { headers: nosniff }),
  },
  fetch: () => Response.json({ error: 'not_found' }, { status: 404 }),
  error: answered,
  websocket: live.handler,
})

/** Stands for what your application has to say. */
let value = 20
const timer = setInterval(
  () => live.read((value = Math.round((value + Math.random() - 0.5) * 10) / 10)),
  1_000,
)

process.on('SIGTERM', () => {
  clearInterval(timer)
  live.endAll()
  void server.stop().then(() => process.exit(0))
})
const local = `http://localhost:${port}`
const name = home === `${local}/` ? 'The application' : `The application ${home}`
console.log(`${name} listens at ${local}/; its provider is ${issuer}`)
