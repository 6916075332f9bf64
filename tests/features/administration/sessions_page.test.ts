/** /admin/sessions: what each role may end, and that an end is asked about first. docs/administration.md */
import { expect, test } from 'bun:test'
import { Session } from '../../../src/models/session.ts'
import { account, type Account, administrator } from '../../support/administration.ts'
import { pageOf, withPassword } from '../../support/authenticator.ts'
import { browser, demo, tokensOf } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const pathOf = (url: string) => new URL(url).pathname
const path = '/admin/sessions'

const op = await provider()
const owner = await administrator(op, 'owner')
const support = await administrator(op, 'support')
const auditor = await administrator(op, 'auditor')
const ann = await account(op, 'ann')
const ben = await account(op, 'ben')
await withPassword(browser(op), ann)
await tokensOf(op, browser(op), demo, {}, ben)

const sidsOf = async ({ sub }: Account) => (await Session.listOfUser(op.context, sub)).map(({ sid }) => sid)
const box = async (of: Account) => `sid_${(await sidsOf(of))[0]}`
const seen = async ({ who }: { who: ReturnType<typeof browser> }, query = '') =>
  pageOf(await who.open(`${path}${query}`))

test('the table has everyone, filters, and shows an address or a network that is none as a problem', async () => {
  const { html } = await seen(support)
  for (const { username } of [owner.account, auditor.account, ann, ben]) expect(html).toContain(username)
  expect(html).toContain('Current session')
  const filtered = await seen(support, '?client_id=client123')
  expect(filtered.html).toContain('ben')
  expect(filtered.html).not.toContain('>ann<')
  expect((await seen(support, '?person=%3Cb%3E')).html).toContain('No session matches.')
  expect((await seen(support, '?address=private')).html).toContain('Enter an IP address or a network')
})

test('an auditor reads and has nothing to press; a forged form ends nothing', async () => {
  const page = await seen(auditor)
  expect(page.html).toContain('ann')
  expect(page.html).not.toContain('type="checkbox"')
  expect(page.forms.flatMap(({ buttons }) => buttons)).not.toContain('end')
  const other = await seen(support)
  expect(
    pageOf(await auditor.who.press(other, 'end', { [await box(ann)]: 'yes', confirmed: 'yes' })).status,
  ).toBe(403)
  expect(await sidsOf(ann)).toHaveLength(1)
})

test('support ends sessions of people after a question, and never one of an owner', async () => {
  const page = await seen(support)
  expect(page.html).not.toContain(await box(owner.account))
  expect(page.html).not.toContain('name="end_all"')
  for (const confirmed of ['yes', ''])
    expect(
      pageOf(
        await support.who.press(page, 'end', {
          [await box(ann)]: 'yes',
          [await box(owner.account)]: 'yes',
          confirmed,
        }),
      ).status,
    ).toBe(403)
  expect(await sidsOf(owner.account)).toHaveLength(1)
  for (const name of ['end_all', 'end_client']) {
    const forms = page.forms.map((each) => ({ ...each, buttons: [...each.buttons, name] }))
    const forged = pageOf(
      await support.who.press({ ...page, forms }, name, { client_id: 'client123', confirmed: 'yes' }),
    )
    expect([name, forged.status]).toEqual([name, 403])
  }
  expect(await sidsOf(ben)).toHaveLength(1)
})

test('those that are chosen: none is refused, a dry run counts, what has ended meanwhile is passed over', async () => {
  await withPassword(browser(op), ann)
  const page = await seen(owner)
  expect(pageOf(await owner.who.press(page, 'end')).html).toContain('No session is selected.')
  const chosen = Object.fromEntries((await sidsOf(ann)).map((sid) => [`sid_${sid}`, 'yes']))
  const count = Object.keys(chosen).length
  const asked = pageOf(await owner.who.press(page, 'end', { ...chosen, sid_gone: 'yes' }))
  expect(asked.html).toMatch(new RegExp(`${count} sessions? ends?,`))
  expect(await sidsOf(ann)).toHaveLength(count)
  const done = pageOf(await owner.who.press(asked, 'end'))
  expect(done.html).toContain('The sessions have ended.')
  expect(await sidsOf(ann)).toEqual([])
})

test('all of an app, then all: the administrator is signed out too', async () => {
  const page = await seen(owner, '?client_id=client123')
  const asked = pageOf(await owner.who.press(page, 'end_client'))
  expect(asked.html).toContain('1 session ends,')
  expect(await sidsOf(ben)).toHaveLength(1)
  await owner.who.press(asked, 'end_client')
  expect(await sidsOf(ben)).toEqual([])
  const all = pageOf(await owner.who.press(await seen(owner), 'end_all'))
  expect(all.html).toContain('You are signed out too.')
  expect(await sidsOf(support.account)).toHaveLength(1)
  const landing = pageOf(await owner.who.press(all, 'end_all'))
  expect(pathOf(landing.url)).toBe('/login')
  expect(await sidsOf(support.account)).toEqual([])
})
