/** nginx as docs/deployment.md had it answered 502 to an authorization response with a state of 4,000 characters. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { blocksOf, document } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { type Nginx, runNginx } from '../support/nginx.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'

const [port, outerPort] = [freePort(), freePort()]
const issuer = `https://localhost:${outerPort}`
let certificate: Certificate
let nginx: Nginx
let op: SpawnedProvider

const ask = (path: string) => fetch(`${issuer}${path}`, { redirect: 'manual', tls: { ca: certificate.pem } })

/** The block of the document, with the addresses and the certificate of this test. */
function documented(): string {
  const block = blocksOf(document('docs/deployment.md')).find(({ text }) => text.includes('\nserver {'))
  if (!block) throw new Error('docs/deployment.md has no server of nginx')
  return block.text
    .replace('listen 443 ssl', `listen 127.0.0.1:${outerPort} ssl`)
    .replace('id.example.com;', 'localhost;')
    .replace(/ssl_certificate .*;/, `ssl_certificate ${certificate.certPath};`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${certificate.keyPath};`)
    .replace('server 127.0.0.1:5000', `server 127.0.0.1:${port}`)
    .replace(/ *server 127\.0\.0\.1:5001 .*;/, '')
}

beforeAll(async () => {
  certificate = makeCertificate()
  op = await spawnProvider({
    NODE_ENV: 'development',
    PORT: `${port}`,
    HOST: '127.0.0.1',
    ISSUER_URL: issuer,
    TRUSTED_PROXIES: 'loopback',
  })
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `pid ${folder}/pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${documented()}\n}\n`,
  )
  nginx = await runNginx(folder, async () => (await ask('/health')).ok)
}, 60_000)

afterAll(async () => {
  await Promise.all([nginx?.stop(), op?.stop()])
  certificate?.remove()
})

test.each([
  ['letters', 'a'],
  ['characters that a URL escapes', '"'],
])('nginx of docs/deployment.md passes on a state of 4096 %s', async (_, character) => {
  const state = character.repeat(4096)
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'client123',
    redirect_uri: 'http://localhost:8080/callback',
    scope: 'openid',
    prompt: 'none',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state,
  })
  const answer = await ask(`/authorize?${query}`)
  expect(answer.status).toBe(303)
  const { searchParams } = new URL(answer.headers.get('location') ?? 'about:blank')
  expect([searchParams.get('error'), searchParams.get('state')]).toEqual(['login_required', state])
})
