/** A web application with a back end for its front end: the server has the tokens, the browser has nothing but a session cookie. */
import { join } from 'node:path'
import { problemPage, signedInPage, signedOutPage } from './page.ts'
import { callApi } from './proxy.ts'
import { sessionOf } from './sessions.ts'
import { home, issuer, port } from './settings.ts'
import { finishSignIn, startSignIn } from './sign_in.ts'
import { backchannelLogout, signOut } from './sign_out.ts'

const built = await Bun.build({ entrypoints: [join(import.meta.dir, 'front_end.ts')], target: 'browser' })
const script = await built.outputs[0]!.text()
const nosniff = { 'x-content-type-options': 'nosniff' }

function show(request: Bun.BunRequest): Response {
  const session = sessionOf(request)
  return session ? signedInPage(session) : signedOutPage()
}

const server = Bun.serve({
  port,
  maxRequestBodySize: 65_536,
  routes: {
    '/': { GET: show },
    '/login': { GET: startSignIn },
    '/callback': { GET: finishSignIn },
    '/logout': { POST: signOut },
    '/backchannel_logout': { POST: backchannelLogout },
    '/api/*': callApi,
    '/front_end.js': new Response(script, {
      headers: { ...nosniff, 'content-type': 'text/javascript; charset=utf-8' },
    }),
    '/style.css': () =>
      new Response(Bun.file(join(import.meta.dir, '../exchanges/style.css')), { headers: nosniff }),
  },
  fetch: () => problemPage(404, 'There is nothing here'),
  error(error) {
    console.error(error)
    return problemPage(500, 'This did not work')
  },
})
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))

const local = `http://localhost:${port}`
const name = home === `${local}/` ? 'The web application' : `The web application ${home}`
console.log(`${name} listens at ${local}/; its provider is ${issuer}`)
