/** Codes that are sent, by mail and by text message: set up, typed, sent again, and what happens when nothing can be sent. */
import { afterAll, describe, expect, test } from 'bun:test'
import { type ConfigError, loadConfig } from '../../src/config.ts'
import { User } from '../../src/models/user.ts'
import { featureEntries, featuresFor } from '../../src/table.ts'
import {
  afterCodes,
  freshCode,
  home,
  pageOf,
  pathOf,
  setUpApp,
  withPassword,
} from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import { alice as aliceAccount, browser, demo, minute, open, outcome, tokensOf } from '../support/flow.ts'
import { listener } from '../support/listener.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Page, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const gateway = listener()
afterAll(() => gateway.stop())

const bySms = {
  SECOND_FACTORS: 'totp sms recovery',
  SMS_GATEWAY_URL: `${gateway.origin}/send`,
  SMS_GATEWAY_BODY: 'number={to}&message={text}',
  SMS_GATEWAY_TOKEN: 'a-token-of-the-gateway',
  OUTBOUND_ALLOW_HOSTS: gateway.hostPort,
}
const byMail = { SECOND_FACTORS: 'totp email recovery' }
const phone = '+49 170 1234567'

const texted = (): string => gateway.heard.at(-1)?.form.message?.match(/\d{6}/)?.[0] ?? 'none'

/** The code in the mails that a test has not seen yet. */
const mailed = async (op: Provider, seen: Set<string>): Promise<string> => {
  for (const { text } of await mailsOf(op)) {
    const [code] = /^\d{6}$/m.exec(text) ?? []
    if (code === undefined || seen.has(code)) continue
    seen.add(code)
    return code
  }
  throw new Error('no mail with a code')
}

async function withPhone(env: Record<string, string> = {}) {
  const op = await provider({ env: { ...bySms, ...env } })
  const alice = browser(op)
  await withPassword(alice)
  const asked = pageOf(await alice.open('/account/factors/sms'))
  const page = pageOf(await alice.press(asked, 'send', { phone }))
  const codes = pageOf(await alice.press(withCode(page), 'verify', { code: texted() }))
  const done = await alice.open(afterCodes(codes))
  expect(pageOf(done).url).toEndWith('/account/factors?done=sms_added')
  return { op, alice }
}

/** A page has several forms: the one with the code. */
const withCode = (page: Page): Page => ({
  ...page,
  forms: page.forms.filter(({ buttons }) => buttons.includes('verify')),
})

const askFor = async (who: Person) => pageOf(await who.press(pageOf(await withPassword(who)), 'send'))

