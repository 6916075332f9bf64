/** A request for a level that the session has not reached asks for what is missing, and for nothing else. https://www.rfc-editor.org/rfc/rfc9470 https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html */
import { describe, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import {
  afterCodes,
  codeOf,
  freshCode,
  idTokenThroughApp,
  pageOf,
  pathOf,
  seedOn,
  stageWithApp,
  throughApp,
} from '../support/authenticator.ts'
import { authorizationUrl, claimsOf } from '../support/client.ts'
import {
  alice as aliceAccount,
  authorize,
  browser,
  demo,
  minute,
  open,
  operatorClient,
  outcome,
  post,
  redeem,
  stage,
  tokensOf,
} from '../support/flow.ts'

const two = 'urn:latchkey:2fa'
const essential = (...values: string[]) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
})
const wish = (...values: string[]) => ({ claims: JSON.stringify({ id_token: { acr: { values } } }) })
const errorOf = (location: URL) => location.searchParams.get('error')

/** Alice signed in with one factor half an hour ago, and set an app up then; the demo client has her consent. */
async function halfAnHourLater() {
  const staged = await stageWithApp()
  const before = claimsOf((await tokensOf(staged.op, staged.alice)).id_token)
  staged.op.clock.advance(30 * minute)
  return { ...staged, before }
}

describe('a session of one factor', () => {
  test('is raised by the second alone: same session, same auth_time, another cookie, and what was asked for is said', async () => {
    const { op, alice, seed, before } = await halfAnHourLater()
    const cookie = alice.cookies.get('latchkey_session')
    const page = pageOf(await open(op, alice, { acr_values: two }))
    expect(new URL(page.url).pathname).toBe('/second-factor/totp')
    const { claims, access_token } = await idTokenThroughApp(op, alice, seed, { acr_values: two })
    expect(claims).toMatchObject({
      acr: two,
      amr: ['pwd', 'otp', 'mfa'],
      sid: before.sid,
      auth_time: before.auth_time,
    })
    expect(claimsOf(access_token)).toMatchObject({ acr: two, auth_time: before.auth_time })
    expect(alice.cookies.get('latchkey_session')).not.toBe(cookie)
    // The older cookie is worth nothing, and the level stays.
    const thief = browser(op)
    thief.cookies.set('latchkey_session', cookie!)
    expect(await outcome(op, thief, { prompt: 'none' })).toBe('error:login_required')
    expect(await outcome(op, alice, { prompt: 'none', acr_values: two })).toBe('code')
  })

  test('and an essential level, or one the client registered, is asked for alike', async () => {
    for (const more of [essential(two), essential('urn:other', two)]) {
      const { op, alice, seed } = await halfAnHourLater()
      expect(await outcome(op, alice, more)).toBe('second-factor/totp')
      expect((await idTokenThroughApp(op, alice, seed, more)).claims.acr).toBe(two)
    }
    const { op, alice } = await halfAnHourLater()
    const byDefault = await operatorClient(op, { client_id: 'by-default', default_acr_values: [two] })
    expect(await outcome(op, alice, {}, byDefault)).toBe('second-factor/totp')
    const byDuty = await operatorClient(op, { client_id: 'by-duty', require_second_factor: true })
    expect(await outcome(op, alice, {}, byDuty)).toBe('second-factor/totp')
    expect(await outcome(op, alice)).toBe('code')
  })

  test('prompt=none says login_required instead of a page', async () => {
    const { op, alice } = await halfAnHourLater()
    for (const more of [{ acr_values: two }, essential(two)])
      expect(await outcome(op, alice, { ...more, prompt: 'none' })).toBe('error:login_required')
  })

  test('too old for max_age, or prompt=login: the password first, and then the second factor', async () => {
    const { op, alice, seed, before } = await halfAnHourLater()
    for (const more of [{ max_age: '60' }, { prompt: 'login' }]) {
      expect(await outcome(op, alice, { ...more, acr_values: two })).toBe('login')
      const { claims } = await idTokenThroughApp(op, alice, seed, { ...more, acr_values: two })
      expect(claims.acr).toBe(two)
      expect(Number(claims.auth_time)).toBeGreaterThan(Number(before.auth_time) + 1000)
      op.clock.advance(2 * minute)
    }
  })

  test('a level reached stays reached, also by a stronger one, and a weaker wish is answered in its words', async () => {
    const { op, alice, seed } = await halfAnHourLater()
    await throughApp(op, alice, seed, authorizationUrl(op.issuer, demo, { acr_values: two }).url)
    expect(claimsOf((await tokensOf(op, alice)).id_token).acr).toBe(two)
    const weaker = await tokensOf(op, alice, demo, { acr_values: 'gold urn:latchkey:1fa' })
    expect(claimsOf(weaker.id_token)).toMatchObject({ acr: 'urn:latchkey:1fa', amr: ['pwd', 'otp', 'mfa'] })
  })
})

