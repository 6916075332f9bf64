/** The Postman collection, run by newman as a developer would click through it. https://github.com/postmanlabs/newman */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import collection from '../../postman/OIDC_Tests.json'
import { buildTable } from '../../src/table.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { everything, spawnOpenProvider } from './relying_party.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')

let provider: SpawnedProvider
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-postman-'))
  provider = await spawnOpenProvider()
})
afterAll(async () => {
  await provider.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Report {
  run: {
    stats: Record<'requests' | 'assertions' | 'testScripts', { total: number; failed: number }>
    failures: { source: { name: string }; error: { test?: string; message: string } }[]
  }
}

/** Each variable reaches the collection as Postman's environment, which goes before the collection's own values. */
async function runCollection(variables: Record<string, string>, iterations = 1): Promise<Report['run']> {
  const report = join(folder, 'report.json')
  const child = Bun.spawn(
    [
      process.execPath,
      join(root, 'node_modules/newman/bin/newman.js'),
      ...['run', join(root, 'postman/OIDC_Tests.json'), '--iteration-count', `${iterations}`],
      ...['--reporters', 'json', '--reporter-json-export', report],
      ...Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]),
    ],
    { cwd: folder, env: { PATH: process.env.PATH, HOME: folder }, stdout: 'pipe', stderr: 'pipe' },
  )
  const words = await Promise.all([
    Bun.readableStreamToText(child.stdout),
    Bun.readableStreamToText(child.stderr),
  ])
  await child.exited
  if (!(await Bun.file(report).exists())) throw new Error(`newman wrote no report:\n${words.join('\n')}`)
  return ((await Bun.file(report).json()) as Report).run
}

interface Item {
  name: string
  item?: Item[]
  request?: { url: { path: string[] } }
}
const requests = (items: readonly Item[]): Item[] =>
  items.flatMap((each) => (each.item ? requests(each.item) : [each]))
const all = requests(collection.item)

function expectAllPassed({ stats, failures }: Report['run'], iterations: number) {
  expect(failures.map(({ source, error }) => `${source.name}: ${error.test ?? ''} ${error.message}`)).toEqual(
    [],
  )
  expect(stats.requests.total).toBeGreaterThanOrEqual(all.length * iterations)
  expect(stats.testScripts.total).toBe(all.length * iterations)
  expect(stats.assertions.total).toBeGreaterThan(all.length * iterations)
}

test('with the demo client, twice in a row', async () => {
  expectAllPassed(await runCollection({ baseUrl: provider.issuer }, 2), 2)
})

test('with a client of its own that gets ES256 ID Tokens', async () => {
  const response = await fetch(`${provider.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...everything, id_token_signed_response_alg: 'ES256' }),
  })
  const { client_id, client_secret } = (await response.json()) as { client_id: string; client_secret: string }
  const person = { username: 'bob', password: 'bobpassword' }
  const run = await runCollection({ baseUrl: provider.issuer, client_id, client_secret, ...person })
  expectAllPassed(run, 1)
})

test('fails when the provider does not do as it says', async () => {
  const { failures } = await runCollection({ baseUrl: provider.issuer, password: 'wrong' })
  expect(failures.map(({ source }) => source.name)).toContain('Sign in')
})

test('visits every endpoint of the core that clients are told of', () => {
  const visited = new Set(all.map(({ request }) => `/${request!.url.path.join('/')}`))
  const told = buildTable([]).endpoints.filter(({ advertised }) => advertised !== false)
  expect(told.length).toBeGreaterThan(6)
  expect(
    told.map(({ path }) => path).filter((path) => !visited.has(path)),
    'add a request to the collection in postman/, or `advertised: false` to the endpoint',
  ).toEqual([])
})
