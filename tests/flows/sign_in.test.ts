/** Passwords: the same words for every failure, counted tries, old hashes upgraded, and a queue with an end. OWASP ASVS 5.0 V6 */
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { User } from '../../src/models/user.ts'
import { alice, bob, browser, minute, open, stage } from '../support/flow.ts'
import { type Landing, type Page, person } from '../support/person.ts'
import { provider, type Provider } from '../support/provider.ts'
import { processorMs } from '../support/effort.ts'

/** The sign-in page of a new browser, and a try at it. */
async function atLogin(op: Provider, peer = '127.0.0.1') {
  const { person } = await import('../support/person.ts')
  const who = person(op.issuer, (url, init) => op.fetch(url, init, peer))
  const { page } = await open(op, who, { scope: 'openid' })
  return (username: string, password: string): Promise<Landing> =>
    who.press(page as Page, 'login', { username, password })
}

const passed = (landing: Landing): boolean =>
  landing.location !== undefined || new URL(landing.page!.url).pathname === '/consent'

async function addUser(op: Provider, username: string, password_hash: string | undefined) {
  await User.create(op.context, {
    sub: `user-${username}`,
    username,
    ...(password_hash !== undefined && { password_hash }),
    disabled: false,
    claims: {},
    created_at: 1,
    updated_at: 1,
  })
}

describe('a failure', () => {
  test('says and answers the same for a wrong password and for nobody', async () => {
    const op = await provider()
    const attempt = await atLogin(op)
    const wrong = await attempt('alice', 'wrong')
    const nobody = await attempt('nobody', 'wrong')
    expect([wrong.page!.status, nobody.page!.status]).toEqual([401, 401])
    const neutral = (page: Page) => page.html.replaceAll('nobody', 'alice').replace(/value="[^"]*"/g, '')
    expect(neutral(wrong.page!)).toBe(neutral(nobody.page!))
    expect(wrong.page!.html).toContain('Incorrect username or password')
    expect(wrong.page!.html).not.toContain('value="wrong"')
  })

  test('costs the same: nobody is hashed for too', async () => {
    const op = await provider()
    const attempt = await atLogin(op)
    const time = (name: string) => processorMs(() => attempt(name, 'wrong'))
    await time('alice')
    const known: number[] = []
    const unknown: number[] = []
    for (let i = 0; i < 4; i++) {
      known.push(await time('alice'))
      unknown.push(await time(`nobody${i}`))
    }
    // Without a hash the answer would come within a millisecond or two.
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 3)
  })

  test.each([
    ['alice', ''],
    ['', 'alicepassword'],
    ['alice', 'ALICEPASSWORD'],
    ['alice', 'alicepassword '],
    ['alice', 'a'.repeat(5000)],
    ['alice', 'implausible'],
    ['alice\u0000', 'x'],
    ["' OR 1=1 --", "' OR 1=1 --"],
  ])('%j with %j', async (username, password) => {
    const attempt = await atLogin(await provider())
    expect((await attempt(username, password)).page!.status).toBe(401)
  })

  test('for who is disabled, or has no password, whatever they say', async () => {
    const op = await provider()
    await addUser(op, 'passkey-only', undefined)
    await addUser(op, 'broken', 'not a hash')
    await User.update(op.context, 'user-bob', (user) => ({ ...user, disabled: true }))
    const attempt = await atLogin(op)
    expect((await attempt('bob', bob.password)).page!.status).toBe(401)
    for (const name of ['passkey-only', 'broken'])
      for (const password of ['x', 'not a hash', 'undefined'])
        expect((await attempt(name, password)).page!.status).toBe(401)
  })

  test('leaves no password in the log', async () => {
    const op = await provider()
    const attempt = await atLogin(op)
    await attempt('alice', 'my-secret-mistake')
    await attempt('alice', alice.password)
    expect(op.lines.join('\n')).not.toMatch(/my-secret-mistake|alicepassword/)
  })
})

test('a name is the same name in any dress', async () => {
  const attempt = await atLogin(await provider())
  expect(passed(await attempt('  ALICE\u200b ', alice.password))).toBe(true)
})

