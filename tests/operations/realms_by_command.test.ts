/** A realm that commands make and change is what a running server answers with: its secrets, keys, sessions and trail are the same on both sides. docs/realms.md */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demo, type Json, type TestClient } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { clientCredentials, codeFor, good, isActive, redeem, refresh, visitor } from '../support/journey.ts'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(240_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-realms-'))
const port = `${freePort()}`
const issuer = `http://localhost:${port}`
const env = {
  STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
  STORE_TIMEOUT_MS: '30000',
  ISSUER_URL: issuer,
  SECRET_KEY: 'a secret key of this test, which is long enough',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  REALMS: 'true',
  PORT: port,
}
const line = commandLine(env)
let stop: () => Promise<void>
beforeAll(async () => void ({ stop } = await spawnProvider(env)))
afterAll(async () => {
  await stop()
  line.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** Keys that are made in a moment. */
const quick = ['--set', 'SIGNING_ALGS=ES256', '--set', 'ACCESS_TOKEN_ALG=ES256']
const at = (name: string) => ({ issuer: `${issuer}/realms/${name}`, fetch })
const statusOf = async (name: string) =>
  (await fetch(`${at(name).issuer}/.well-known/openid-configuration`)).status
const served = (name: string, status = 200) =>
  until(async () => (await statusOf(name)) === status, `${status} of ${name}`)
const service = async (name: string): Promise<TestClient> => {
  const made = await line.json<Json>(
    ...['--realm', name, 'client', 'add', 'Service', '--grant-type', 'client_credentials', '--json'],
  )
  return { ...demo, client_id: String(made.client_id), client_secret: String(made.client_secret) }
}

test('a client of a command gets tokens in its realm, and nothing anywhere else', async () => {
  expect(await statusOf('one')).toBe(404)
  await line.json('realm', 'add', 'one', ...quick, '--json')
  await line.json('realm', 'add', 'two', ...quick, '--json')
  await served('one')
  await served('two')
  const client = await service('one')
  const { access_token: token } = await good(clientCredentials(at('one'), client))
  const claims = JSON.parse(Buffer.from(String(token).split('.')[1]!, 'base64url').toString()) as Json
  expect(claims.iss).toBe(at('one').issuer)
  expect(await isActive(at('one'), token, client)).toBe(true)
  for (const other of [at('two'), { issuer, fetch }])
    expect((await clientCredentials(other, client)).status).toBe(401)
  expect(await isActive(at('two'), token, await service('two'))).toBe(false)
})

test('a sign-in with a demo account, ended by a command in the realm alone', async () => {
  await line.json('realm', 'add', 'demo', '--demo', ...quick, '--json')
  await served('demo')
  const inRealm = async () => {
    const alice = visitor(at('demo'))
    return good(
      redeem(
        at('demo'),
        await codeFor(at('demo'), alice, { scope: 'openid offline_access', prompt: 'consent' }),
      ),
    )
  }
  const tokens = await inRealm()
  expect(await isActive(at('demo'), tokens.access_token)).toBe(true)
  // The same account of the server is another one.
  await line.json('sessions', 'end', 'alice', '--json').catch(() => {})
  const next = await good(refresh(at('demo'), tokens.refresh_token))
  expect(await line.json<Json>('--realm', 'demo', 'sessions', 'end', 'alice', '--json')).toMatchObject({
    ended: 1,
  })
  expect((await refresh(at('demo'), next.refresh_token)).status).toBe(400)
})

test('keys that a command rotates are published by the server', async () => {
  const rotated = await line.json<{ kid: string }[]>(
    '--realm',
    'one',
    'keys',
    'rotate',
    '--alg',
    'ES256',
    '--json',
  )
  const published = async () => {
    const { keys } = (await (await fetch(`${at('one').issuer}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[]
    }
    return keys.map(({ kid }) => kid)
  }
  await until(async () => (await published()).includes(rotated[0]!.kid), 'the next key')
  const root = (await (await fetch(`${issuer}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }
  expect(root.keys.map(({ kid }) => kid)).not.toContain(rotated[0]!.kid)
})

test('settings and states take effect in the running server', async () => {
  const client = await service('two')
  const lifetime = async () => (await good(clientCredentials(at('two'), client))).expires_in
  await line.json('realm', 'set', 'two', '--set', 'ACCESS_TOKEN_TTL=77', '--json')
  await until(async () => (await lifetime()) === 77, 'the new lifetime')
  await line.json('realm', 'disable', 'two', '--json')
  await served('two', 404)
  await line.json('realm', 'enable', 'two', '--json')
  await served('two')
  expect(await lifetime()).toBe(77)
  await line.json('realm', 'remove', 'two', '--yes', '--json')
  await served('two', 404)
  await line.json('realm', 'add', 'two', ...quick, '--json')
  await served('two')
  expect((await clientCredentials(at('two'), client)).status).toBe(401)
})

test('the trail of a realm has what the server and what commands did, and verifies; the log names the realm', async () => {
  const ran = await line.latchkey(['--realm', 'demo', 'user', 'disable', 'bob'])
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringMatching(/changed_by_operator .*realm=demo/)])
  await until(async () => {
    const listed = JSON.stringify(await line.json('--realm', 'demo', 'audit', 'list', '--json'))
    return ['tokens_issued', 'changed_by_operator'].every((kind) => listed.includes(kind))
  }, 'both kinds')
  for (const realm of [['--realm', 'demo'], ['--realm', 'one'], []]) {
    const verified = await line.latchkey([...realm, 'audit', 'verify'])
    expect([realm, verified.code, verified.stdout + verified.stderr]).toEqual([realm, 0, expect.any(String)])
  }
})

test('a configuration file of a realm: plan, apply, drift and rollback work in it, and nowhere else', async () => {
  await line.json('realm', 'add', 'filed', ...quick, '--json')
  await served('filed')
  const inRealm = (...args: string[]) => line.latchkey(['--realm', 'filed', ...args])
  const file = (content: object) => writeFileSync(join(line.folder, 'realm.yaml'), JSON.stringify(content))
  const worker = {
    client_id: 'worker',
    grant_types: ['client_credentials'],
    scope: '',
    client_secret: 'file:worker.secret',
  }
  writeFileSync(join(line.folder, 'worker.secret'), 'c2VjcmV0LW9mLXRoZS13b3JrZXItb2YtdGhpcy10ZXN0')

  // Settings of a realm are in its record.
  file({ latchkey: 1, scopes: ['openid'], clients: [worker] })
  const refused = await inRealm('plan', '-f', 'realm.yaml')
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(
      /realm\.yaml:1:\d+: scopes: the file of a realm has clients alone; .*latchkey realm set filed/,
    ),
  ])
  file({ latchkey: 1, clients: [worker] })
  const planned = await inRealm('plan', '-f', 'realm.yaml')
  expect([planned.code, planned.stdout.includes(', realm filed (version 0)')]).toEqual([2, true])
  expect((await inRealm('apply', '-f', 'realm.yaml', '--yes')).code).toBe(0)
  const client = {
    ...demo,
    client_id: 'worker',
    client_secret: 'c2VjcmV0LW9mLXRoZS13b3JrZXItb2YtdGhpcy10ZXN0',
  }
  await good(clientCredentials(at('filed'), client))
  expect((await clientCredentials({ issuer, fetch }, client)).status).toBe(401)

  // It is locked there, and the words of the refusal name the realm.
  const locked = await inRealm('client', 'set', 'worker', '--name', 'Other')
  expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('latchkey --realm filed apply')])
  expect(await line.json<Json>('--realm', 'filed', 'drift', '--json')).toMatchObject({
    version: 1,
    managed: 1,
    drifted: [],
  })
  expect(await line.json<Json>('drift', '--json')).toMatchObject({ version: 0, managed: 0 })
  expect((await inRealm('export-config')).stdout).toContain('client_id: worker')

  file({ latchkey: 1, clients: [] })
  expect((await inRealm('apply', '-f', 'realm.yaml', '--yes')).code).toBe(0)
  await until(async () => (await clientCredentials(at('filed'), client)).status === 401, 'the client to end')
  expect((await inRealm('rollback', '1', '--yes')).code).toBe(0)
  expect(await line.json<Json>('--realm', 'filed', 'client', 'show', 'worker', '--json')).toMatchObject({
    client_id: 'worker',
    managed_by: { file: 'realm.yaml', version: 3 },
  })
})