describe('by text message', () => {
  test('a phone is proven first; then its code opens, and the tokens say sms', async () => {
    const { op } = await withPhone()
    expect(gateway.heard.at(-1)).toMatchObject({ path: '/send', method: 'POST' })
    expect(gateway.heard.at(-1)!.form.number).toBe('+491701234567')
    expect(gateway.heard.at(-1)!.headers.get('authorization')).toBe('Bearer a-token-of-the-gateway')

    const who = browser(op)
    const offer = pageOf(await withPassword(who))
    expect(new URL(offer.url).pathname).toBe('/second-factor/sms')
    expect(offer.html).toContain('***567')
    expect(offer.html).not.toContain('1234567')
    const sentBefore = gateway.heard.length
    await who.open(offer.url) // looking sends nothing
    expect(gateway.heard.length).toBe(sentBefore)
    const page = pageOf(await who.press(offer, 'send'))
    const landing = await who.press(withCode(page), 'verify', { code: texted() })
    expect(pathOf(landing)).toBe(home)
    expect(claimsOf((await tokensOf(op, who)).id_token)).toMatchObject({
      acr: 'urn:latchkey:2fa',
      amr: ['pwd', 'sms', 'mfa'],
    })
    expect(op.lines.join('\n')).not.toContain(texted())
    expect(op.lines.join('\n')).not.toContain('1701234567')
  })

  test('a number that is none is refused beside the field, and kept there', async () => {
    const op = await provider({ env: bySms })
    const alice = browser(op)
    await withPassword(alice)
    const asked = pageOf(await alice.open('/account/factors/sms'))
    expect(asked.html).toContain('If your phone number is taken over') // ASVS V6.6.1
    for (const typed of ['0170 1234567', '+1', 'call me', '+49170123456789012']) {
      const page = pageOf(await alice.press(asked, 'send', { phone: typed }))
      expect([page.status, page.forms[0]!.fields.phone]).toEqual([400, typed])
      expect(page.html).toContain('aria-invalid="true"')
      expect(page.html).toMatch(
        /aria-describedby="phone_problem phone_hint"[^>]*>\s*<p [^>]*id="phone_problem"/,
      )
    }
  })

  test('a code lasts ten minutes, five tries, and until the next one', async () => {
    const { op } = await withPhone()
    const who = browser(op)
    const page = await askFor(who)
    const first = texted()
    const again = pageOf(
      await who.press({ ...page, forms: page.forms.filter((each) => each.buttons.includes('send')) }, 'send'),
    )
    const second = texted()
    if (first !== second)
      expect(pageOf(await who.press(withCode(again), 'verify', { code: first })).status).toBe(401)
    op.clock.advance(11 * minute)
    expect(pageOf(await who.press(withCode(again), 'verify', { code: second })).url).toContain('/login')

    const other = browser(op)
    const form = withCode(await askFor(other))
    const wrong = texted() === '000000' ? '000001' : '000000'
    for (let i = 0; i < 5; i++)
      expect(pageOf(await other.press(form, 'verify', { code: wrong })).status).toBe(401)
    expect(pageOf(await other.press(form, 'verify', { code: texted() })).status).toBe(401)
  })

  test('a gateway that is down is said so, keeps nobody waiting, and the other ways stay open', async () => {
    const { op, alice } = await withPhone({ OUTBOUND_TIMEOUT_MS: '1500' })
    // Alice has an app, too. The code that set up her phone a moment ago is enough for it.
    const seed = await setUpApp(op, alice)
    for (const answer of [500, 'hang'] as const) {
      gateway.answerWith(answer)
      const who = browser(op)
      const { search } = new URL(pageOf(await withPassword(who)).url)
      const offer = pageOf(await who.open(`/second-factor/sms${search}`))
      const refused = pageOf(await who.press(offer, 'send'))
      expect([refused.status, refused.html.includes('couldn’t send the code')]).toEqual([503, true])
      const choices = pageOf(await who.open(`/second-factor${search}`))
      expect(choices.html).toContain(`/second-factor/totp${search}`)
      const app = pageOf(await who.open(`/second-factor/totp${search}`))
      expect(pathOf(await who.press(app, 'verify', { code: freshCode(op, seed) }))).toBe(home)
    }
    gateway.answerWith(200)
  })

  test('not more than six an hour are sent to one person, those from a browser of theirs aside', async () => {
    const { op } = await withPhone()
    const who = browser(op)
    const offer = pageOf(await withPassword(who))
    const before = gateway.heard.length
    const statuses = []
    for (let i = 0; i < 7; i++) statuses.push(pageOf(await who.press(offer, 'send')).status)
    expect(statuses.filter((status) => status === 429).length).toBe(1)
    expect(gateway.heard.length - before).toBe(6)
    expect(op.context.config.environment).toBe('development')
  })
})

