/** Signing in with an account elsewhere: a second Latchkey is the provider. */
import { afterAll, expect, test } from 'bun:test'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import { alice, bob, type Page, type Person, person } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { comeBack, leaveFor, secondLatchkey, type Second, upstreamEnv, whoIs } from '../support/upstream.ts'
import { redeem } from '../attack/attacker.ts'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'

const callback = 'http://localhost:5000/upstream/callback/corp'
const up = await secondLatchkey(callback)
afterAll(() => up.stop())

const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }

const first = (env: Record<string, string> = {}) =>
  provider({ env: { ...upstreamEnv([member], [up]), ...env } })

/** Presses the button, signs in over there, and comes back. */
async function through(browser: Person, who = alice, at = '/login', there: Second = up) {
  const away = await leaveFor(browser, 'corp', at)
  const back = await person(there.issuer, there.fetch).goThrough(away.href, who)
  expect(back.pathname).toBe('/upstream/callback/corp')
  return browser.open(back.href)
}

const needPage = ({ page }: { page?: Page | undefined }): Page => {
  if (!page) throw new Error('a page was expected')
  return page
}

test('whoever has no account gets one, with what the provider says of them, and is the same person the next time', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  await through(browser, bob)
  const name = await whoIs(browser)
  expect(name).toBe('bob2') // bob is a person of ours, and not this one
  const user = (await User.findByUsername(op.context, 'bob2'))!
  expect(user.claims).toMatchObject({ name: 'Bob Brown', email: 'bob@example.com', email_verified: false })
  expect(user.password_hash).toBeUndefined()

  const again = person(op.issuer, op.fetch)
  await through(again, bob)
  expect(await whoIs(again)).toBe('bob2')
  const kinds = (await Event.listOfUser(op.context, user.sub)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'signed_in_with')).toHaveLength(2)
})

test('the application gets its code, and the ID Token says what happened: one factor, whatever the provider says', async () => {
  const op = await first()
  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  const browser = person(op.issuer, op.fetch)
  const landing = await through(browser, bob, url)
  const consent = await browser.press(needPage(landing), 'allow')
  const code = consent.location!.searchParams.get('code')!
  const tokens = (await (await redeem(op, { code, code_verifier })).json()) as Json
  expect(claimsOf(tokens.id_token)).toMatchObject({ acr: 'urn:latchkey:1fa', amr: ['pwd'] })
})

test('an address that both have verified: sign in here first, then connect, and from then on either leads in', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  const asked = needPage(await through(browser, alice))
  expect(asked.html).toContain('There’s already an account here with the address')
  expect(await whoIs(browser)).toBeUndefined()

  const start = await browser.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!)
  const confirm = needPage(await browser.press(needPage(start), 'login', alice))
  expect(confirm.html).toContain('Connect these accounts?')
  await browser.press(confirm, 'connect')
  expect(await whoIs(browser)).toBe('alice')

  const again = person(op.issuer, op.fetch)
  await through(again, alice)
  expect(await whoIs(again)).toBe('alice')
})

test('"not now" connects nothing, and signs in all the same', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  const asked = needPage(await through(browser, alice))
  const start = await browser.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!)
  const confirm = needPage(await browser.press(needPage(start), 'login', alice))
  await browser.press(confirm, 'skip')
  expect(await whoIs(browser)).toBe('alice')
  const again = person(op.issuer, op.fetch)
  expect(needPage(await through(again, alice)).html).toContain('Sign in to connect your accounts')
})

test('what waits for alice is not offered to bob', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  const asked = needPage(await through(browser, alice))
  const start = await browser.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!)
  const landing = await browser.press(needPage(start), 'login', bob)
  expect(landing.page?.html).not.toContain('Connect these accounts?')
  expect(await whoIs(browser)).toBe('bob')
})

test('UPSTREAM_LINK_BY_EMAIL=verified connects at once, and the owner is told', async () => {
  const op = await first({ UPSTREAM_LINK_BY_EMAIL: 'verified' })
  const browser = person(op.issuer, op.fetch)
  await through(browser, alice)
  expect(await whoIs(browser)).toBe('alice')
  const kinds = (await Event.listOfUser(op.context, 'user-alice')).map(({ kind }) => kind)
  expect(kinds).toContain('connection_added')
})

test('a disabled account stays closed by every way', async () => {
  const op = await first({ UPSTREAM_LINK_BY_EMAIL: 'verified' })
  const browser = person(op.issuer, op.fetch)
  await through(browser, alice)
  await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
  const refused = needPage(await through(person(op.issuer, op.fetch), alice))
  expect([refused.status, refused.html.includes('can’t be used right now')]).toEqual([403, true])
})

