/**
 * Backchannel authentication (CIBA) keeps what the authorization endpoint promises: the level of `acr_values`, the audience on
 * the page, `offline_access` only with a refresh token. Issue 8, lines 8, 75 and 76
 */
import { describe, expect, test } from 'bun:test'
import { freshCode, pageOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { approvals, begin, poll, settle, start } from '../support/backchannel.ts'
import { claimsOf } from '../support/client.ts'
import { browser, introspect } from '../support/flow.ts'

const two = 'urn:latchkey:2fa'
const unmet = 'unmet_authentication_requirements'

describe('acr_values', () => {
  test.each(['gold', 'phr', 'phr gold'])('%s, which no sign-in reaches, is refused', async (acr_values) => {
    const op = await start({ env: { SECOND_FACTORS: 'totp', PASSKEYS: 'false' } })
    const { status, body } = await begin(op, { acr_values })
    expect([status, body.error]).toEqual([400, unmet])
    expect(pageOf({ page: await approvals(browser(op)) }).html).toContain('No requests are waiting')
  })

  test('UNKNOWN_ACR_VALUES=ignore lets values pass that are all unknown, and no others', async () => {
    const op = await start({
      env: { UNKNOWN_ACR_VALUES: 'ignore', SECOND_FACTORS: 'totp', PASSKEYS: 'false' },
    })
    const { body } = await begin(op, { acr_values: 'gold silver' })
    await settle(op)
    const tokens = await poll(op, body.auth_req_id)
    expect(claimsOf(tokens.body.id_token).acr).toBe('urn:latchkey:1fa')
    expect((await begin(op, { acr_values: 'gold phr' })).body.error).toBe(unmet)
  })

  test('an approval asks for the second factor, and the ID Token says the level', async () => {
    const op = await start({ env: { SECOND_FACTORS: 'totp' } })
    const { body } = await begin(op, { acr_values: `gold ${two}` })
    const alice = browser(op)
    await withPassword(alice)
    const other = browser(op) // the set-up proves the second factor in the session that makes it
    await withPassword(other)
    const seed = await setUpApp(op, other)
    const page = await approvals(alice)
    const asked = pageOf(await alice.press(page, 'allow'))
    expect(new URL(asked.url).pathname).toBe('/second-factor/totp')
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
    const back = pageOf(await alice.press(asked, 'verify', { code: freshCode(op, seed) }))
    expect(new URL(back.url).pathname).toBe('/approvals')
    await alice.press(back, 'allow')
    const tokens = await poll(op, body.auth_req_id)
    expect(claimsOf(tokens.body.id_token)).toMatchObject({ acr: two, amr: ['pwd', 'otp', 'mfa'] })
  })

  test('without a second factor the End-User is led to set one up, and may deny', async () => {
    const op = await start({ env: { SECOND_FACTORS: 'totp' } })
    const { body } = await begin(op, { acr_values: two })
    const alice = browser(op)
    const page = await approvals(alice)
    expect(pageOf(await alice.press(page, 'allow')).url).toContain('/second-factor/set-up')
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
    await alice.press(await approvals(alice), 'deny')
    op.clock.advance(20_000)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('access_denied')
  })

  test('a level that no page leads to is not approved', async () => {
    const op = await start({ env: { SECOND_FACTORS: 'totp' } }) // phr is reached by signing in with a passkey alone
    const { status, body } = await begin(op, { acr_values: 'phr' })
    expect(status).toBe(200)
    const alice = browser(op)
    const refused = pageOf(await alice.press(await approvals(alice), 'allow'))
    expect(refused.status).toBe(400)
    expect((await poll(op, body.auth_req_id)).body.error).toBe('authorization_pending')
  })
})

const api = 'https://api.example/'

test('the audience stands on the page, and is that of the token', async () => {
  const op = await start({ env: { RESOURCES: api } })
  const { body } = await begin(op, { resource: api })
  const alice = browser(op)
  const page = await approvals(alice)
  expect(page.html).toContain('api.example')
  await alice.press(page, 'allow')
  const tokens = await poll(op, body.auth_req_id)
  expect(
    (await introspect(op, String(tokens.body.access_token))).aud ?? claimsOf(tokens.body.access_token).aud,
  ).toBe(api)
  expect((await begin(op, { resource: 'https://other.example/' })).body.error).toBe('invalid_target')
})

describe('offline_access', () => {
  const scope = 'openid offline_access'
  test('is granted with a refresh token', async () => {
    const op = await start({}, { scope })
    const { body } = await begin(op, { scope })
    const alice = browser(op)
    const page = await approvals(alice)
    await alice.press(page, 'allow')
    const tokens = await poll(op, body.auth_req_id)
    expect(tokens.body).toMatchObject({ scope, refresh_token: expect.any(String) })
  })
  test('is ignored for a client without the refresh grant', async () => {
    const op = await start({}, { scope, grant_types: ['urn:openid:params:grant-type:ciba'] })
    const { body } = await begin(op, { scope })
    await settle(op)
    const tokens = await poll(op, body.auth_req_id)
    expect([tokens.body.scope, tokens.body.refresh_token]).toEqual(['openid', undefined])
  })
})