describe('by mail', () => {
  async function withMail(env: Record<string, string> = {}) {
    const op = await provider({ env: { ...byMail, ...env } })
    const seen = new Set<string>()
    const alice = browser(op)
    await withPassword(alice)
    const asked = pageOf(await alice.open('/account/factors/email'))
    expect(asked.html).toContain('a***@example.com')
    const page = pageOf(await alice.press(asked, 'send'))
    const done = await alice.press(withCode(page), 'verify', { code: await mailed(op, seen) })
    expect(pageOf(done).url).toEndWith('/account/factors?done=email_added')
    return { op, alice, seen }
  }

  test('is asked for, and raises no level: whoever resets a password by mail has nothing but the mailbox', async () => {
    const { op, seen } = await withMail()
    const who = browser(op)
    const page = await askFor(who)
    expect(pathOf(await who.press(withCode(page), 'verify', { code: await mailed(op, seen) }))).toBe(home)
    expect(claimsOf((await tokensOf(op, who)).id_token)).toMatchObject({
      acr: 'urn:latchkey:1fa',
      amr: ['pwd', 'otp'],
    })
    expect(await outcome(op, who, { acr_values: 'urn:latchkey:2fa' })).toBe('second-factor/set-up')
    expect(op.lines.join('\n')).not.toMatch(new RegExp([...seen].join('|')))
  })

  test('satisfies whoever must have a second factor', async () => {
    const { op, seen } = await withMail({ SECOND_FACTOR: 'optional' })
    await User.update(op.context, 'user-alice', (user) => ({ ...user, attributes: { second_factor: true } }))
    const who = browser(op)
    const page = await askFor(who)
    expect(pathOf(await who.press(withCode(page), 'verify', { code: await mailed(op, seen) }))).toBe(home)
    expect(await outcome(op, who, { prompt: 'none' }, demo)).toBe('error:consent_required')
  })

  test('only to a proven address, the one it was set up with', async () => {
    const { op } = await withMail()
    await User.update(op.context, 'user-alice', (user) => ({
      ...user,
      claims: { ...user.claims, email: 'other@example.com' },
    }))
    expect(pathOf(await withPassword(browser(op)))).toBe(home)
    await User.update(op.context, 'user-alice', (user) => ({
      ...user,
      claims: { ...user.claims, email_verified: false },
    }))
    const alice = browser(op)
    await withPassword(alice)
    const page = pageOf(await alice.open('/account/factors/email'))
    expect(page.html).toContain('no verified email address')
    expect(page.forms.flatMap(({ buttons }) => buttons)).not.toContain('send')
  })

  test('is set up in the middle of a sign-in by who must have a factor and wants no other', async () => {
    const op = await provider({ env: { ...byMail, SECOND_FACTOR: 'required' } })
    const alice = browser(op)
    const choice = pageOf(await alice.press(pageOf(await open(op, alice)), 'login', aliceAccount))
    const { search } = new URL(choice.url)
    const page = pageOf(
      await alice.press(pageOf(await alice.open(`/second-factor/email/set-up${search}`)), 'send'),
    )
    expect(alice.cookies.has('latchkey_session')).toBe(false)
    const done = await alice.press(withCode(page), 'verify', { code: await mailed(op, new Set()) })
    expect(pathOf(done)).toBe('/consent')
  })
})

test('settings that do not go together are problems at the start', () => {
  const problemsOf = (env: Record<string, string>) => {
    try {
      featuresFor(loadConfig(env, { featureEntries }))
      return []
    } catch (error) {
      return (error as ConfigError).problems
    }
  }
  const production = {
    NODE_ENV: 'production',
    ISSUER_URL: 'https://id.example',
    SECRET_KEY: Buffer.from(Array.from({ length: 48 }, (_, i) => (i * 97) % 256)).toString('base64'),
    STORE_URL: 'sqlite:latchkey.db',
  }
  expect(problemsOf({ ...production, SECOND_FACTORS: 'totp email' })).toEqual([
    'SMTP_URL: required when SECOND_FACTORS has email',
  ])
  expect(problemsOf({ SECOND_FACTORS: 'totp sms' })).toEqual([
    'SMS_GATEWAY_URL: required when SECOND_FACTORS has sms',
  ])
  expect(problemsOf({ SECOND_FACTORS: 'recovery', SECOND_FACTOR: 'required' })).toHaveLength(1)
  expect(problemsOf({ SECOND_FACTORS: 'totp email' })).toEqual([])
})

test('what is not offered is not set up either', async () => {
  const op = await provider({ env: { SECOND_FACTORS: 'passkey' } })
  const alice = browser(op)
  await withPassword(alice)
  for (const name of ['totp', 'sms', 'email'])
    expect(pageOf(await alice.open(`/account/factors/${name}`)).status).toBe(404)
  expect(pageOf(await alice.open('/account/factors')).html).not.toContain('/account/factors/')
})
