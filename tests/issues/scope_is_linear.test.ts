/** A form with 20,000 scope values blocked the process for over a second: scopes are bounded, and reading them takes time in proportion to their length. */
import { expect, test } from 'bun:test'
import { parseScope, requireWithin, scopeValues } from '../../src/auth/scope.ts'
import { addClient, bank } from '../support/backchannel.ts'
import { authorizationUrl, demo, formPost, type TestClient } from '../support/client.ts'
import { operatorClient } from '../support/flow.ts'
import { expectLinear } from '../support/linear.ts'
import { provider, type Provider } from '../support/provider.ts'

const words = (count: number) => Array.from({ length: count }, (_, i) => i.toString(36)).join(' ')
const flood = words(16_000) // 62 kB
const tv: TestClient = { client_id: 'tv', redirect_uri: '' }

async function start(): Promise<Provider> {
  const op = await provider()
  await addClient(op)
  await operatorClient(op, {
    client_id: 'tv',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
    token_endpoint_auth_method: 'none',
  })
  return op
}

const authorization = (op: Provider, scope: string) =>
  Object.fromEntries(new URL(authorizationUrl(op.issuer, demo, { scope }).url).searchParams)

test.each<[string, (op: Provider, scope: string) => Promise<Response>]>([
  ['/par', (op, scope) => op.fetch('/par', formPost(demo, authorization(op, scope)))],
  ['/token', (op, scope) => op.fetch('/token', formPost(demo, { grant_type: 'client_credentials', scope }))],
  ['/device_authorization', (op, scope) => op.fetch('/device_authorization', formPost(tv, { scope }))],
  ['/bc-authorize', (op, scope) => op.fetch('/bc-authorize', formPost(bank, { login_hint: 'alice', scope }))],
])('%s refuses a form full of scopes and names the bound', async (_, send) => {
  const op = await start()
  for (const [scope, bound] of [
    [flood, 'at most 100 scope values'],
    [words(101), 'at most 100 scope values'],
    [`openid ${'x'.repeat(257)}`, 'scope values of at most 256 characters'],
  ] as const) {
    const answer = await send(op, scope)
    const body = (await answer.json()) as { error: string; error_description: string }
    expect([answer.status, body.error]).toEqual([400, 'invalid_scope'])
    expect(body.error_description).toContain(bound)
  }
})

test('/authorize as well, in the answer to the client', async () => {
  const op = await start()
  const { url } = authorizationUrl(op.issuer, demo, { scope: flood })
  const to = new URL((await op.fetch(url)).headers.get('location')!)
  expect(to.searchParams.get('error')).toBe('invalid_scope')
  expect(to.searchParams.get('error_description')).toContain('at most 100 scope values')
})

test('as many as are allowed, in any order, with repetitions that do not count', () => {
  const scopes = words(100)
  expect(parseScope(`${scopes} ${scopes}`)).toEqual(scopes.split(' '))
  expect(parseScope('x'.repeat(256))).toHaveLength(1)
})

test('what was stored before there was a bound is read in full', () => {
  expect(scopeValues(flood)).toHaveLength(16_000)
})

test.each<[string, (text: string) => unknown]>([
  ['reading', scopeValues],
  ['checking', parseScope],
  ['comparing', (text) => requireWithin(scopeValues(text), scopeValues(text), 'the same')],
])('%s takes time in proportion to the length', (_, work) => expectLinear(words, work, 2_000))
