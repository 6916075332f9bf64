/** Issue 8, line 77: claims that are absent rather than empty, and types of exchanged tokens. https://www.rfc-editor.org/rfc/rfc9068#section-2.2.1 */
import { describe, expect, test } from 'bun:test'
import { Grant } from '../../src/models/grant.ts'
import { claimsOf, type Json } from '../support/client.ts'
import { browser, introspect, operatorClient, post, tokensOf, userinfo } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const access = 'urn:ietf:params:oauth:token-type:access_token'
const jwt = 'urn:ietf:params:oauth:token-type:jwt'

const service = (op: Provider, more: Json = {}) =>
  operatorClient(op, {
    client_id: 'service',
    scope: '',
    grant_types: ['client_credentials', exchangeType],
    resource_server: true,
    ...more,
  })

for (const format of ['jwt', 'opaque'])
  describe(`${format} access tokens`, () => {
    test('without scope have no empty one, and are valid', async () => {
      const op = await provider({ env: { ACCESS_TOKEN_FORMAT: format } })
      const client = await service(op)
      const { body } = await post(op, '/token', client, { grant_type: 'client_credentials' })
      expect(body).not.toHaveProperty('scope')
      if (format === 'jwt') expect(claimsOf(body.access_token)).not.toHaveProperty('scope')
      const token = String(body.access_token)
      const about = await introspect(op, token, client)
      expect(about.active).toBe(true)
      expect(about).not.toHaveProperty('scope')
      expect((await userinfo(op, token)).status).toBe(403)
      const { status } = await post(op, '/token', client, {
        grant_type: exchangeType,
        subject_token: token,
        subject_token_type: access,
      })
      expect(status).toBe(200)
    })

    test('of a sign-in at an unknown time have no auth_time', async () => {
      const op = await provider({ env: { ACCESS_TOKEN_FORMAT: format } })
      const client = await service(op)
      const { access_token } = await tokensOf(op, browser(op))
      const [grant] = await Grant.listOfUser(op.context, 'user-alice')
      await Grant.update(op.context, grant!.grant_id, (current) => ({
        ...current,
        authentication: { ...current.authentication, auth_time: 0 },
      }))
      if (format === 'opaque') expect(await introspect(op, access_token)).not.toHaveProperty('auth_time')
      const { body } = await post(op, '/token', client, {
        grant_type: exchangeType,
        subject_token: access_token,
        subject_token_type: access,
      })
      if (format === 'jwt') expect(claimsOf(body.access_token)).not.toHaveProperty('auth_time')
      else expect(await introspect(op, String(body.access_token), client)).not.toHaveProperty('auth_time')
    })
  })

describe('token exchange (RFC 8693 §2.1)', () => {
  const exchange = async (op: Provider, more: Record<string, string>) => {
    const { access_token } = await tokensOf(op, browser(op))
    const client = await service(op)
    return post(op, '/token', client, {
      grant_type: exchangeType,
      subject_token: access_token,
      subject_token_type: access,
      ...more,
    })
  }

  test('a JWT is answered with a JWT that says so', async () => {
    const op = await provider({ env: { ACCESS_TOKEN_FORMAT: 'jwt' } })
    const { body } = await exchange(op, { requested_token_type: jwt, subject_token_type: jwt })
    expect(body.issued_token_type).toBe(jwt)
    expect(claimsOf(body.access_token).sub).toBe('user-alice')
    expect((await userinfo(op, String(body.access_token))).status).toBe(200)
  })

  test('a JWT is refused where access tokens are opaque', async () => {
    const op = await provider({ env: { ACCESS_TOKEN_FORMAT: 'opaque' } })
    expect((await exchange(op, { requested_token_type: jwt })).body.error).toBe('invalid_request')
  })

  test('an opaque token is no JWT', async () => {
    const op = await provider({ env: { ACCESS_TOKEN_FORMAT: 'opaque' } })
    expect((await exchange(op, { subject_token_type: jwt })).body.error).toBe('invalid_request')
  })

  test.each([access, undefined])('an access token is an access token: %s', async (type) => {
    const op = await provider()
    const { body } = await exchange(op, type === undefined ? {} : { requested_token_type: type })
    expect(body.issued_token_type).toBe(access)
  })
})

test('an unknown device_code is invalid_grant, an expired one expired_token (RFC 8628 §3.5)', async () => {
  const op = await provider({ env: { DEVICE_CODE_TTL: '60' } })
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const tv = await operatorClient(op, { client_id: 'tv', grant_types: [grant_type] })
  const poll = async (device_code: string, client = tv) =>
    (await post(op, '/token', client, { grant_type, device_code })).body.error
  const { body } = await post(op, '/device_authorization', tv, { scope: 'openid' })
  const code = String(body.device_code)
  for (const unknown of ['x', `${code}x`, code.slice(1)]) expect(await poll(unknown)).toBe('invalid_grant')
  op.clock.advance(61_000)
  expect(await poll(code)).toBe('expired_token')
  const other = await operatorClient(op, { client_id: 'other', grant_types: [grant_type] })
  expect(await poll(code, other)).toBe('invalid_grant')
  const confirm = await browser(op).open(`${op.issuer}/device?user_code=${String(body.user_code)}`)
  expect(confirm.page?.html).not.toContain('value="allow"') // the code of the End-User has expired too
})
