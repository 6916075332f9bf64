/** What a client may ask of the sign-in: prompt, max_age, login_hint, id_token_hint, acr. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, claimsOf } from '../support/client.ts'
import {
  alice as aliceAccount,
  bob,
  browser,
  demo,
  minute,
  open,
  operatorClient,
  outcome,
  redeem,
  stage,
  tokensOf,
} from '../support/flow.ts'
import type { Landing } from '../support/person.ts'

const { op, alice } = await stage()
const stranger = () => browser(op)

const errorOf = (landing: Landing) => landing.location?.searchParams.get('error')

describe('prompt=none', () => {
  test('answers at once when all is settled, and never shows a page', async () => {
    expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
  })

  test('login_required of a stranger', async () => {
    expect(await outcome(op, stranger(), { prompt: 'none' })).toBe('error:login_required')
  })

  test('consent_required where consent is missing', async () => {
    const fresh = await operatorClient(op, { client_id: 'fresh' })
    expect(await outcome(op, alice, { prompt: 'none' }, fresh)).toBe('error:consent_required')
  })

  test('login_required once max_age has passed', async () => {
    const { op: late, alice: who } = await stage()
    late.clock.advance(2 * minute)
    expect(await outcome(late, who, { prompt: 'none', max_age: '60' })).toBe('error:login_required')
    expect(await outcome(late, who, { prompt: 'none', max_age: '180' })).toBe('code')
  })

  test('in company is a contradiction', async () => {
    for (const other of ['login', 'consent', 'select_account'])
      expect(await outcome(op, alice, { prompt: `none ${other}` })).toBe('error:invalid_request')
  })
})

describe('prompt=login', () => {
  test('asks although somebody is signed in, and the new time is in the token', async () => {
    const { op: late, alice: who } = await stage()
    const before = claimsOf((await tokensOf(late, who)).id_token)
    late.clock.advance(5 * minute)
    expect(await outcome(late, who, { prompt: 'login' })).toBe('login')
    const after = claimsOf((await tokensOf(late, who, demo, { prompt: 'login' })).id_token)
    expect(Number(after.auth_time)).toBe(Number(before.auth_time) + 300)
    expect(after.sid).toBe(before.sid)
  })

  test('cannot be skipped by opening the way back', async () => {
    op.clock.advance(1) // a sign-in in the very millisecond of the request would count as its answer
    const { page } = await open(op, alice, { prompt: 'login' })
    const handle = new URL(page!.url).searchParams.get('interaction')
    const again = await alice.open(`/authorize/resume?interaction=${handle}`)
    expect(new URL(again.page!.url).pathname).toBe('/login')
  })

  test('may end as another person: the token says who', async () => {
    const who = stranger()
    await tokensOf(op, who)
    const tokens = await tokensOf(op, who, demo, { prompt: 'login' }, bob)
    expect(claimsOf(tokens.id_token).sub).toBe('user-bob')
  })
})

describe('prompt=consent', () => {
  test('asks again although all was agreed', async () => {
    expect(await outcome(op, alice, { prompt: 'consent' })).toBe('consent')
    await tokensOf(op, alice, demo, { prompt: 'consent' })
    expect(await outcome(op, alice)).toBe('code')
  })

  test('with login: first the one, then the other', async () => {
    const { page } = await open(op, alice, { prompt: 'consent login' })
    expect(new URL(page!.url).pathname).toBe('/login')
    const next = await alice.press(page!, 'login', aliceAccount)
    expect(new URL(next.page!.url).pathname).toBe('/consent')
    const { location } = await alice.press(next.page!, 'allow')
    expect(location!.searchParams.has('code')).toBe(true)
  })
})

describe('prompt=select_account', () => {
  test('shows who is signed in; going on as them', async () => {
    const { page } = await open(op, alice, { prompt: 'select_account' })
    expect(new URL(page!.url).pathname).toBe('/select_account')
    expect(page!.html).toContain('alice')
    const { location } = await alice.press(page!, 'continue')
    expect(location!.searchParams.has('code')).toBe(true)
  })

  test('or as somebody else, who signs in', async () => {
    const who = stranger()
    await tokensOf(op, who)
    const { url, code_verifier } = authorizationUrl(op.issuer, demo, {
      prompt: 'select_account',
      scope: 'openid',
    })
    const choosing = await who.open(url)
    const login = await who.press(choosing.page!, 'other')
    expect(new URL(login.page!.url).pathname).toBe('/login')
    const consent = await who.press(login.page!, 'login', bob)
    const { location } = consent.location ? consent : await who.press(consent.page!, 'allow')
    const { body } = await redeem(op, demo, { code: location!.searchParams.get('code')!, code_verifier })
    expect(claimsOf(body.id_token).sub).toBe('user-bob')
  })

  test('of a stranger is a sign-in, once', async () => {
    const who = stranger()
    const { page } = await open(op, who, { prompt: 'select_account', scope: 'openid' })
    expect(new URL(page!.url).pathname).toBe('/login')
    const { location } = await who.press(page!, 'login', aliceAccount)
    expect(location!.searchParams.has('code')).toBe(true)
  })

  test('all three together come one after the other', async () => {
    const { page } = await open(op, alice, { prompt: 'consent select_account login' })
    const next = await alice.press(page!, 'login', aliceAccount)
    expect(new URL(next.page!.url).pathname).toBe('/consent')
  })
})

describe('max_age', () => {
  test('0 asks always', async () => {
    expect(await outcome(op, alice, { max_age: '0' })).toBe('login')
    const tokens = await tokensOf(op, alice, demo, { max_age: '0' })
    expect(claimsOf(tokens.id_token).auth_time).toBeNumber()
  })

  test('asks once that many seconds have passed', async () => {
    const { op: late, alice: who } = await stage()
    late.clock.advance(59_000)
    expect(await outcome(late, who, { max_age: '60' })).toBe('code')
    late.clock.advance(2_000)
    expect(await outcome(late, who, { max_age: '60' })).toBe('login')
  })

  test('as the client registered it, unless the request says another', async () => {
    const { op: late, alice: who } = await stage()
    const strict = await operatorClient(late, { client_id: 'strict', default_max_age: 60, first_party: true })
    late.clock.advance(2 * minute)
    expect(await outcome(late, who, {}, strict)).toBe('login')
    expect(await outcome(late, who, { max_age: '600' }, strict)).toBe('code')
  })
})

describe('login_hint', () => {
  test('is in the field already, and is text', async () => {
    const { page } = await open(op, stranger(), { login_hint: 'bob' })
    expect(page!.forms[0]!.fields.username).toBe('bob')
    const evil = '"><script>alert(1)</script>'
    const { page: hostile } = await open(op, stranger(), { login_hint: evil })
    expect(hostile!.html).not.toContain('<script>alert')
    expect(hostile!.forms[0]!.fields.username).toBe(evil)
  })
})

describe('id_token_hint', () => {
  test('of the person signed in changes nothing', async () => {
    const { id_token } = await tokensOf(op, alice)
    expect(await outcome(op, alice, { id_token_hint: id_token })).toBe('code')
    expect(await outcome(op, alice, { id_token_hint: id_token, prompt: 'none' })).toBe('code')
  })

  test('of another person asks for that person, and takes nobody else', async () => {
    const { id_token } = await tokensOf(op, stranger(), demo, {}, bob)
    expect(await outcome(op, alice, { id_token_hint: id_token, prompt: 'none' })).toBe('error:login_required')
    const who = stranger()
    await tokensOf(op, who)
    const { page } = await open(op, who, { id_token_hint: id_token })
    expect(new URL(page!.url).pathname).toBe('/login')
    expect(errorOf(await who.press(page!, 'login', aliceAccount))).toBe('login_required')
    const second = await open(op, who, { id_token_hint: id_token })
    const right = await who.press(second.page!, 'login', bob)
    expect(right.location!.searchParams.has('code')).toBe(true)
  })

  test('may have expired', async () => {
    const { op: late, alice: who } = await stage()
    const { id_token } = await tokensOf(late, who)
    late.clock.advance(2 * 60 * minute)
    expect(await outcome(late, who, { id_token_hint: id_token })).toBe('code')
  })

  test('must be an ID Token that we signed', async () => {
    const { id_token, access_token, refresh_token } = await tokensOf(op, alice)
    const [head, payload, signature] = id_token.split('.') as [string, string, string]
    const forged = Buffer.from(JSON.stringify({ ...claimsOf(id_token), sub: 'user-bob' })).toString(
      'base64url',
    )
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    for (const hint of [
      `${head}.${forged}.${signature}`,
      `${none}.${payload}.`,
      `${head}.${payload}.`,
      access_token,
      refresh_token,
      'x',
    ])
      expect(await outcome(op, alice, { id_token_hint: hint })).toBe('error:invalid_request')
  })

  test('and claims that name different people contradict each other', async () => {
    const { id_token } = await tokensOf(op, alice)
    const claims = JSON.stringify({ id_token: { sub: { value: 'user-bob' } } })
    expect(await outcome(op, alice, { id_token_hint: id_token, claims })).toBe('error:invalid_request')
  })
})

describe('acr', () => {
  test('what a sign-in reaches is in the token, with how', async () => {
    const tokens = await tokensOf(op, alice, demo, { acr_values: 'urn:latchkey:1fa' })
    expect(claimsOf(tokens.id_token)).toMatchObject({ acr: 'urn:latchkey:1fa', amr: ['pwd'] })
  })

  test('a wish that cannot be met is no error, a condition is', async () => {
    expect(await outcome(op, alice, { acr_values: 'gold' })).toBe('error:unmet_authentication_requirements')
    const wish = JSON.stringify({ id_token: { acr: { values: ['gold'] } } })
    const condition = JSON.stringify({ id_token: { acr: { essential: true, values: ['gold'] } } })
    const who = browser(op)
    await tokensOf(op, who, demo, { claims: wish })
    expect(await outcome(op, who, { claims: condition })).toBe('error:unmet_authentication_requirements')
  })
})

test('ui_locales, display and what nobody knows do not disturb', async () => {
  expect(
    await outcome(op, alice, { ui_locales: 'de fr', display: 'popup', claims_locales: 'de', foo: 'bar' }),
  ).toBe('code')
})
