/** Issue 9, E.51: the overview of the account repeated its menu. It says what needs attention first. */
import { expect, test } from 'bun:test'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { User } from '../../src/models/user.ts'
import { setUpApp, withPassword } from '../support/authenticator.ts'
import { alice, type Person, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const laptop = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const browser = (op: Provider, agent = laptop): Person =>
  person(op.issuer, (url, init) =>
    op.fetch(url, {
      ...init,
      headers: { ...Object.fromEntries(new Headers(init?.headers)), 'user-agent': agent },
    }),
  )

/** What needs attention, as sentences, and where each leads. */
async function attention(who: Person): Promise<{ text: string; path: string }[]> {
  const { page } = await who.open('/account')
  const [, list = ''] = /<section class="attention"([\s\S]*?)<\/section>/.exec(page!.html) ?? []
  return [...list.matchAll(/<li class="(?:alert|warning)"><p>([\s\S]*?)<\/p><p><a href="([^"]+)"/g)].map(
    ([, text = '', path = '']) => ({ text: text.replaceAll(/<[^>]+>/g, ''), path }),
  )
}

const change = (op: Provider, claims: Record<string, unknown>) =>
  User.update(op.context, 'user-alice', (user) => ({ ...user, claims: { ...user.claims, ...claims } }))

test('no second factor: it says so, and leads to where one is set up', async () => {
  const op = await provider()
  const who = browser(op)
  await withPassword(who, alice)
  expect(await attention(who)).toEqual([
    { text: expect.stringContaining('Two-step verification is off') as string, path: '/account/factors' },
  ])
})

test('an address that is not verified, and none', async () => {
  const op = await provider()
  const who = browser(op)
  await withPassword(who, alice)
  await change(op, { email_verified: false })
  expect((await attention(who))[0]).toEqual({
    text: 'alice@example.com (not verified yet)',
    path: '/account/email',
  })
  await change(op, { email: undefined })
  expect((await attention(who))[0]?.text).toBe('Your account has no email address.')
})

test('few recovery codes, until there are new ones; then nothing needs attention', async () => {
  const op = await provider()
  const who = browser(op)
  await withPassword(who, alice)
  await setUpApp(op, who)
  expect(await attention(who)).toEqual([])
  await RecoveryCodes.remove(op.context, 'user-alice')
  expect((await attention(who))[0]?.text).toContain('You don’t have any recovery codes')
  const codes = await RecoveryCodes.make(op.context, 'user-alice')
  expect(await attention(who)).toEqual([])
  for (const code of codes.slice(0, 7)) await RecoveryCodes.spend(op.context, 'user-alice', code)
  expect((await attention(who))[0]?.text).toContain('You have 3 codes left')
  await RecoveryCodes.make(op.context, 'user-alice')
  expect((await who.open('/account')).page!.html).toContain('Nothing needs your attention.')
})

test('a sign-in on a new device is a warning elsewhere and stands first, not on that device; after a week it is past', async () => {
  const op = await provider()
  const here = browser(op)
  await withPassword(here, alice)
  op.clock.advance(60_000)
  const phone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1'
  const there = browser(op, phone)
  await withPassword(there, alice)
  const seen = await attention(here)
  expect(seen[0]).toEqual({
    text: expect.stringMatching(
      /^A new device signed in to your account\. \w+ \d+, \d+ at .* UTC · Safari on iPhone$/,
    ) as string,
    path: '/account/activity',
  })
  expect(seen).toHaveLength(2)
  expect((await attention(there)).map(({ text }) => text)).not.toContainEqual(
    expect.stringContaining('A new device'),
  )
  op.clock.advance(8 * 86_400_000)
  const later = browser(op)
  await withPassword(later, alice)
  expect((await attention(later)).filter(({ text }) => text.startsWith('A new device signed'))).toEqual([])
})

test('the overview is no second menu: parts without a state are in the menu alone', async () => {
  const op = await provider()
  const who = browser(op)
  await withPassword(who, alice)
  const { html } = (await who.open('/account')).page!
  const main = html.slice(html.indexOf('<main'))
  for (const path of ['/account/profile', '/account/password', '/account/data']) {
    expect(html).toContain(`href="${path}"`)
    expect(main).not.toContain(`href="${path}"`)
  }
  expect(main).toContain('1 active session')
  expect(main).toContain('New sign-in to your account.')
})