test('UPSTREAM_SIGN_UP=closed: no account is made, and one that is here can be connected', async () => {
  const op = await first({ UPSTREAM_SIGN_UP: 'closed' })
  const browser = person(op.issuer, op.fetch)
  const asked = needPage(await through(browser, bob))
  expect(asked.html).toContain('connected to an account here')
  expect(await User.findByUsername(op.context, 'bob2')).toBeUndefined()
  const start = await browser.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!)
  const confirm = needPage(await browser.press(needPage(start), 'login', bob))
  await browser.press(confirm, 'connect')
  const again = person(op.issuer, op.fetch)
  await through(again, bob)
  expect(await whoIs(again)).toBe('bob')
})

test('UPSTREAM_EMAIL_DOMAINS: an address of another domain, or one that nobody verified, gets no account', async () => {
  const op = await first({ UPSTREAM_EMAIL_DOMAINS: 'example.org, example.com' })
  expect(needPage(await through(person(op.issuer, op.fetch), bob)).html).toContain(
    'connected to an account here',
  )
  const other = await first({ UPSTREAM_EMAIL_DOMAINS: 'elsewhere.example' })
  await User.update(other.context, 'user-alice', (user) => ({ ...user, claims: {} }))
  expect(needPage(await through(person(other.issuer, other.fetch), alice)).html).toContain(
    'connected to an account here',
  )
})

test('connections: one more from the page of the account, used to sign in, and removed; both are told', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  await browser.press(needPage(await browser.open('/login')), 'login', bob)
  const page = needPage(await browser.open('/account/connections'))
  expect(page.html).toContain('haven’t connected')
  const { location } = await browser.press(page, 'connect_corp')
  const back = await person(up.issuer, up.fetch).goThrough(location!.href, alice)
  const listed = needPage(await browser.open(back.href))
  expect(listed.html).toContain('Account connected')
  expect(listed.html).toContain('alice@example.com')

  const again = person(op.issuer, op.fetch)
  await through(again, alice)
  expect(await whoIs(again)).toBe('bob')

  const removed = needPage(await browser.press(listed, 'remove'))
  expect(removed.html).toContain('Connection removed')
  const kinds = (await Event.listOfUser(op.context, 'user-bob')).map(({ kind }) => kind)
  expect(kinds).toContain('connection_added')
  expect(kinds).toContain('connection_removed')
  // The session that began through the connection ends with it; the one that removed it goes on.
  expect(kinds).toContain('session_ended')
  expect([await whoIs(again), await whoIs(browser)]).toEqual([undefined, 'bob'])
  expect(needPage(await through(person(op.issuer, op.fetch), alice)).html).toContain(
    'Sign in to connect your accounts',
  )
})

test('the last way in stays', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  await through(browser, bob)
  const page = needPage(await browser.open('/account/connections'))
  const kept = needPage(await browser.press(page, 'remove'))
  expect(kept.html).toContain('This is your only way to sign in')
  await through(browser, bob)
  expect(await whoIs(browser)).toBe('bob2')
})

test('an identity that is connected here cannot be connected with somebody else', async () => {
  const op = await first()
  await through(person(op.issuer, op.fetch), bob) // bob2's now
  const browser = person(op.issuer, op.fetch)
  await browser.press(needPage(await browser.open('/login')), 'login', alice)
  const { location } = await browser.press(
    needPage(await browser.open('/account/connections')),
    'connect_corp',
  )
  const back = await person(up.issuer, up.fetch).goThrough(location!.href, bob)
  const taken = needPage(await browser.open(back.href))
  expect([taken.status, taken.html.includes('is already connected to another account here')]).toEqual([
    409,
    true,
  ])
})

test('somebody who changes their mind over there comes back to the other ways', async () => {
  const op = await first()
  const browser = person(op.issuer, op.fetch)
  const away = await leaveFor(browser, 'corp')
  const back = needPage(await comeBack(op, browser, 'corp', away, { error: 'access_denied', iss: up.issuer }))
  expect([back.status, back.html.includes('You canceled the sign-in')]).toEqual([403, true])
  const login = await browser.open(/href="([^"]*interaction=[^"]*)"/.exec(back.html)![1]!)
  await browser.press(needPage(login), 'login', alice)
  expect(await whoIs(browser)).toBe('alice')
})
