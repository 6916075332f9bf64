/** Serves the single-page application: three static files, where its provider is, and the headers that protect it. */
import { join } from 'node:path'

const { PORT = '3000', ISSUER = 'http://localhost:5000', CLIENT_ID = 'public-client', API } = process.env

const built = await Bun.build({
  entrypoints: [join(import.meta.dir, 'app.ts')],
  target: 'browser',
  minify: true,
})
const script = await built.outputs[0]!.text()

const provider = new URL(ISSUER).origin
/** A script of an attacker is what a single-page application has to fear: none may run, and none may send anything elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  `connect-src 'self' ${[provider, ...(API === undefined ? [] : [new URL(API).origin])].join(' ')}`,
  `frame-src ${provider}`, // the frame that watches the session
  "form-action 'none'",
  "frame-ancestors 'none'", // clickjacking
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types exchanges',
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer', // the address has a code for a moment
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
}
const file = (name: string) => new Response(Bun.file(join(import.meta.dir, name)), { headers })

const server = Bun.serve({
  port: Number(PORT),
  routes: {
    '/': () => file('index.html'),
    '/callback': () => file('index.html'),
    '/style.css': () => file('../exchanges/style.css'),
    '/app.js': () =>
      new Response(script, { headers: { ...headers, 'content-type': 'text/javascript; charset=utf-8' } }),
    '/config.json': () => Response.json({ issuer: ISSUER, clientId: CLIENT_ID, api: API }, { headers }),
  },
  fetch: () => new Response('There is nothing here', { status: 404, headers }),
})
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))

console.log(`The single-page application is at http://localhost:${server.port}/, its provider at ${ISSUER}`)
