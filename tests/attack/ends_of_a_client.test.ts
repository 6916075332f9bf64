/** An administrator ends what a client has, also when the client is disabled or its metadata document is gone. docs/administration.md */
import { afterAll, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import {
  account,
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../support/administration.ts'
import { authorizationUrl, formPost, type Json } from '../support/client.ts'
import { browser, operatorClient, tokensOf, userinfo } from '../support/flow.ts'
import { laboratory } from '../support/laboratory.ts'
import { person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const lab = laboratory()
afterAll(() => lab.close())

test('of a client that was disabled first', async () => {
  const op = await provider()
  const token = await tokenOf(op, await consoleClient(op), await administrator(op, 'owner'))
  const other = await operatorClient(op, { client_id: 'other-app' })
  const tokens = await tokensOf(op, browser(op), other, {}, await account(op, 'ann'))
  const set = async (disabled: boolean) => {
    await Client.update(op.context, 'other-app', (client) => ({ ...client, disabled }))
    op.context.clients.forget('other-app')
  }
  await set(true)
  for (const what of ['grants', 'sessions'])
    expect([what, (await admin(op, token, 'DELETE', `/clients/other-app/${what}`)).status]).toEqual([
      what,
      200,
    ])
  await set(false)
  expect((await userinfo(op, tokens.access_token)).status).toBe(401)
})

test('of a client whose document is not served any more, without a request for it', async () => {
  let [isUp, asked, id] = [true, 0, '']
  const server = await lab.https('localhost', (_, answer) => {
    asked++
    if (!isUp) return void answer.writeHead(404).end()
    const metadata = {
      client_id: id,
      client_name: 'Notes',
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid offline_access',
    }
    answer
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(metadata))
  })
  id = `https://localhost:${server.port}/client.json`
  const op = await provider({
    env: {
      PROFILE: 'mcp',
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
      OUTBOUND_TIMEOUT_MS: '30000',
      RATE_LIMITING_ENABLED: 'false',
    },
  })
  const token = await serviceToken(op, await serviceClient(op))
  const redirect_uri = 'https://app.example/cb'
  const { url, code_verifier } = authorizationUrl(
    op.issuer,
    { client_id: id, redirect_uri },
    { scope: 'openid' },
  )
  const code = (await person(op.issuer, op.fetch).goThrough(url)).searchParams.get('code')!
  const ask = (fields: Record<string, string>) =>
    op.fetch('/token', formPost({ client_id: id, redirect_uri: '' }, fields))
  const first = (await (
    await ask({ grant_type: 'authorization_code', code, code_verifier, redirect_uri })
  ).json()) as Json
  expect(first.refresh_token).toBeString()
  isUp = false
  op.context.clients.forget(id)
  asked = 0
  for (const what of ['sessions', 'grants'])
    expect([
      what,
      (await admin(op, token, 'DELETE', `/clients/${encodeURIComponent(id)}/${what}`)).status,
    ]).toEqual([what, 200])
  expect(asked).toBe(0)
  isUp = true
  expect(
    (await ask({ grant_type: 'refresh_token', refresh_token: String(first.refresh_token) })).status,
  ).toBe(400)
})