describe('tries are counted', () => {
  test('by account: then even the right password waits, from anywhere', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '3' } })
    for (let i = 0; i < 3; i++)
      expect((await (await atLogin(op, `192.0.2.${i}`))('alice', 'wrong')).page!.status).toBe(401)
    const blocked = await (await atLogin(op, '192.0.2.99'))('Alice', alice.password)
    expect(blocked.page!.status).toBe(429)
    expect(Number(blocked.page!.headers.get('retry-after'))).toBeWithin(1, 901)
    expect(passed(await (await atLogin(op))('bob', bob.password))).toBe(true)
    op.clock.advance(15 * minute)
    expect(passed(await (await atLogin(op))('alice', alice.password))).toBe(true)
  })

  test('by account, but a stranger cannot lock out the browser that signed in before', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '3' } })
    const mine = person(op.issuer, op.fetch)
    const signIn = async (password: string, who = 'alice') => {
      const { page } = await mine.open(authorizationUrl(op.issuer, demo, { prompt: 'login' }).url)
      return mine.press(page!, 'login', { username: who, password })
    }
    expect(passed(await signIn(alice.password))).toBe(true)
    for (let i = 0; i < 5; i++) await (await atLogin(op, `192.0.2.${i}`))('alice', 'wrong')
    expect(passed(await signIn(alice.password))).toBe(true)
    // What it knows of one account opens no door to another, and its own tries are counted too.
    for (const status of [401, 401, 401, 429]) expect((await signIn('wrong')).page!.status).toBe(status)
    for (let i = 0; i < 3; i++) await (await atLogin(op, `192.0.2.${i}`))('bob', 'wrong')
    expect((await signIn(bob.password, 'bob')).page!.status).toBe(429)
  })

  test('for accounts that do not exist just the same', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '2' } })
    const attempt = await atLogin(op)
    for (const status of [401, 401, 429]) expect((await attempt('nobody', 'x')).page!.status).toBe(status)
  })

  test('a success starts anew', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '2' } })
    for (let round = 0; round < 3; round++) {
      const attempt = await atLogin(op)
      expect((await attempt('alice', 'wrong')).page!.status).toBe(401)
      expect(passed(await attempt('alice', alice.password))).toBe(true)
    }
  })

  test('by address: one attacker with many names; another address is not held up', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ADDRESS: '3' } })
    const attempt = await atLogin(op, '198.51.100.7')
    for (const status of [401, 401, 401, 429])
      expect((await attempt(crypto.randomUUID(), 'x')).page!.status).toBe(status)
    expect(passed(await (await atLogin(op, '198.51.100.8'))('alice', alice.password))).toBe(true)
  })

  test('by IPv6 network: a /64 is one address', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ADDRESS: '2' } })
    const statuses: number[] = []
    for (const host of ['1', '2', '3'])
      statuses.push((await (await atLogin(op, `2001:db8:1:2::${host}`))('nobody', 'x')).page!.status)
    expect(statuses).toEqual([401, 401, 429])
    expect((await (await atLogin(op, '2001:db8:1:3::1'))('nobody', 'x')).page!.status).toBe(401)
  })

  test('raced: a hundred at once are a hundred tries', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '5', SIGN_IN_QUEUE: '1000' } })
    const attempt = await atLogin(op)
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => (await attempt('alice', 'wrong')).page!.status),
    )
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(95)
  })
})

describe('old hashes', () => {
  test.each(['bcrypt', 'argon2id'] as const)(
    '%s of other strength verifies, and is upgraded once it has',
    async (kind) => {
      const op = await provider()
      const old =
        kind === 'bcrypt'
          ? await Bun.password.hash('correct horse', { algorithm: 'bcrypt', cost: 4 })
          : await Bun.password.hash('correct horse', { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 })
      await addUser(op, 'old', old)
      const attempt = await atLogin(op)
      expect((await attempt('old', 'wrong')).page!.status).toBe(401)
      expect((await User.find(op.context, 'user-old'))!.password_hash).toBe(old)
      expect(passed(await attempt('old', 'correct horse'))).toBe(true)
      const { password_hash } = (await User.find(op.context, 'user-old'))!
      expect(password_hash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')
      expect(passed(await (await atLogin(op))('old', 'correct horse'))).toBe(true)
      expect((await User.find(op.context, 'user-old'))!.password_hash).toBe(password_hash)
    },
  )
})

describe('a flood', () => {
  test('fills the queue; the rest hears 503 at once, and tokens are issued meanwhile', async () => {
    const { op } = await stage({ env: { SIGN_IN_CONCURRENCY: '1', SIGN_IN_QUEUE: '3' } })
    const attempts = await Promise.all(Array.from({ length: 12 }, () => atLogin(op)))
    let answered = 0
    const flood = attempts.map(async (attempt, i) => {
      const { page } = await attempt(`nobody${i}`, 'x')
      return { status: page!.status, after: page!.headers.get('retry-after'), place: answered++ }
    })
    const token = await op.fetch('/token', {
      method: 'POST',
      body: 'grant_type=client_credentials',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${btoa('client123:secret456')}`,
      },
    })
    expect(token.status).toBe(200)
    const answers = await Promise.all(flood)
    const busy = answers.filter(({ status }) => status === 503)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(4)
    expect(busy).toHaveLength(8)
    for (const { after } of busy) expect(after).toBe('5')
    const last = (of: typeof answers) => Math.max(...of.map(({ place }) => place))
    expect(last(busy)).toBeLessThan(last(answers))
  })

  test('turned away is not a failed try: nobody is locked out by it', async () => {
    const { op } = await stage({
      env: { SIGN_IN_CONCURRENCY: '1', SIGN_IN_QUEUE: '0', SIGN_IN_ATTEMPTS_PER_ACCOUNT: '3' },
    })
    const attempts = await Promise.all(Array.from({ length: 6 }, () => atLogin(op)))
    const busy = attempts[0]!('nobody', 'x')
    for (const attempt of attempts.slice(1))
      expect((await attempt('alice', alice.password)).page!.status).toBe(503)
    await busy
    expect(passed(await attempts[1]!('alice', alice.password))).toBe(true)
  })
})

test('somebody who comes to /login by themselves lands on their account', async () => {
  const op = await provider()
  const who = browser(op)
  const { page } = await who.open('/login')
  const landed = await who.press(page!, 'login', alice)
  expect(new URL(landed.page!.url).pathname).toBe('/account')
})
