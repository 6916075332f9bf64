/** Serves the single-page application: three static files and where its provider is. */
import { join } from 'node:path'

const { PORT = '3000', ISSUER = 'http://localhost:5000', CLIENT_ID = 'public-client' } = process.env

const built = await Bun.build({
  entrypoints: [join(import.meta.dir, 'app.ts')],
  target: 'browser',
  minify: true,
})
const script = await built.outputs[0]!.text()
const policy = `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${new URL(ISSUER).origin}; base-uri 'none'; frame-ancestors 'none'`
const file = (name: string) =>
  new Response(Bun.file(join(import.meta.dir, name)), { headers: { 'content-security-policy': policy } })

const server = Bun.serve({
  port: Number(PORT),
  routes: {
    '/': () => file('index.html'),
    '/callback': () => file('index.html'),
    '/style.css': () => file('../exchanges/style.css'),
    '/app.js': () => new Response(script, { headers: { 'content-type': 'text/javascript; charset=utf-8' } }),
    '/config.json': () => Response.json({ issuer: ISSUER, client_id: CLIENT_ID }),
  },
  fetch: () => new Response('There is nothing here', { status: 404 }),
})

console.log(`The single-page application is at http://localhost:${server.port}/, its provider at ${ISSUER}`)
