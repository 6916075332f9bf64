/** scripts/test_endpoints.sh: it walks every endpoint of the table, needs no preparation, and notices what is not as it should be. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Endpoint } from '../../src/contracts/endpoint.ts'
import { methodsOf } from '../../src/lib/http_method.ts'
import { buildTable, features } from '../../src/table.ts'
import { root } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { provider, spawnProvider, type SpawnedProvider } from '../support/provider.ts'

setDefaultTimeout(120_000)

/** Of packages that each Debian has, besides curl. */
const tools = 'awk cat cut dirname echo grep head mktemp printf rm sed sleep tr'.split(' ')

const folder = mkdtempSync(join(tmpdir(), 'latchkey-endpoints-'))
const bin = join(folder, 'bin')
mkdirSync(bin)
const place = (tool: string) => Bun.which(tool, { PATH: '/usr/bin:/bin' })!
for (const tool of tools) symlinkSync(place(tool), join(bin, tool))
/** curl, and a note of the arguments that other users of the machine see. */
writeFileSync(
  join(bin, 'curl'),
  `#!${place('dash')}\nprintf '%s\\n' "$*" >> ${join(folder, 'arguments')}\nexec ${place('curl')} "$@"\n`,
  { mode: 0o700 },
)

const stops: (() => unknown)[] = []
afterAll(async () => {
  for (const stop of stops) await stop()
  rmSync(folder, { recursive: true, force: true })
})

async function serve(env: Record<string, string> = {}): Promise<SpawnedProvider> {
  const server = await spawnProvider(env)
  stops.push(server.stop)
  return server
}

interface Line {
  verdict: string
  status: number
  endpoint: string
  text: string
}

