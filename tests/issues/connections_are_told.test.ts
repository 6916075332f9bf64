/** The store failed while a connection with another provider was added: it stayed, and the owner was never told. Decision 48 */
import { afterAll, expect, test } from 'bun:test'
import { Event } from '../../src/models/event.ts'
import { idOf, Links } from '../../src/features/upstream/links.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { withPassword } from '../support/authenticator.ts'
import { failingStore } from '../support/odd_stores.ts'
import { alice, type Person, person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { leaveFor, secondLatchkey, upstreamEnv } from '../support/upstream.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

const up = await secondLatchkey('http://localhost:5000/upstream/callback/corp')
afterAll(() => up.stop())
const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }
const sub = 'user-alice'

/** The End-User signs in over there; the address that leads back. */
const signInThere = async (away: URL): Promise<string> =>
  (await person(up.issuer, up.fetch).goThrough(away.href, alice)).href

/** Each returns the last step, which adds the connection. */
const ways: Record<string, (op: Provider) => Promise<() => Promise<unknown>>> = {
  async 'the page of connections'(op) {
    const who = person(op.issuer, op.fetch)
    await withPassword(who)
    const { page } = await who.open('/account/connections')
    const back = await signInThere((await who.press(page!, 'connect_corp')).location!)
    return () => who.open(back)
  },
  async 'the address that both have verified'(op) {
    const who = person(op.issuer, op.fetch)
    const back = await signInThere(await leaveFor(who, 'corp'))
    return () => who.open(back)
  },
  async 'the question after a sign-in'(op) {
    const who: Person = person(op.issuer, op.fetch)
    const back = await signInThere(await leaveFor(who, 'corp'))
    const asked = (await who.open(back)).page!
    const login = (await who.open(/href="([^"]*interaction=[^"]*)"/.exec(asked.html)![1]!)).page!
    const confirm = (await who.press(login, 'login', alice)).page!
    return () => who.press(confirm, 'connect')
  },
}

for (const [name, prepare] of Object.entries(ways))
  test(`by ${name}: a connection that stands was told, wherever the store fails`, async () => {
    const UPSTREAM_LINK_BY_EMAIL = name.includes('address') ? 'verified' : 'ask'
    for (let verbs = 0, done = false; !done; verbs++) {
      const clock = turnableClock()
      const failing = failingStore(memoryStore(clock))
      const env = { ...upstreamEnv([member], [up]), UPSTREAM_LINK_BY_EMAIL }
      const op = await provider({ store: failing.store, clock, env })
      const last = await prepare(op)
      failing.used()
      failing.failAfter(verbs)
      await last()
      done = failing.used().length <= verbs
      failing.recover()
      const isTold = async () =>
        (await Event.listOfUser(op.context, sub)).some(({ kind }) => kind === 'connection_added')
      const added = (await Links.find(op.context, idOf({ issuer: up.issuer, subject: sub }))) !== undefined
      if (added) expect([verbs, await isTold()]).toEqual([verbs, true])
      if (done) expect(added).toBe(true)
    }
  })