describe('a person without a second factor', () => {
  test('is asked to set one up when the level is essential; who declines goes back to the client without it', async () => {
    const { op, alice } = await stage()
    const refused = await alice.press(pageOf(await open(op, alice, essential(two))), 'decline')
    expect(errorOf(refused.location!)).toBe('unmet_authentication_requirements')
    const page = pageOf(await open(op, alice, essential(two)))
    expect(new URL(page.url).pathname).toBe('/second-factor/set-up')
    const set = pageOf(await alice.open(`/second-factor/totp/set-up${new URL(page.url).search}`))
    const codes = pageOf(await alice.press(set, 'verify', { code: codeOf(op, seedOn(set)) }))
    const done = await alice.open(afterCodes(codes))
    expect(done.location?.searchParams.get('code')).toBeString()
  })

  test('types the password again before setting one up, when the session is older than ten minutes', async () => {
    const { op, alice } = await stage()
    op.clock.advance(11 * minute)
    const login = pageOf(await open(op, alice, essential(two)))
    expect(new URL(login.url).pathname).toBe('/login')
    const { search } = new URL(login.url)
    for (const path of ['set-up', 'totp/set-up', 'totp/set-up/qr'])
      expect(pathOf(await alice.open(`/second-factor/${path}${search}`))).toBe('/login')
    expect(pathOf(await alice.press(login, 'login', aliceAccount))).toBe('/second-factor/set-up')
    op.clock.advance(11 * minute)
    const wished = pageOf(await open(op, alice, wish(two)))
    expect(new URL(wished.url).pathname).toBe('/second-factor/set-up')
    const chosen = await alice.open(`/second-factor/totp/set-up${new URL(wished.url).search}`)
    expect(pathOf(chosen)).toBe('/login')
    expect((await alice.press(wished, 'decline')).location?.searchParams.get('code')).toBeString()
  })

  test('may decline a wish, and the answer says what is true', async () => {
    const { op, alice } = await stage()
    const { url } = authorizationUrl(op.issuer, demo, wish(two))
    const page = pageOf(await alice.open(url))
    expect(new URL(page.url).pathname).toBe('/second-factor/set-up')
    const answered = await alice.press(page, 'decline')
    expect(answered.location?.searchParams.get('code')).toBeString()
    // Where no page may be shown, the offer is not made.
    expect(await outcome(op, alice, { ...wish(two), prompt: 'none' })).toBe('code')
    expect(await outcome(op, alice, { ...essential(two), prompt: 'none' })).toBe('error:login_required')
  })

  test('cannot decline on the form of another request', async () => {
    const { op, alice } = await stage()
    const client = await operatorClient(op, { client_id: 'strict', require_second_factor: true })
    const wished = pageOf(await open(op, alice, { acr_values: two }))
    const demanded = pageOf(await open(op, alice, {}, client))
    expect(demanded.forms.flatMap(({ buttons }) => buttons)).not.toContain('decline')
    const form = wished.forms.find(({ buttons }) => buttons.includes('decline'))!
    const { interaction } = Object.fromEntries(new URL(demanded.url).searchParams)
    const swapped = { ...form, fields: { ...form.fields, interaction: interaction! } }
    const answer = await alice.press({ ...wished, forms: [swapped] }, 'decline')
    expect(pageOf(answer).status).toBe(403)
  })
})