async function walk(args: readonly string[], env: Record<string, string> = {}) {
  const temporary = mkdtempSync(join(folder, 'tmp-'))
  const child = Bun.spawn([place('dash'), join(root, 'scripts/test_endpoints.sh'), ...args], {
    env: { PATH: bin, TMPDIR: temporary, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  expect(readdirSync(temporary), 'files that are left').toEqual([])
  const lines = stdout
    .trim()
    .split('\n')
    .flatMap((line): Line[] => {
      const [, verdict, status, method, path, text] =
        /^(ok|WRONG) +(\d{3}|\w+) (\w+) +(\S+): (.*)$/.exec(line) ?? []
      return verdict ? [{ verdict, status: Number(status), endpoint: `${method} ${path}`, text: text! }] : []
    })
  return { code, lines, stderr, stdout, wrong: lines.filter(({ verdict }) => verdict === 'WRONG') }
}

/** As the script names it: parameters, and the names of files that change with their content, are `*`. */
const written = (path: string): string =>
  path.replaceAll(/\{[^}]*\}/g, '*').replace(/\/[\w-]{16}\.js$/, '/*.js')

/** The pages below /lab change with the lab; the script follows the links of /lab. Its interfaces are in docs/lab.md, and those of classrooms in docs/classrooms.md. */
const isLab = (path: string): boolean => /^\/(?:lab|classroom)(?:\/|$)/.test(path)

const served = (endpoints: readonly Endpoint[]): string[] =>
  endpoints.flatMap((endpoint) =>
    [endpoint.path, ...(endpoint.aliases ?? [])]
      .filter((path) => !isLab(path))
      .flatMap((path) => methodsOf(endpoint).map((method) => `${method} ${written(path)}`)),
  )

const rows = readFileSync(join(root, 'scripts/endpoints.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' '))

test('each endpoint of the table, features that are off included, has a row', () => {
  const known = rows.flatMap(([, methods = '', path = '']) =>
    methods.split(',').map((method) => `${method} ${path}`),
  )
  const described = rows.filter(([, methods]) => methods === '*').map(([, , path = '']) => path.slice(0, -1))
  const lacking = served(buildTable(features).endpoints).filter(
    (each) => !known.includes(each) && !described.some((path) => each.split(' ')[1]!.startsWith(path)),
  )
  expect(lacking, 'add a row to scripts/endpoints.txt').toEqual([])
  expect(known.length).toBe(new Set(known).size)
})

test('no row is of an endpoint that no feature has', () => {
  const all = served(buildTable(features).endpoints)
  for (const [, methods = '', path = ''] of rows)
    if (methods !== '*') for (const method of methods.split(',')) expect(all).toContain(`${method} ${path}`)
})

const statuses = (lines: readonly Line[], endpoint: string): number[] =>
  lines.filter((each) => each.endpoint === endpoint).map(({ status }) => status)

const asRead = (lines: readonly Line[]): string[] =>
  lines.map(({ endpoint, status }) => `${status} ${endpoint}`)

test('a fresh server, no preparation: every endpoint is asked and answers as expected', async () => {
  const server = await serve()
  const { code, lines, wrong, stderr, stdout } = await walk([server.issuer])
  expect([code, wrong, stderr]).toEqual([0, [], ''])
  const op = await provider()
  const asked = lines.map(({ endpoint }) => endpoint)
  for (const each of served(op.context.table.endpoints)) expect(asked).toContain(each)
  for (const { text, endpoint } of lines) expect(text.length, endpoint).toBeGreaterThan(8)
  expect(stdout).toEndWith(`\n${lines.length} requests, 0 with a status that was not expected\n`)
  expect(new Set(asked).size).toBe(asked.length)
})

test('with a client it goes on, and no command has the secret among its arguments', async () => {
  const server = await serve()
  const demo = ['--client-id', 'client123', '--client-secret', 'secret456']
  const { code, lines, wrong, stderr } = await walk([server.issuer, ...demo])
  expect([code, wrong, stderr]).toEqual([0, [], ''])
  expect(statuses(lines, 'POST /token')).toEqual([401, 200])
  expect(statuses(lines, 'POST /introspect')).toEqual([401, 200, 200])
  expect(statuses(lines, 'GET /userinfo')).toEqual([401, 403])
  expect(statuses(lines, 'POST /par')).toEqual([401, 201])
  expect(lines.find(({ text }) => text === 'active is true')).toBeDefined()
  const seen = readFileSync(join(folder, 'arguments'), 'utf8')
  expect(seen).toContain('/introspect')
  expect(seen).not.toMatch(/secret456|Bearer|eyJ/)
  // A wrong secret is a status that was not expected; a client that has none may not do everything.
  const refused = await walk([server.issuer], { CLIENT_ID: 'client123', CLIENT_SECRET: 'wrong"\\ secret' })
  expect(refused.code).toBe(1)
  expect(asRead(refused.wrong)).toContain('401 POST /token')
  const open = await walk([server.issuer], { CLIENT_ID: 'public-client' })
  expect([open.code, open.wrong]).toEqual([0, []])
})

test('in production at a path, with features off that are on elsewhere, and on that are off', async () => {
  const port = `${freePort()}`
  const corp = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: 'https://corp.example' }
  const server = await serve({
    NODE_ENV: 'production',
    PORT: port,
    ISSUER_URL: `http://localhost:${port}/tenant`,
    SECRET_KEY: new Bun.CryptoHasher('sha256').update('endpoints').digest('base64'),
    STORE_URL: 'sqlite:./latchkey.db',
    ADMINISTRATION: 'false',
    PASSKEYS: 'false',
    MIGRATION_PATHS: 'true',
    AUDIT_SIGNING_KEY: new Bun.CryptoHasher('sha256').update('audit').digest('base64'),
    UPSTREAM_PROVIDERS: JSON.stringify([{ ...corp, client_id: 'a', client_secret: 'b'.repeat(40) }]),
  })
  const { code, wrong, lines } = await walk([`${server.issuer}/`])
  expect([code, wrong]).toEqual([0, []])
  const of = (endpoint: string) => statuses(lines, endpoint)[0]
  expect(
    ['/dev/mail', '/admin', '/account/passkeys', '/lab'].map((path) => of(`GET ${path}`) ?? 404),
  ).toEqual([404, 404, 404, 404])
  expect([
    of('GET /login'),
    of('GET /account/connections'),
    of('GET /audit/jwks.json'),
    of('POST /auth/challenge'),
    of('POST /register'),
  ]).toEqual([303, 303, 200, 200, 403])
})

/** A provider that is not this one. Discovery and the OpenAPI document say what is served; all else is as `answer` says. */
function other(
  discovery: (issuer: string) => object,
  openapi: unknown,
  answer: (path: string) => Response,
): string {
  const server = Bun.serve({
    port: 0,
    fetch({ url }) {
      const { pathname, origin } = new URL(url)
      if (pathname === '/.well-known/openid-configuration') return Response.json(discovery(origin))
      return pathname === '/openapi.json' ? Response.json(openapi) : answer(pathname)
    },
  })
  stops.push(() => server.stop(true))
  return `http://localhost:${server.port}`
}

test('endpoints that the table lacks, faults, text for a terminal, a rate limit', async () => {
  let asked = 0
  const openapi = {
    components: { schemas: { '/fake': { get: 'a \\" quote { and \\\\' } } },
    paths: { '/new/{id}': { get: { summary: 'a "quoted" word }' }, parameters: [] }, '/token': { post: {} } },
  }
  const issuer = other(
    (self) => ({ issuer: self, odd_endpoint: `${self}/odd` }),
    openapi,
    (path) => {
      if (path === '/health/live') return new Response('\u001b[31mred\u0007', { status: 500 })
      if (path !== '/health') return new Response('nothing', { status: 404 })
      return new Response('{}', { status: asked++ === 0 ? 429 : 200, headers: { 'retry-after': '1' } })
    },
  )
  const { code, wrong, lines, stdout } = await walk([issuer])
  expect(code).toBe(1)
  // Nothing is served at /token although the document says so; /fake is no path of it.
  expect(asRead(wrong).sort()).toEqual([
    '404 GET /new/*',
    '404 GET /odd',
    '404 POST /token',
    '500 GET /health/live',
  ])
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  expect([asked, statuses(lines, 'GET /health')]).toEqual([2, [200]])
})

test('no such provider, another issuer, a wrong argument: exit code 2', async () => {
  const issuer = other(
    () => ({ issuer: 'https://elsewhere.example' }),
    {},
    () => new Response(null, { status: 404 }),
  )
  for (const args of [[issuer], ['http://localhost:1'], ['--client-id'], ['--nonsense']])
    expect((await walk(args)).code).toBe(2)
})
