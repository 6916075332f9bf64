/** The nginx of docs/deployment.md had one instance. With several, it goes on when one dies, and repeats no POST that may have been processed. Issue 9, 59 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from '../support/certificate.ts'
import { blocksOf, document } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import {
  clientCredentials,
  type CodeInHand,
  codeFor,
  good,
  type Journey,
  redeem,
  visitor,
} from '../support/journey.ts'
import { type Nginx, runNginx } from '../support/nginx.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

const ports = [freePort(), freePort()] as const
const outer = freePort()
const issuer = `https://localhost:${outer}`
const certificate = makeCertificate()
const data = mkdtempSync(join(tmpdir(), 'latchkey-instances-'))
const journey: Journey = {
  issuer,
  fetch: (url, init) => fetch(url, { ...init, tls: { ca: certificate.pem } }),
}
const instances: SpawnedProvider[] = []
let nginx: Nginx | undefined

/** The block of the page, with other ports and files. */
function configure(folder: string, change: (text: string) => string): void {
  const { text } = blocksOf(document('docs/deployment.md')).find(({ note }) => note === 'nginx')!
  const own = [
    ['listen 443 ', `listen 127.0.0.1:${outer} `],
    ['127.0.0.1:5000', `127.0.0.1:${ports[0]}`],
    ['127.0.0.1:5001', `127.0.0.1:${ports[1]}`],
    ['/etc/letsencrypt/live/id.example.com/fullchain.pem', certificate.certPath],
    ['/etc/letsencrypt/live/id.example.com/privkey.pem', certificate.keyPath],
  ] as const
  for (const [theirs] of own) expect(text.split(theirs)).toHaveLength(2)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `pid ${folder}/pid;
error_log ${folder}/error.log;
events {}
http {
access_log off;
${temporary.join('\n')}
${change(own.reduce((conf, [theirs, ours]) => conf.replace(theirs, ours), text))}
}`,
  )
}

const start = (port: number) =>
  spawnProvider({
    PORT: `${port}`,
    HOST: '127.0.0.1',
    ISSUER_URL: issuer,
    STORE_URL: `sqlite:${join(data, 'latchkey.db')}`,
    TRUSTED_PROXIES: 'loopback',
  })

async function proxy(change = (text: string) => text): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  configure(folder, change)
  return runNginx(folder, async () => (await journey.fetch(`${issuer}/health`)).ok)
}

beforeAll(async () => {
  for (const port of ports) instances.push(await start(port))
}, 60_000)
afterAll(async () => {
  await nginx?.stop()
  await Promise.all(instances.map((each) => each.stop()))
  certificate.remove()
  rmSync(data, { recursive: true, force: true })
})

test('both instances serve one sign-in, and with one killed no request is lost', async () => {
  nginx = await proxy()
  const tokens = await good(redeem(journey, await codeFor(journey, visitor(journey))))
  expect(tokens.id_token).toBeString()
  const inHand = await codeFor(journey, visitor(journey))
  instances[1]!.signal('SIGKILL')
  await instances[1]!.exited
  for (let i = 0; i < 6; i++) {
    expect((await clientCredentials(journey)).status).toBe(200)
    expect((await journey.fetch(`${issuer}/jwks.json`)).status).toBe(200)
  }
  expect((await good(redeem(journey, inHand))).id_token).toBeString()
}, 60_000)

test('a POST that an instance has received is not repeated: its code is still unused at the other one', async () => {
  await nginx?.stop()
  const direct: Journey = {
    issuer,
    fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${ports[0]}`), init),
  }
  const codes = [await codeFor(direct, visitor(direct)), await codeFor(direct, visitor(direct))]
  const received: string[] = []
  // An instance that dies once a request has arrived.
  using dying = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket, bytes) {
        received.push(bytes.toString().split(' ', 2).join(' '))
        socket.terminate()
      },
    },
  })
  nginx = await proxy((text) =>
    text.replace(`127.0.0.1:${ports[1]}`, `127.0.0.1:${dying.port}`).replaceAll('max_fails=1', 'max_fails=0'),
  )
  received.length = 0
  const lost: CodeInHand[] = []
  for (const code of codes) if ((await redeem(journey, code)).status === 502) lost.push(code)
  expect(lost).toHaveLength(1)
  expect(received).toEqual(['POST /token'])
  expect((await redeem(direct, lost[0]!)).status).toBe(200)
  // A GET is repeated.
  for (let i = 0; i < 4; i++) expect((await journey.fetch(`${issuer}/jwks.json`)).status).toBe(200)
  expect(received.filter((line) => line === 'GET /jwks.json').length).toBeGreaterThan(0)
}, 60_000)
