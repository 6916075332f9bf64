/** Issue 9, D.47: a client that registered itself and was never used was kept for ever. */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { Client } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { authorizationUrl, type Json } from '../support/client.ts'
import { authorize, browser, operatorClient, post, refresh, type Tokens, tokensOf } from '../support/flow.ts'
import { commandLine } from '../support/command.ts'
import { provider, type Provider, turnableClock } from '../support/provider.ts'
import { asClient, manage, registered } from '../support/registration.ts'

const day = 86_400_000
const settings = { REGISTRATION: 'open', RATE_LIMITING_ENABLED: 'false', SESSION_TTL: '31536000' }
const body = {
  redirect_uris: ['https://app.example/cb'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
}
const at = (env: Record<string, string> = {}) => provider({ env: { ...settings, ...env } })

const statusAt = async (op: Provider, made: Json) =>
  (await browser(op).open(authorizationUrl(op.issuer, asClient(made)).url)).page?.status

const listed = async (op: Provider) => (await Client.list(op.context)).map(({ client_id }) => client_id)

test('a client without tokens ends after a week, and everything about it', async () => {
  const op = await at()
  const made = await registered(op, body)
  const pending = await authorize(op, browser(op), asClient(made))
  op.clock.advance(7 * day - 5_000)
  expect(await statusAt(op, made)).toBe(200)
  op.clock.advance(10_000)
  expect(await statusAt(op, made)).toBe(400)
  const { code, code_verifier } = pending
  const { redirect_uri } = asClient(made)
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri }
  const refused = await post(op, '/token', asClient(made), fields)
  expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
  const own = await manage(op, 'GET', made, made.registration_access_token)
  expect(own.status).toBe(401)
  expect(await listed(op)).not.toContain(String(made.client_id))
})

test('one that got tokens stays, whatever grant type gave them', async () => {
  const op = await at({ PROFILE: 'classic' })
  const used = await registered(op, body)
  const service = await registered(op, {
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: '',
  })
  const implicit = await registered(op, { ...body, grant_types: ['implicit'], response_types: ['id_token'] })
  const tokens: Tokens = await tokensOf(op, browser(op), asClient(used), { scope: 'openid offline_access' })
  const service_tokens = await post(
    op,
    '/token',
    { ...asClient({ ...service, redirect_uris: [''] }) },
    {
      grant_type: 'client_credentials',
    },
  )
  expect(service_tokens.status).toBe(200)
  const { url } = authorizationUrl(op.issuer, asClient(implicit), { response_type: 'id_token' })
  expect((await browser(op).goThrough(url)).hash).toContain('id_token=')
  op.clock.advance(20 * day)
  for (const made of [used, service, implicit])
    expect((await Client.find(op.context, String(made.client_id)))?.exp).toBeUndefined()
  expect((await refresh(op, asClient(used), tokens.refresh_token)).status).toBe(200)
  expect(await listed(op)).toContain(String(used.client_id))
})

test('an update, a read and a refused request are no use', async () => {
  const op = await at()
  const made = await registered(op, body)
  const update = { ...body, client_id: made.client_id, client_name: 'Another' }
  const changed = await manage(op, 'PUT', made, made.registration_access_token, update)
  await manage(op, 'GET', made, changed.body.registration_access_token)
  await post(op, '/token', asClient(made), {
    grant_type: 'authorization_code',
    code: 'x',
    code_verifier: 'x',
  })
  op.clock.advance(8 * day)
  expect(await statusAt(op, made)).toBe(400)
})

test('clients of the operator and of the demo stay', async () => {
  const op = await at()
  const before = await listed(op)
  await operatorClient(op, { client_id: 'of-the-operator' })
  op.clock.advance(400 * day)
  expect((await listed(op)).toSorted()).toEqual([...before, 'of-the-operator'].toSorted())
})

test('REGISTRATION_UNUSED_TTL: another time, or for ever', async () => {
  const short = await at({ REGISTRATION_UNUSED_TTL: '60' })
  const ever = await at({ REGISTRATION_UNUSED_TTL: '0' })
  const [ends, stays] = [await registered(short, body), await registered(ever, body)]
  for (const op of [short, ever]) op.clock.advance(400 * day)
  expect([await statusAt(short, ends), await statusAt(ever, stays)]).toEqual([400, 200])
})

for (const kind of ['memory', 'sqlite'] as const)
  test(`${kind}: what has ended leaves the indexes, a few with each registration`, async () => {
    const clock = turnableClock()
    const store = kind === 'memory' ? memoryStore(clock) : sqliteStore(':memory:', clock)
    const op = await provider({ env: settings, store, clock })
    const before = await listed(op)
    const made: Json[] = []
    for (let count = 0; count < 25; count++) made.push(await registered(op, body))
    await tokensOf(op, browser(op), asClient(made[3]!))
    clock.advance(8 * day)
    const next: Json[] = []
    for (let count = 0; count < 3; count++) next.push(await registered(op, body))
    const members = async (index: string) => (await store.range(index)).map(({ member }) => member).toSorted()
    const idsOf = (each: Json) => String(each.client_id)
    expect(await members('clients')).toEqual([...before, ...[made[3]!, ...next].map(idsOf)].toSorted())
    expect(await members('unused_clients')).toEqual(next.map(idsOf).toSorted())
    await store.close()
  })

test('of two instances, the one that gives tokens keeps the client for both', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [one, other] = [
    await provider({ env: settings, store, clock }),
    await provider({ env: settings, store, clock }),
  ]
  const made = await registered(one, body)
  expect(await statusAt(other, made)).toBe(200)
  const tokens = await tokensOf(one, browser(one), asClient(made), { scope: 'openid offline_access' })
  clock.advance(8 * day)
  expect((await refresh(other, asClient(made), tokens.refresh_token)).status).toBe(200)
})

test('one that an operator changes stays', async () => {
  const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
  afterAll(line.remove)
  const clock = turnableClock()
  const store = sqliteStore(join(line.folder, 'latchkey.db'), clock)
  const op = await provider({ env: settings, store, clock })
  const made = await registered(op, body)
  await line.json('client', 'set', String(made.client_id), '--name', 'Ours', '--json')
  clock.advance(8 * day)
  expect(await statusAt(op, made)).toBe(200)
  await store.close()
})
