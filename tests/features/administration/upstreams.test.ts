/** The test of an upstream provider reaches what the settings name, and nothing else. docs/administration.md */
import { afterAll, expect, test } from 'bun:test'
import { admin, administrator, consoleClient, tokenOf } from '../../support/administration.ts'
import { provider } from '../../support/provider.ts'
import { server } from '../../support/upstream.ts'

const upstream = server()
/** In this network, and not in OUTBOUND_ALLOW_HOSTS. */
const inside = server({ '/token': () => ({ secret: 'of the network' }) })
afterAll(() => {
  upstream.stop()
  inside.stop()
})

const document = (more: Record<string, unknown> = {}) => ({
  issuer: upstream.origin,
  authorization_endpoint: `${upstream.origin}/authorize`,
  token_endpoint: `${upstream.origin}/token`,
  jwks_uri: `${upstream.origin}/jwks`,
  ...more,
})

async function opened() {
  const op = await provider({
    env: {
      UPSTREAM_OIDC_ISSUER: upstream.origin,
      UPSTREAM_OIDC_CLIENT_ID: 'latchkey',
      UPSTREAM_OIDC_CLIENT_SECRET: 'the-secret-of-the-client',
      OUTBOUND_ALLOW_HOSTS: upstream.hostPort,
    },
  })
  const client = await consoleClient(op)
  const operator = await tokenOf(op, client, await administrator(op, 'operator'))
  const auditor = await tokenOf(op, client, await administrator(op, 'auditor'))
  return {
    op,
    test: (id = 'oidc', token = operator) =>
      admin(op, token, 'POST', `/upstreams/${encodeURIComponent(id)}/test`),
    list: async () =>
      ((await admin(op, auditor, 'GET', '/upstreams')).body as { items: Record<string, unknown>[] }).items,
    auditor,
  }
}

test('a provider that answers is reachable, and the list then says so', async () => {
  upstream.routes['/.well-known/openid-configuration'] = () => document()
  const { list, test: tried } = await opened()
  expect(await list()).toEqual([
    {
      id: 'oidc',
      label: expect.any(String),
      kind: 'oidc',
      trusted: false,
      status: 'not_asked_yet',
      problem: null,
      at: null,
    },
  ])
  const { status, body } = await tried()
  expect([status, body.status, body.problem]).toEqual([200, 'ok', null])
  expect(await list()).toMatchObject([{ status: 'ok', at: body.at }])
  expect(JSON.stringify(await list())).not.toContain('the-secret-of-the-client')
})

test('metadata that name another host of this network lead nowhere', async () => {
  upstream.routes['/.well-known/openid-configuration'] = () =>
    document({
      token_endpoint: `${inside.origin}/token`,
      jwks_uri: 'http://169.254.169.254/latest/meta-data',
    })
  const { list, test: tried } = await opened()
  const { status, body } = await tried()
  expect([status, body.status]).toEqual([200, 'failed'])
  expect(String(body.problem)).not.toContain('of the network')
  expect(inside.asked).toEqual([])
  expect(await list()).toMatchObject([{ status: 'failed', problem: body.problem }])
})

test('no URL is chosen by the caller, and an auditor tests nothing', async () => {
  const { test: tried, auditor } = await opened()
  for (const id of [`${inside.origin}/token`, 'constructor', '..', 'github'])
    expect([id, (await tried(id)).status]).toEqual([id, 404])
  expect((await tried('oidc', auditor)).status).toBe(403)
  expect(inside.asked).toEqual([])
})

test('tests of one provider are few in a minute, whoever asks', async () => {
  upstream.routes['/.well-known/openid-configuration'] = () => document()
  const { op, test: tried } = await opened()
  for (let n = 0; n < 10; n++) expect((await tried()).status).toBe(200)
  const refused = await tried()
  expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests'])
  op.clock.advance(61_000)
  expect((await tried()).status).toBe(200)
})
