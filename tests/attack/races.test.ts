/** Races of a hundred, across two instances on one real Redis, and on one PostgreSQL. https://www.rfc-editor.org/rfc/rfc9700#section-4.14 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { authorizationUrl, claimsOf, demo, formPost, type Json } from '../support/client.ts'
import { type Instances, sharedStores, turn } from '../support/instances.ts'
import { alice, person } from '../support/person.ts'
import {
  attempts,
  codeFor,
  errorOf,
  redeem,
  refresh,
  tally,
  type Tokens,
  tokensFor,
  userinfo,
} from './attacker.ts'

const results = (answers: readonly Response[]) =>
  Promise.all(answers.map(async (answer) => (answer.ok ? 'tokens' : errorOf(answer))))

describe.each(sharedStores)('on %s', (_, open) => {
  let instances: Instances
  beforeAll(async () => void (instances = await open()), 60_000)
  afterAll(() => instances.stop())

  const pair: Instances['pair'] = (...args) => instances.pair(...args)

  describe('a code', () => {
    test('redeems once among a hundred, and the ninety-nine end what it gave', async () => {
      const both = await pair()
      const browser = person(both[0].issuer, both[0].fetch)
      let winners = 0
      for (let round = 0; round < 5; round++) {
        const stolen = await codeFor(both[0], { browser })
        const answers = await attempts(100, (i) => redeem(turn(both, i), stolen))
        const won = answers.filter((answer) => answer.ok)
        expect(won.length).toBe(1)
        const count = tally(await results(answers.filter((answer) => !answer.ok)))
        expect(count).toEqual({ '400 invalid_grant': 100 - won.length })
        for (const answer of won) {
          winners++
          const tokens = (await answer.json()) as unknown as Tokens
          for (const op of both) {
            expect(await userinfo(op, tokens.access_token)).toBe(401)
            expect(await errorOf(await refresh(op, tokens.refresh_token))).toBe('400 invalid_grant')
          }
        }
      }
      expect(winners).toBeGreaterThan(0) // else nothing was raced for
    }, 60_000)

    test('redeemed on one instance and replayed on the other: every token of the grant is dead on both', async () => {
      const [one, two] = await pair({ ACCESS_TOKEN_FORMAT: 'opaque' })
      const stolen = await codeFor(one)
      const tokens = (await (await redeem(one, stolen)).json()) as unknown as Tokens
      const second = (await (await refresh(two, tokens.refresh_token)).json()) as unknown as Tokens
      expect(await userinfo(two, second.access_token)).toBe(200)
      expect(await errorOf(await redeem(two, stolen))).toBe('400 invalid_grant')
      for (const op of [one, two]) {
        expect(await userinfo(op, tokens.access_token)).toBe(401)
        expect(await userinfo(op, second.access_token)).toBe(401)
        expect(await errorOf(await refresh(op, second.refresh_token))).toBe('400 invalid_grant')
      }
    })

    test('a request without the verifier, the redirect or the client neither uses the code up nor ends the grant', async () => {
      const [one, two] = await pair()
      const stolen = await codeFor(one)
      const wrong = await attempts(60, (i) =>
        [
          () => redeem(two, { ...stolen, code_verifier: 'x'.repeat(43) }),
          () => redeem(one, stolen, demo, { redirect_uri: 'http://localhost:3000/callback' }),
          () => redeem(two, stolen, { client_id: 'public-client', redirect_uri: demo.redirect_uri }),
        ][i % 3]!(),
      )
      expect(tally(await results(wrong))).toEqual({ '400 invalid_grant': 60 })
      expect((await redeem(one, stolen)).status).toBe(200)
    })
  })

  describe('a refresh token', () => {
    test('used by a hundred at once within the grace: all get the same successor', async () => {
      const both = await pair({ REFRESH_TOKEN_GRACE: '5' })
      const tokens = await tokensFor(both[0])
      const answers = await attempts(100, (i) => refresh(turn(both, i), tokens.refresh_token))
      expect(answers.filter((answer) => answer.ok)).toHaveLength(100)
      const successors = await Promise.all(
        answers.map(async (each) => ((await each.json()) as unknown as Tokens).refresh_token),
      )
      expect(new Set(successors).size).toBe(1)
      expect(successors[0]).not.toBe(tokens.refresh_token)
      expect((await refresh(both[1], successors[0]!)).status).toBe(200)
    })

    test('without grace: at most one gets tokens, even in the same millisecond, and then the family is dead', async () => {
      const both = await pair({ REFRESH_TOKEN_GRACE: '0' })
      const tokens = await tokensFor(both[0])
      const answers = await attempts(100, (i) => refresh(turn(both, i), tokens.refresh_token))
      const won = answers.filter((answer) => answer.ok)
      expect(won.length).toBeLessThanOrEqual(1)
      for (const op of both) {
        expect(await userinfo(op, tokens.access_token)).toBe(401)
        for (const each of won) {
          const next = (await each.clone().json()) as unknown as Tokens
          expect(await userinfo(op, next.access_token)).toBe(401)
          expect(await errorOf(await refresh(op, next.refresh_token))).toBe('400 invalid_grant')
        }
      }
    })

    test('without grace an instance whose clock is behind grants none either', async () => {
      const [ahead, behind] = await pair({ REFRESH_TOKEN_GRACE: '0' }, 5_000)
      const tokens = await tokensFor(ahead)
      expect((await refresh(ahead, tokens.refresh_token)).status).toBe(200)
      expect(await errorOf(await refresh(behind, tokens.refresh_token))).toBe('400 invalid_grant')
      expect(await userinfo(ahead, tokens.access_token)).toBe(401)
    })

    test('used again after the grace, or two generations late: the thief and the victim both lose', async () => {
      const [one, two] = await pair({ REFRESH_TOKEN_GRACE: '5' })
      for (const late of ['grace', 'generation'] as const) {
        const tokens = await tokensFor(one)
        const second = (await (await refresh(two, tokens.refresh_token)).json()) as unknown as Tokens
        if (late === 'grace') one.clock.advance(5_001)
        else await refresh(one, second.refresh_token)
        expect(await errorOf(await refresh(two, tokens.refresh_token))).toBe('400 invalid_grant')
        expect(await errorOf(await refresh(one, second.refresh_token))).toBe('400 invalid_grant')
        expect(await userinfo(one, second.access_token)).toBe(401)
      }
    })

    test('revoked while a hundred refresh it: whatever they got is dead afterwards', async () => {
      const both = await pair({ REFRESH_TOKEN_GRACE: '60' })
      const tokens = await tokensFor(both[0])
      const racing = attempts(100, async (i) => {
        if (i === 50)
          expect(
            (await both[0].fetch('/revoke', formPost(demo, { token: tokens.refresh_token }))).status,
          ).toBe(200)
        return refresh(turn(both, i), tokens.refresh_token)
      })
      const won = (await racing).filter((answer) => answer.ok)
      const got = await Promise.all(won.map(async (each) => (await each.json()) as unknown as Tokens))
      for (const each of [tokens, ...got]) {
        expect(await userinfo(both[1], each.access_token)).toBe(401)
        expect(await errorOf(await refresh(both[1], each.refresh_token))).toBe('400 invalid_grant')
      }
    }, 60_000)
  })

  describe('signing out', () => {
    test('while codes of the session are asked for and redeemed: nothing outlives it', async () => {
      const both = await pair()
      const browser = person(both[0].issuer, both[0].fetch)
      await tokensFor(both[0], { browser })
      const asked = await attempts(10, () => codeFor(both[0], { browser }))
      const page = (await browser.open('/logout')).page!
      const racing = attempts(60, async (i) => {
        if (i === 20) return browser.press(page, 'logout').then(() => undefined)
        if (i >= 50) return redeem(turn(both, i), asked[i - 50]!)
        const { url, code_verifier } = authorizationUrl(both[0].issuer, demo)
        const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const answer = await turn(both, i).fetch(url, { headers: { cookie } })
        const code = new URL(answer.headers.get('location') ?? '/', both[0].issuer).searchParams.get('code')
        return code === null ? undefined : redeem(turn(both, i + 1), { code, code_verifier })
      })
      const answers = (await racing).filter((answer) => answer !== undefined)
      expect(answers.length).toBeGreaterThan(0)
      for (const answer of answers.filter((each) => each.ok)) {
        const tokens = (await answer.json()) as unknown as Tokens
        expect(await userinfo(both[0], tokens.access_token)).toBe(401)
        expect(await errorOf(await refresh(both[1], tokens.refresh_token))).toBe('400 invalid_grant')
      }
    }, 60_000)

    test('a code that was asked for before it is worth nothing after it, offline_access or not', async () => {
      const [one, two] = await pair()
      for (const scope of ['openid', 'openid offline_access']) {
        const stolen = await codeFor(one, { more: { scope } })
        await stolen.browser.press((await stolen.browser.open('/logout')).page!, 'logout')
        expect(await errorOf(await redeem(two, stolen))).toBe('400 invalid_grant')
      }
    })
  })

  describe('guessing passwords', () => {
    test('a hundred at once on two instances: no more than ten are looked at, and the right one is no longer', async () => {
      const both = await pair({ SIGN_IN_ATTEMPTS_PER_ACCOUNT: '10', SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000' })
      const browsers = both.map((op) => person(op.issuer, op.fetch))
      const pages = await Promise.all(browsers.map(async (each) => (await each.open('/login')).page!))
      const answers = await attempts(100, async (i) => {
        const spelling = ['alice', 'ALICE', ' alice ', 'ａｌｉｃｅ', 'al\u200bice'][i % 5]!
        const landing = await browsers[i % 2]!.press(pages[i % 2]!, 'login', {
          username: spelling,
          password: `guess ${i}`,
        })
        return landing.page!.status
      })
      expect(tally(answers)).toEqual({ 401: 10, 429: 90 })
      const right = await browsers[0]!.press(pages[0]!, 'login', alice)
      expect(right.page!.status).toBe(429)
      expect(Number(right.page!.headers.get('retry-after'))).toBeGreaterThan(0)
    }, 60_000)
  })

  test('two instances that both add a person under one name: one does', async () => {
    const both = await pair()
    const made = await attempts(100, (i) =>
      User.create(turn(both, i).context, {
        sub: `mallory-${i}`,
        username: i % 2 ? 'Mallory' : 'ｍallory',
        disabled: false,
        claims: {},
        created_at: 0,
        updated_at: 0,
      }),
    )
    expect(made.filter(Boolean)).toHaveLength(1)
    const left = await attempts(100, (i) => User.find(both[0].context, `mallory-${i}`))
    expect(left.filter(Boolean)).toHaveLength(1)
  })

  test('a client assertion is good once, on whichever instance', async () => {
    const both = await pair()
    const { addClient } = await import('./attacker.ts')
    const { SignJWT } = await import('jose')
    const secret = 'a secret of the client that is long enough for HS256'
    await addClient(
      both[0],
      {
        client_id: 'asserting',
        token_endpoint_auth_method: 'client_secret_jwt',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
      secret,
    )
    const assertion = await new SignJWT({ jti: 'once' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('asserting')
      .setSubject('asserting')
      .setAudience(both[0].issuer)
      .setExpirationTime('1m')
      .sign(Buffer.from(secret))
    const fields = {
      grant_type: 'client_credentials',
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    const body = new URLSearchParams(fields).toString()
    const init = { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const answers = await attempts(100, (i) => turn(both, i).fetch('/token', init))
    expect(tally(await results(answers))).toEqual({ tokens: 1, '401 invalid_client': 99 })
    const won = (await answers.find((each) => each.ok)!.json()) as Json
    expect(claimsOf(won.access_token).sub).toBe('asserting')
  })
})