describe('a level out of reach', () => {
  test('essential: unmet_authentication_requirements, before consent is asked, with and without a page', async () => {
    const { op, alice } = await stage({ env: { SECOND_FACTORS: 'totp' } })
    for (const more of [essential('phr'), essential('gold'), { ...essential('phr'), prompt: 'none' }])
      expect(await outcome(op, alice, more)).toBe('error:unmet_authentication_requirements')
    const fresh = await operatorClient(op, { client_id: 'fresh' })
    expect(await outcome(op, alice, essential('gold'), fresh)).toBe('error:unmet_authentication_requirements')
  })

  test('wished for: served as far as it goes', async () => {
    const { op, alice } = await stage({ env: { SECOND_FACTORS: 'totp' } })
    const { id_token } = await tokensOf(op, alice, demo, wish('phr', 'gold'))
    expect(claimsOf(id_token)).toMatchObject({ acr: 'urn:latchkey:1fa', amr: ['pwd'] })
  })

  test('for a stranger: signs in first, and is refused afterwards', async () => {
    const { op } = await stage({ env: { SECOND_FACTORS: 'totp' } })
    const who = browser(op)
    expect(await outcome(op, who, essential('phr'))).toBe('login')
    const location = await who.goThrough(authorizationUrl(op.issuer, demo, essential('phr')).url)
    expect(errorOf(location)).toBe('unmet_authentication_requirements')
  })
})

test('signing out in the middle of raising a session ends that, too: the second factor alone opens nothing', async () => {
  const { op, alice, seed } = await halfAnHourLater()
  const page = pageOf(await open(op, alice, { acr_values: two }))
  const cookies = new Map(alice.cookies)
  const out = pageOf(await alice.open('/logout'))
  await alice.press(out, out.forms[0]!.buttons[0]!)
  alice.cookies.set('latchkey_browser', cookies.get('latchkey_browser')!)
  for (const session of [undefined, cookies.get('latchkey_session')!]) {
    if (session !== undefined) alice.cookies.set('latchkey_session', session)
    expect(pathOf(await alice.press(page, 'verify', { code: freshCode(op, seed) }))).toBe('/login')
  }
})

describe('a client that registered for a second factor', () => {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'

  test('has it before a device of its is connected, too', async () => {
    const { op, alice, seed } = await halfAnHourLater()
    const tv = await operatorClient(op, {
      client_id: 'tv',
      grant_types: [grant_type],
      response_types: [],
      redirect_uris: [],
      scope: 'openid',
      token_endpoint_auth_method: 'none',
      require_second_factor: true,
    })
    const { body } = await post(op, '/device_authorization', tv, { scope: 'openid' })
    const user_code = String(body.user_code)
    const typed = await alice.press(pageOf(await alice.open('/device')), 'continue', { user_code })
    expect(pathOf(typed)).toBe('/second-factor/totp')
    const back = pageOf(await alice.press(pageOf(typed), 'verify', { code: freshCode(op, seed) }))
    expect([new URL(back.url).pathname, back.forms[0]!.fields.user_code]).toEqual(['/device', user_code])
    await alice.press(pageOf(await alice.press(back, 'continue')), 'allow')
    const tokens = await post(op, '/token', tv, { grant_type, device_code: String(body.device_code) })
    expect(claimsOf(tokens.body.id_token)).toMatchObject({ acr: two, amr: ['pwd', 'otp', 'mfa'] })
  })

  test('gets nothing for a grant from before it did', async () => {
    const { op, alice } = await stage()
    const client = await operatorClient(op, { client_id: 'stricter' })
    const authorized = await authorize(op, alice, client)
    await Client.update(op.context, 'stricter', (current) => ({ ...current, require_second_factor: true }))
    op.clock.advance(2000) // a client is believed for a second
    const { status, body } = await redeem(op, client, authorized)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })
})
