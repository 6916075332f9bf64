/** Issue 8, line 30: a parameter that nothing reads is ignored. https://www.rfc-editor.org/rfc/rfc6749#section-3.1 */
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, demo, formPost, type Json } from '../support/client.ts'
import { browser, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider({ env: { RATE_LIMITING_ENABLED: 'false' } })
const odd = ['extra=1&extra=2', 'extra=%FF', '%FF=1', 'extra=%', '%E4=%FC&%E4=%FC', 'state2=a&state2=b']
const read = [
  'state=%FF',
  'scope=openid&scope=openid',
  'nonce=1&nonce=2',
  'prompt=none&prompt=login',
  'resource=%FF',
]

const authorize = (more: string) =>
  browser(op).open(
    `${authorizationUrl(op.issuer, demo, { scope: undefined, state: undefined, nonce: undefined }).url}&${more}`,
  )
const token = (fields: Record<string, string>, more: string) => {
  const init = formPost(demo, fields)
  return op.fetch('/token', { ...init, body: `${String(init.body)}&${more}` })
}

describe('at the authorization endpoint', () => {
  test.each(odd)('%s is ignored', async (more) => {
    const { page } = await authorize(`scope=openid&${more}`)
    expect([page?.status, new URL(page!.url).pathname]).toEqual([200, '/login'])
  })

  test.each(read)('%s is refused', async (more) => {
    const { page, location } = await authorize(more)
    expect(page?.status === 400 || location?.searchParams.get('error') === 'invalid_request').toBe(true)
  })

  test.each([
    'client_id',
    'redirect_uri',
    'response_type',
    'request',
    'request_uri',
    'code_challenge',
    'dpop_jkt',
    'claims',
    'login_hint',
    'id_token_hint',
    'max_age',
    'acr_values',
    'ui_locales',
    'authorization_details',
  ])('%s twice is refused', async (name) => {
    const { page, location } = await authorize(`scope=openid&${name}=a&${name}=a`)
    expect(page?.status === 400 || location?.searchParams.get('error') === 'invalid_request').toBe(true)
  })
})

describe('at the token endpoint, introspection, revocation and userinfo', () => {
  test.each(odd)('%s is ignored', async (more) => {
    const { access_token } = (await (await token({ grant_type: 'client_credentials' }, more)).json()) as Json
    expect(access_token).toBeString()
    for (const path of ['/introspect', '/revoke', '/par']) {
      const init = formPost(demo, {
        token: String(access_token),
        response_type: 'code',
        redirect_uri: demo.redirect_uri,
        scope: 'openid',
      })
      const answer = await op.fetch(path, {
        ...init,
        body: `${String(init.body)}&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256&${more}`,
      })
      expect([path, answer.status]).toEqual([path, path === '/par' ? 201 : 200])
    }
    const own = await tokensOf(op, browser(op))
    const said = await op.fetch('/userinfo', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `access_token=${own.access_token}&${more}`,
    })
    expect(said.status).toBe(200)
  })

  test.each([
    'grant_type',
    'client_id',
    'client_secret',
    'client_assertion',
    'code',
    'code_verifier',
    'refresh_token',
    'scope',
    'subject_token',
    'device_code',
    'token',
    'access_token',
  ])('%s twice is refused, whatever the grant type', async (name) => {
    const answer = await token({ grant_type: 'client_credentials' }, `${name}=a&${name}=a`)
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as Json).error).toBe('invalid_request')
  })
})

test('a form of a page is read as strictly as before', async () => {
  const { page } = await browser(op).open(authorizationUrl(op.issuer, demo).url)
  const answer = await op.fetch(new URL(page!.url).pathname, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'username=a&username=b',
  })
  expect(answer.status).toBe(400)
})
