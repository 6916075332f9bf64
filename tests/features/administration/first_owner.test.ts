/** The one-time link of a start without an owner: it makes one owner, once, whoever races. docs/administration.md */
import { expect, test } from 'bun:test'
import { Administrators } from '../../../src/models/administrators.ts'
import { account } from '../../support/administration.ts'
import { pageOf, withPassword } from '../../support/authenticator.ts'
import { browser } from '../../support/flow.ts'
import { type Provider, provider } from '../../support/provider.ts'

/** As `serve` does at its start. */
async function started(op: Provider): Promise<string | undefined> {
  op.lines.splice(0)
  await op.context.table.jobs.find(({ name }) => name === 'first_owner')!.run(op.context)
  return /link="?([^\s"]+)/.exec(op.lines.find((line) => line.includes('no_owner')) ?? '')?.[1]
}

const owners = async (op: Provider) =>
  [...(await Administrators.all(op.context))].filter(([, { role }]) => role === 'owner').map(([sub]) => sub)

async function signedIn(op: Provider, username: string) {
  const made = await account(op, username)
  const who = browser(op)
  await withPassword(who, made)
  return { who, sub: made.sub }
}

test('a person signs in, opens the link and becomes the owner; the link is good once', async () => {
  const op = await provider()
  const link = (await started(op))!
  const { sub, username, password } = await account(op, 'anna')
  const who = browser(op)
  const signIn = pageOf(await who.open(link))
  expect(signIn.url).toContain('/login')
  const asked = pageOf(await who.press(signIn, 'login', { username, password }))
  expect([asked.status, asked.html.includes('anna')]).toEqual([200, true])
  expect(await owners(op)).toEqual([])
  await who.press(asked, 'claim')
  expect(await owners(op)).toEqual([sub])
  expect(op.lines.filter((line) => line.includes('change=administrator_granted'))).toHaveLength(1)
  const other = await signedIn(op, 'ben')
  expect(pageOf(await other.who.open(link)).status).toBe(400)
  expect(pageOf(await who.press(asked, 'claim')).status).toBe(400)
  expect(await owners(op)).toEqual([sub])
  expect(await started(op)).toBeUndefined()
})

test('of two who race for it one wins, with one link or with those of two instances', async () => {
  for (const twoLinks of [false, true]) {
    const op = await provider()
    const first = (await started(op))!
    const links = [first, twoLinks ? (await started(op))! : first]
    const people = await Promise.all(['anna', 'ben'].map((name) => signedIn(op, name)))
    const pages = await Promise.all(people.map(async ({ who }, at) => pageOf(await who.open(links[at]!))))
    await Promise.all(people.map(({ who }, at) => who.press(pages[at]!, 'claim')))
    expect(await owners(op)).toHaveLength(1)
  }
})

test('a link that has expired, one that is guessed, and one beside an owner make nobody an owner', async () => {
  const op = await provider()
  const link = (await started(op))!
  const { who } = await signedIn(op, 'anna')
  const asked = pageOf(await who.open(link))
  op.clock.advance(3_601_000)
  expect(pageOf(await who.press(asked, 'claim')).status).toBe(400)
  for (const guess of ['/admin/first_owner', '/admin/first_owner?token=', '/admin/first_owner?token=x'])
    expect(pageOf(await who.open(guess)).status).toBe(400)
  const again = (await started(op))!
  const open = pageOf(await who.open(again))
  const { sub } = await account(op, 'carol')
  await Administrators.set(op.context, sub, 'owner')
  expect(pageOf(await who.press(open, 'claim')).status).toBe(400)
  expect(await owners(op)).toEqual([sub])
})

test('the link leads to ADMIN_HOST, and exists there alone', async () => {
  const op = await provider({ env: { ADMIN_HOST: 'admin.example:8443' } })
  const link = (await started(op))!
  expect(link).toStartWith('http://admin.example:8443/admin/first_owner?token=')
  expect((await op.fetch(new URL(link).pathname + new URL(link).search)).status).toBe(404)
})
