/** The claims of a person on the page and by the API: read by field, honest about what is verified, and never overwritten. docs/administration.md */
import { expect, test } from 'bun:test'
import { User } from '../../../src/models/user.ts'
import { account, admin, administrator, serviceClient, serviceToken } from '../../support/administration.ts'
import { pageOf } from '../../support/authenticator.ts'
import type { Person } from '../../support/person.ts'
import { provider } from '../../support/provider.ts'

const op = await provider()
const owner = await administrator(op, 'owner')
const support = await administrator(op, 'support')
const claims = {
  name: 'Ann Lee',
  email: 'ann@example.org',
  email_verified: true,
  phone_number: '+12025550100',
  phone_number_verified: true,
  address: { formatted: 'Old Street 1, Town', locality: 'Town' },
  birthdate: '1990-12-31',
  badge: 17,
}
const attributes = { team: 'blue', level: 3, code: '007', note: '12', list: ['a'] }
const ann = await account(op, 'ann', { claims, attributes })
await account(op, 'ben', { claims: { email: 'ben@example.org', email_verified: true } })
const path = (sub = ann.sub) => `/admin/people/${sub}`
const opened = async (who: Person, sub?: string) => pageOf(await who.open(path(sub)))
const now = async () => (await User.find(op.context, ann.sub))!

test('the page shows what the account has, with what is verified', async () => {
  const { html } = await opened(support.who)
  for (const text of ['1990-12-31', '+12025550100', 'Town', 'badge', '17', 'Verified'])
    expect(html).toContain(text)
})

test('a wrong field is marked, the others keep what was entered, and nothing is changed', async () => {
  const before = await now()
  const refused = pageOf(
    await support.who.press(await opened(support.who), 'claims', {
      birthdate: '1990-02-30',
      website: 'javascript:alert(1)',
      zoneinfo: 'Mars/Base',
      locale: 'x'.repeat(40),
      phone_number: '12',
      nickname: 'Annie',
    }),
  )
  expect(refused.status).toBe(400)
  for (const name of ['birthdate', 'website', 'zoneinfo', 'locale', 'phone_number'])
    expect(refused.html).toContain(`id="${name}_problem"`)
  expect(refused.html).not.toContain('id="nickname_problem"')
  expect(refused.html).toContain('value="Annie"')
  expect(await now()).toEqual(before)
})

test('fields are saved; another number is not verified, and what no field has stays', async () => {
  await support.who.press(await opened(support.who), 'claims', {
    website: 'https://ann.example',
    locality: 'City',
    phone_number: '+1 202 555 0199',
    gender: '',
    email: 'evil@example.org',
    email_verified: 'true',
    sub: 'x',
  })
  expect((await now()).claims).toEqual({
    ...claims,
    website: 'https://ann.example/',
    address: { locality: 'City' },
    phone_number: '+12025550199',
    phone_number_verified: false,
  })
})

test('by the API too, another number is not verified unless the caller says so', async () => {
  const token = await serviceToken(op, await serviceClient(op))
  const change = async (wanted: Record<string, unknown>) => {
    const etag = (await admin(op, token, 'GET', `/people/${ann.sub}`)).headers.get('etag')!
    const headers = { 'if-match': etag }
    expect(
      (await admin(op, token, 'PATCH', `/people/${ann.sub}`, { body: { claims: wanted }, headers })).status,
    ).toBe(200)
    return (await now()).claims.phone_number_verified
  }
  expect(await change({ phone_number: '+12025550111', phone_number_verified: true })).toBe(true)
  expect(await change({ nickname: 'Annie' })).toBe(true)
  expect(await change({ phone_number: '+12025550112' })).toBe(false)
  expect(await change({ phone_number: null })).toBeUndefined()
})

test.each([
  ['claims', { name: 'Second' }],
  ['set_email', { email: 'second@example.org' }],
  ['set_attributes', { attributes: 'team=second' }],
])('of two administrators with one version the second overwrites nothing: %s', async (button, fields) => {
  const page = await opened(owner.who)
  await support.who.press(await opened(support.who), 'claims', { name: `First of ${button}` })
  const before = await now()
  expect(before.claims.name).toBe(`First of ${button}`)
  expect(pageOf(await owner.who.press(page, button, fields)).status).toBe(412)
  expect(await now()).toEqual(before)
})

test('the address: verified when it is set, and never that of another account', async () => {
  const taken = pageOf(
    await support.who.press(await opened(support.who), 'set_email', { email: 'ben@example.org' }),
  )
  expect([taken.status, (await now()).claims.email]).toEqual([409, 'ann@example.org'])
  const none = await support.who.press(await opened(support.who), 'set_email', { email: 'ann' })
  expect(pageOf(none).status).toBe(400)
  await support.who.press(await opened(support.who), 'set_email', { email: 'ann@new.example' })
  expect((await now()).claims).toMatchObject({ email: 'ann@new.example', email_verified: true })
})

test('attributes keep their kinds, and are rights that support does not give', async () => {
  const page = await opened(owner.who)
  const shown = /<textarea id="attributes"[^>]*>([^<]*)</.exec(page.html)![1]!.replaceAll('&quot;', '"')
  const wrong = pageOf(await owner.who.press(page, 'set_attributes', { attributes: 'team=blue\nadmin' }))
  expect([wrong.status, (await now()).attributes]).toEqual([400, attributes])
  expect(wrong.html).toContain('This line is not an attribute: <bdi>admin</bdi>.')
  const text = `${shown}\nnew={"a":1}`.replace('level=3', 'level=4')
  await owner.who.press(await opened(owner.who), 'set_attributes', { attributes: text })
  expect((await now()).attributes).toEqual({ ...attributes, level: 4, new: { a: 1 } })
  const seen = await opened(support.who)
  expect(seen.html).not.toContain('name="set_attributes"')
  const forms = seen.forms.map((each) => ({ ...each, buttons: [...each.buttons, 'set_attributes'] }))
  const forged = await support.who.press({ ...seen, forms }, 'set_attributes', { attributes: 'admin=true' })
  expect(pageOf(forged).status).toBe(403)
  expect((await now()).attributes).not.toHaveProperty('admin')
})

test('support changes nothing of an owner', async () => {
  const { sub } = owner.account
  const page = await opened(support.who, sub)
  expect(page.html).not.toContain('name="claims"')
  const own = await opened(support.who)
  const forms = own.forms.map((each) => ({ ...each, action: each.action.replace(ann.sub, sub) }))
  expect(pageOf(await support.who.press({ ...own, forms }, 'claims', { name: 'x' })).status).toBe(403)
  expect((await User.find(op.context, sub))!.claims).toEqual({})
})
