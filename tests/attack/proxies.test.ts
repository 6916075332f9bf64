/** HTTP_PROXY, which many machines set, is no way to this machine: it would see the token of Vault in plain text, and answer a check of health. */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { latchkeyCommand } from '../support/latchkey_command.ts'
import { spawnProvider } from '../support/provider.ts'

const seen: string[] = []
const proxy = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch({ url, headers }) {
    seen.push(`${url} ${headers.get('x-vault-token') ?? ''}`)
    return Response.json({ status: 'healthy', from: 'the proxy' })
  },
})
const place = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: ({ headers }) => Response.json({ from: 'the place', token: headers.get('x-vault-token') }),
})
afterAll(() => Promise.all([proxy.stop(true), place.stop(true)]))

const root = join(import.meta.dir, '../..')
const throughProxy = {
  HTTP_PROXY: proxy.url.origin,
  http_proxy: proxy.url.origin,
  no_proxy: '',
  NO_PROXY: '',
}

async function run(command: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn([...command], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...throughProxy, ...env },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  return (await new Response(child.stdout).text()).trim()
}

test('a place of secrets on this machine is asked itself', async () => {
  const script = `
    const { ask } = await import(${JSON.stringify(join(root, 'src/cli/secret_sources/source.ts'))})
    const said = await ask(${JSON.stringify(place.url.href)}, { headers: { 'x-vault-token': 's.token' }, timeoutMs: 30_000 })
    console.log(JSON.stringify(said.json))`
  expect(await run(['bun', '-e', script])).toBe('{"from":"the place","token":"s.token"}')
  expect(seen).toEqual([])
}, 60_000)

test('the test client sends no secret through it', async () => {
  const script = `
    const { providerClient } = await import(${JSON.stringify(join(root, 'src/cli/provider_client.ts'))})
    const metadata = { introspection_endpoint: ${JSON.stringify(place.url.href)} }
    console.log(JSON.stringify(await providerClient(metadata, { clientId: 'app', secret: 's3cret' }).introspect('token')))`
  expect(await run(['bun', '-e', script])).toStartWith('{"from":"the place"')
  expect(seen).toEqual([])
}, 60_000)

test('latchkey health asks the server itself', async () => {
  const op = await spawnProvider({})
  const env = { ISSUER_URL: op.issuer, PORT: new URL(op.issuer).port, HOST: '127.0.0.1' }
  await op.stop()
  expect(await run([...latchkeyCommand, 'health'], env)).toBe('')
  expect(seen).toEqual([])
}, 60_000)
