/** Userinfo: where a token may be, and the words of each refusal. https://www.rfc-editor.org/rfc/rfc6750 */
import { expect, test } from 'bun:test'
import { claimsOf } from '../support/client.ts'
import { bearer, demo, read, refresh, stage, tokensOf, userinfo } from '../support/flow.ts'

const { op, alice } = await stage()
const { access_token, id_token, refresh_token } = await tokensOf(op, alice)
const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const ask = async (init: RequestInit) => read(await op.fetch('/userinfo', init))

test('GET and POST with the header, POST with the body', async () => {
  const ways: RequestInit[] = [
    bearer(access_token),
    { method: 'POST', ...bearer(access_token) },
    { method: 'POST', headers: { authorization: `bearer ${access_token}` } },
    { method: 'POST', headers: { ...formType, authorization: `Bearer ${access_token}` }, body: '' },
    { method: 'POST', headers: formType, body: `access_token=${access_token}` },
  ]
  for (const way of ways) {
    const { status, body, headers } = await ask(way)
    expect(status).toBe(200)
    expect(body.sub).toBe('user-alice')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-type')).toBe('application/json')
  }
})

test('no token: 401 with the scheme and no error', async () => {
  for (const init of [{}, { method: 'POST' }, { headers: { authorization: 'Basic eDp5' } }]) {
    const { status, headers } = await ask(init)
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toStartWith(`Bearer realm="${op.issuer}"`)
    if (!('headers' in init)) expect(headers.get('www-authenticate')).not.toContain('error')
  }
})

test('a token in the query is not seen', async () => {
  expect((await read(await op.fetch(`/userinfo?access_token=${access_token}`))).status).toBe(401)
})

test('a token in two places, or twice: refused', async () => {
  const both = { ...formType, authorization: `Bearer ${access_token}` }
  const { status, body } = await ask({ method: 'POST', headers: both, body: `access_token=${access_token}` })
  expect([status, body.error]).toEqual([400, 'invalid_request'])
  const twice = `access_token=${access_token}&access_token=${access_token}`
  expect((await ask({ method: 'POST', headers: formType, body: twice })).status).toBe(400)
  const headers = new Headers(bearer(access_token).headers)
  headers.append('authorization', `Bearer ${access_token}`)
  expect((await ask({ headers })).status).toBe(401)
})

test('a token that is not good: 401 with invalid_token in header and body', async () => {
  const [head, payload, signature] = access_token.split('.') as [string, string, string]
  const other = Buffer.from(JSON.stringify({ ...claimsOf(access_token), sub: 'user-bob' })).toString(
    'base64url',
  )
  for (const token of [
    'x',
    id_token,
    refresh_token,
    `${head}.${other}.${signature}`,
    `${head}.${payload}.`,
    'lka_a',
  ]) {
    const { status, body, headers } = await userinfo(op, token)
    expect([status, body.error]).toEqual([401, 'invalid_token'])
    const challenge = headers.get('www-authenticate')!
    expect(challenge).toStartWith(`Bearer realm="${op.issuer}", error="invalid_token", error_description="`)
    expect(challenge).not.toContain(token === 'x' ? '\n' : token)
  }
})

test('a token without openid: 403 insufficient_scope', async () => {
  const { body } = await refresh(op, demo, refresh_token, { scope: 'email' })
  const { status, headers } = await userinfo(op, String(body.access_token))
  expect(status).toBe(403)
  expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"')
})

test('a person who is gone or disabled has no userinfo', async () => {
  const { User } = await import('../../src/models/user.ts')
  await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
  expect((await userinfo(op, access_token)).status).toBe(401)
  await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: false }))
  expect((await userinfo(op, access_token)).status).toBe(200)
})
