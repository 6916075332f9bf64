/** Ways to a right in the administration that the caller does not hold, or holds no longer. docs/administration.md */
import { afterAll, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Administrators } from '../../src/models/administrators.ts'
import { Client } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import {
  account,
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../support/administration.ts'
import { laboratory } from '../support/laboratory.ts'
import { until } from '../support/until.ts'
import { provider } from '../support/provider.ts'

const publisher = 'https://publisher.example'
const lab = laboratory()
afterAll(() => lab.close())
const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256', use: 'sig' }] }
const server = await lab.https('localhost', (_, response) => void response.end(JSON.stringify(jwks)))
const op = await provider({
  env: {
    SOFTWARE_STATEMENT_ISSUERS: `${publisher}=https://localhost:${server.port}/jwks`,
    OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
    OUTBOUND_CA_PATH: lab.caPath,
  },
})
const statement = (claims: object) =>
  new SignJWT({ iss: publisher, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'a' }).sign(privateKey)

const administering = await consoleClient(op)
const clients = await serviceClient(op, ['admin:clients.read', 'admin:clients.write'], 'of-clients')
const asClients = await serviceToken(op, clients)
const ofService = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }

test('a software statement gives a client no scope of the administration that the caller lacks', async () => {
  const software_statement = await statement({ scope: 'admin:owners.write admin:roles.write' })
  const made = await admin(op, asClients, 'POST', '/clients', {
    body: { client_name: 'x', client_id: 'vouched', metadata: { ...ofService, software_statement } },
  })
  expect([made.status, made.body.code]).toEqual([403, 'forbidden'])
  expect(await Client.find(op.context, 'vouched')).toBeUndefined()
})

test('nor does one that is added to a client', async () => {
  const software_statement = await statement({ scope: 'admin:owners.write' })
  const made = await admin(op, asClients, 'POST', '/clients', {
    body: { client_name: 'x', client_id: 'plain', metadata: ofService },
  })
  expect(made.status).toBe(201)
  const changed = await admin(op, asClients, 'PATCH', '/clients/plain', {
    body: { metadata: { software_statement } },
    headers: { 'if-match': made.headers.get('etag')! },
  })
  expect([changed.status, changed.body.code]).toEqual([403, 'forbidden'])
  expect((await Client.find(op.context, 'plain'))?.scope).toBe('')
})

test.each(['.', '..'])(
  'the client_id %s, which no path of the API can name, is refused',
  async (client_id) => {
    const made = await admin(op, asClients, 'POST', '/clients', {
      body: { client_name: 'x', client_id, metadata: ofService },
    })
    expect(made.status).toBe(400)
    expect(await Client.find(op.context, client_id)).toBeUndefined()
  },
)

test('a bulk call goes on with what its caller still holds, and no longer with what it had at its beginning', async () => {
  const boss = await administrator(op, 'owner', 'boss')
  const token = await tokenOf(op, administering, boss)
  const second = await account(op, 'second')
  await Administrators.set(op.context, second.sub, 'owner')
  const own = `/people/${boss.account.sub}/administration_role`
  const etag = (await admin(op, token, 'GET', own)).headers.get('etag')!
  const create = (username: string) => ({ method: 'POST', path: '/people', body: { username } })
  const { body } = await admin(op, token, 'POST', '/bulk', {
    body: {
      requests: [create('before'), { method: 'DELETE', path: own, if_match: etag }, create('after')],
    },
  })
  expect((body.results as { status: number }[]).map(({ status }) => status)).toEqual([201, 200, 403])
  expect(await User.findByUsername(op.context, 'after')).toBeUndefined()
})

test('a bulk call ends with the session that its token is bound to', async () => {
  const boss = await administrator(op, 'owner', 'signed_out')
  const token = await tokenOf(op, administering, boss)
  const { body } = await admin(op, token, 'POST', '/bulk', {
    body: {
      requests: [
        { method: 'DELETE', path: `/people/${boss.account.sub}/sessions` },
        { method: 'GET', path: '/people' },
      ],
    },
  })
  expect((body.results as { status: number }[]).map(({ status }) => status)).toEqual([200, 401])
})

test('HEAD of the stream of changes keeps no place of a stream', async () => {
  const { who } = await administrator(op, 'owner', 'head')
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const ask = (method: string) => op.fetch('/admin/live', { method, headers: { cookie } })
  for (let sent = 0; sent < 12; sent++) expect((await ask('HEAD')).status).toBe(200)
  await until(async () => {
    const stream = (await ask('GET')).body!.getReader()
    const { value } = await stream.read()
    await stream.cancel()
    return new TextDecoder().decode(value) === 'retry: 5000\n\n'
  }, 'a free place')
})
