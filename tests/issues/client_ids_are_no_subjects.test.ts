/** The client_id of a client and the `sub` of a person are never one name, since `sub` of a client's own tokens is its client_id. RFC 9700 §4.15; issue 8, line 78 */
import { afterAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { User } from '../../src/models/user.ts'
import { authorizationUrl } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { introspect, operatorClient, post, read } from '../support/flow.ts'
import { laboratory } from '../support/laboratory.ts'
import { provider } from '../support/provider.ts'

const line = commandLine({ STORE_URL: 'sqlite:subjects.db' })
const lab = laboratory()
afterAll(() => {
  line.remove()
  lab.close()
})

const client = ['--redirect-uri', 'https://app.example/cb', '--json']
const file = (accounts: object[]): string => {
  const path = join(line.folder, `people${accounts.length}${Object.values(accounts[0]!).join('')}.json`)
  writeFileSync(path, JSON.stringify(accounts))
  return path
}

test('a client_id is refused when it is, or was, the sub of an account', async () => {
  await line.json('user', 'import', file([{ username: 'pat', sub: 'legacy|1' }]), '--json')
  const taken = await line.latchkey(['client', 'add', 'App', '--client-id', 'legacy|1', ...client])
  expect([taken.code, taken.stderr.includes('RFC 9700')]).toEqual([1, true])
})

test('a sub is refused when it is a client_id', async () => {
  await line.json('client', 'add', 'App', '--client-id', 'portal', ...client)
  const imported = await line.json<{ imported: number; problems: { problem: string }[] }>(
    'user',
    'import',
    file([{ username: 'sam', sub: 'portal' }, { username: 'kim' }]),
    '--partial',
    '--json',
  )
  expect(imported.imported).toBe(1)
  expect(imported.problems[0]!.problem).toContain('is the client_id of a client')
})

test('a metadata document at a URL that is the sub of an account makes no client', async () => {
  let clientId = ''
  const server = await lab.https('localhost', (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        client_id: clientId,
        client_name: 'Tool',
        redirect_uris: ['https://app.example/cb'],
      }),
    ),
  )
  const op = await provider({
    env: {
      PROFILE: 'mcp',
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
    },
  })
  const open = async (path: string) => {
    clientId = `https://localhost:${server.port}/${path}`
    const asked = { client_id: clientId, redirect_uri: 'https://app.example/cb' }
    return (await op.fetch(authorizationUrl(op.issuer, asked, { scope: 'openid' }).url)).status
  }
  expect(await open('tool')).toBe(303)
  const at = Math.floor(op.clock.now() / 1000)
  const sub = `https://localhost:${server.port}/alice`
  await User.create(op.context, { sub, username: 'pat', claims: {}, created_at: at, updated_at: at })
  expect(await open('alice')).toBe(400)
  await User.remove(op.context, (await User.find(op.context, sub))!)
  op.clock.advance(2_000)
  expect(await open('alice')).toBe(400)
})

test('the token of a client for itself says so: sub is client_id, and nothing of a person is in it', async () => {
  const op = await provider({ env: { ACCESS_TOKEN_FORMAT: 'opaque' } })
  const service = await operatorClient(op, { client_id: 'service', grant_types: ['client_credentials'] })
  const { body } = await post(op, '/token', service, { grant_type: 'client_credentials' })
  const said = await introspect(op, String(body.access_token), service)
  expect([said.sub, said.client_id]).toEqual(['service', 'service'])
  for (const member of ['username', 'auth_time', 'acr']) expect(said[member]).toBeUndefined()
  const headers = { authorization: `Bearer ${String(body.access_token)}` }
  expect((await read(await op.fetch('/userinfo', { headers }))).status).not.toBe(200)
})
