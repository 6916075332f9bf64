/** What an account leaves behind: an account with something of everything is erased, and the whole store is walked for anything that still names it. */
import { afterAll, expect, test } from 'bun:test'
import { exportPerson } from '../../src/people/person_data.ts'
import { sha256 } from '../../src/lib/hash.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { pageOf, withPassword } from '../support/authenticator.ts'
import { bob, browser } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { liveRichly } from '../support/rich_life.ts'
import { secondLatchkey, upstreamEnv } from '../support/upstream.ts'

const second = 1_000
const day = 86_400 * second
/** Nobody else comes from there. */
const herAddress = '198.51.100.77'

const up = await secondLatchkey('http://localhost:5000/upstream/callback/corp')
afterAll(() => up.stop())
const corp = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }

/** A store that can be walked: it knows the name of everything that was ever written. */
function openStore(inner: Store) {
  const [keys, indexes] = [new Set<string>(), new Set<string>()]
  const store = new Proxy(inner, {
    get(target, verb: keyof Store) {
      return (...args: unknown[]) => {
        if (['put', 'create', 'replace', 'increment'].includes(verb)) keys.add(String(args[0]))
        if (verb === 'link') indexes.add(String(args[0]))
        return (target[verb] as (...all: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  /** Everything that is there now, a line each. */
  async function walk(): Promise<string[]> {
    const lines: string[] = []
    for (const key of keys) {
      const value = await inner.get(key)
      if (value !== undefined) lines.push(`${key} = ${value}`)
    }
    for (const index of indexes)
      for (const { member } of await inner.range(index, { limit: 10_000 }))
        lines.push(`index ${index} = ${member}`)
    return lines
  }
  return { store, walk }
}

const turn = (op: Provider, job: string) =>
  op.context.table.jobs.find(({ name }) => name === job)!.run(op.context)

/** What is not looked for at the end, because it ends by itself within two days. */
const passing = [
  'tries',
  'one_time',
  'interaction',
  'export_told',
  'backchannel_request',
  'logout_delivery',
  'gone_sub',
  'index backchannel_requests',
]
const kindOf = (line: string): string => line.split(':', 1)[0]!

/** Her name, her sub and her addresses, as they are and as keys are made of them. */
const needles = (sub: string): string[] => {
  const plain = [sub, 'alice', 'alice@example.com', 'alice@new.example', 'anders', herAddress]
  return [...plain, ...plain.map(sha256), ...plain.map((each) => encodeURIComponent(each))]
}

test('when an account has ended nothing names it but what passes by itself, and two days later nothing at all', async () => {
  const clock = turnableClock(Math.max(Date.now(), up.clock.now()))
  const { store, walk } = openStore(memoryStore(clock))
  const op = await provider({
    clock,
    store,
    env: { ...upstreamEnv([corp], [up]), ACCOUNT_DELETION_GRACE: '0' },
  })
  const hers = person(op.issuer, (url, init) => op.fetch(url, init, herAddress))
  const his = browser(op)
  await withPassword(his, bob)
  await liveRichly(op, hers, up)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  const naming = async () => {
    const sought = needles(sub)
    const lines = await walk()
    return lines.filter((line) =>
      sought.some((each) => line.includes(each) || line.toLowerCase().includes(each)),
    )
  }
  const before = await naming()
  expect(new Set(before.map(kindOf)).size).toBeGreaterThan(12)
  const page = pageOf(await hers.open('/account/data/delete'))
  await hers.press(page, 'delete', { confirmation: 'alice' })
  clock.advance(60 * second)
  await turn(op, 'account_deletions')
  expect(await User.find(op.context, sub)).toBeUndefined()
  const left = (await naming()).map(kindOf)
  expect(left.filter((kind) => !passing.includes(kind))).toEqual([])
  clock.advance(2 * day)
  // That this `sub` means nobody else is remembered by its hash.
  expect((await naming()).map((line) => line.split(' ', 1)[0])).toEqual([`gone_sub:${sha256(sub)}`])
  expect((await mailsOf(op)).map(({ subject }) => subject)).toContain('Your account was deleted')
})

test('a copy has something of each kind, what is hers and nothing of his', async () => {
  const op = await provider({
    clock: turnableClock(Math.max(Date.now(), up.clock.now())),
    env: upstreamEnv([corp], [up]),
  })
  const hers = person(op.issuer, (url, init) => op.fetch(url, init, herAddress))
  const his = browser(op)
  await withPassword(his, bob)
  const profile = pageOf(await his.open('/account/profile'))
  await his.press(profile, 'save', { name: 'Robert the other' })
  await liveRichly(op, hers, up)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  const { data } = JSON.parse(await exportPerson(sub, op.context)) as { data: Record<string, unknown> }
  const empty = Object.entries(data).filter(([, value]) => !value || Bun.deepEquals(value, []))
  expect(empty.map(([name]) => name)).toEqual(['recovery']) // only whether a link is on its way
  expect(data).toMatchObject({
    profile: { claims: { name: 'Alice Anders' } },
    pending_email: 'alice@new.example',
    second_factors: { totp: { created_at: expect.anything() } },
    passkeys: [{ name: expect.any(String) }],
  })
  const text = JSON.stringify(data).toLowerCase()
  for (const strange of ['bob', 'robert', '$argon2', 'secret_hash', 'sealed'])
    expect(text).not.toContain(strange)
})
