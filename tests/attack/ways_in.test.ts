/** Every way to sign in, and every form of a page, tried from another site and with a session that somebody planted. https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html#renew-the-session-id-after-any-privilege-level-change */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Invitation } from '../../src/models/invitation.ts'
import { Session } from '../../src/models/session.ts'
import { pageOf, withPassword } from '../support/authenticator.ts'
import { alice, bob, browser } from '../support/flow.ts'
import { addPasskey, signInWith } from '../support/passkeys.ts'
import type { Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { comeBack, leaveFor, secondLatchkey, upstreamEnv } from '../support/upstream.ts'
import type { Credential } from '../support/security_key.ts'

let op: Provider
let key: Credential
let corp: Awaited<ReturnType<typeof secondLatchkey>>
beforeAll(async () => {
  corp = await secondLatchkey('http://localhost:5000/upstream/callback/corp')
  const member = { id: 'corp', provider: 'oidc', base_url: corp.issuer, ...corp.client }
  const env = { PASSKEY_OFFER: 'false', UPSTREAM_LINK_BY_EMAIL: 'verified', ...upstreamEnv([member], [corp]) }
  op = await provider({ env })
  const hers = browser(op)
  await withPassword(hers)
  key = await addPasskey(op.issuer, hers)
})

afterAll(() => corp.stop())

const sessionCookie = 'latchkey_session'

const ways: Record<string, (who: Person) => Promise<unknown>> = {
  'a password': (who) => withPassword(who),
  'a passkey': (who) => signInWith(op.issuer, op.fetch, who, key),
  'an account elsewhere': async (who) => {
    const away = await leaveFor(who, 'corp')
    const there = await browser(corp).goThrough(away.href, alice)
    await comeBack(op, who, 'corp', away, Object.fromEntries(there.searchParams))
  },
  'a new account': async (who) => {
    const about = { email: 'carol@example.com', invited: true }
    const { token } = await Invitation.issue(op.context, op.context.random, about, 600)
    const page = pageOf(await who.open(`/create_account?token=${token}`))
    const password = 'four lambs in a meadow'
    await who.press(page, 'create', { username: 'carol', password, repeat: password })
  },
}

for (const [name, way] of Object.entries(ways))
  test(`a session planted before ${name} is not the one that comes with it`, async () => {
    const attacker = browser(op)
    await withPassword(attacker, bob)
    const planted = attacker.cookies.get(sessionCookie)!
    const victim = browser(op)
    victim.cookies.set(sessionCookie, planted)
    await way(victim)
    const own = victim.cookies.get(sessionCookie)
    expect(own).toBeDefined()
    expect(own).not.toBe(planted)
    const { page } = await attacker.open('/account')
    expect(new URL(page!.url).pathname).toBe('/login') // Bob's session ended when somebody else came
  })

test('no form of a page is answered for another site, whatever it is', async () => {
  /** Posted by clients, by other servers, or with nothing to lose. */
  const others = new Set(['authorization', 'upstream_callback', 'end_session', 'language'])
  const who = browser(op)
  await withPassword(who)
  const before = (await Session.listOfUser(op.context, 'user-alice')).length
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const { search } = new URL(pageOf(await browser(op).open('/login')).url)
  const fields = `username=bob&password=bobpassword&csrf_token=x&interaction=${search.split('=')[1] ?? ''}`
  const seen: string[] = []
  for (const { name, path, post, page } of op.context.table.endpoints) {
    if (page !== true || !post || others.has(name)) continue
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      cookie,
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    }
    const answer = await op.fetch(path.replace('*', 'x'), { method: 'POST', body: fields, headers })
    expect([name, answer.status >= 400 && answer.status < 500]).toEqual([name, true])
    const set = answer.headers.getSetCookie().filter((each) => each.startsWith(sessionCookie))
    expect([name, set]).toEqual([name, []])
    seen.push(name)
  }
  expect(seen).toContain('login')
  expect(seen.length).toBeGreaterThan(20)
  expect(await Session.listOfUser(op.context, 'user-alice')).toHaveLength(before)
})
