/** The profile page changes standard claims, which clients receive by scope. */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { alice, type Landing, person, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

async function signedIn(op: Provider, who = alice): Promise<Person> {
  const browser = person(op.issuer, op.fetch)
  const { page } = await browser.open('/login')
  await browser.press(page!, 'login', who)
  return browser
}

async function save(browser: Person, fields: Record<string, string>): Promise<Landing> {
  const { page } = await browser.open('/account/profile')
  return browser.press(page!, 'save', fields)
}

const found = async (op: Provider): Promise<User> => (await User.findByUsername(op.context, 'alice'))!

test('every standard claim is kept as it is said', async () => {
  const op = await provider()
  const browser = await signedIn(op)
  const said = {
    name: 'Alice 愛麗絲 O’Hara',
    given_name: 'Alice',
    middle_name: 'Ł.',
    family_name: 'O’Hara',
    nickname: 'al',
    preferred_username: 'alice o’hara',
    profile: 'https://example.com/alice',
    picture: 'https://example.com/alice.png',
    website: 'http://alice.example/',
    gender: 'female',
    birthdate: '0000-02-29',
    zoneinfo: 'Europe/Lisbon',
    locale: 'pt_br',
    phone_number: '+351 (21) 000-0000',
    street_address: '1 Rua Augusta',
    postal_code: '1100-048',
    locality: 'Lisboa',
    region: 'Lisboa',
    country: 'Portugal',
  }
  expect((await save(browser, said)).page!.html).toContain('Profile saved.')
  const { street_address, postal_code, locality, region, country, ...claims } = said
  expect((await found(op)).claims).toMatchObject({
    ...claims,
    locale: 'pt-BR',
    phone_number: '+351210000000',
    phone_number_verified: false,
    address: { street_address, postal_code, locality, region, country },
    email: 'alice@example.com',
    email_verified: true,
  })
  // And the page shows it again.
  const { page } = await browser.open('/account/profile')
  expect(page!.forms.find(({ buttons }) => buttons.includes('save'))!.fields).toMatchObject({
    ...said,
    locale: 'pt-BR',
    phone_number: '+351210000000',
  })
})

test('an emptied field is gone, and a verified number stays so until it changes', async () => {
  const op = await provider()
  const browser = await signedIn(op)
  const { sub } = await found(op)
  await User.update(op.context, sub, (user) => ({
    ...user,
    claims: {
      ...user.claims,
      phone_number: '+351210000000',
      phone_number_verified: true,
      address: { formatted: 'Somewhere', locality: 'Lisboa', custom: 'kept' },
      'name#ja': 'アリス',
      gender: 'x',
    },
  }))
  await save(browser, { nickname: 'al', gender: '' })
  const { claims } = await found(op)
  expect(claims).toMatchObject({ phone_number_verified: true, nickname: 'al', 'name#ja': 'アリス' })
  expect(claims.address).toEqual({ formatted: 'Somewhere', locality: 'Lisboa', custom: 'kept' })
  expect(claims).not.toHaveProperty('gender')
  await save(browser, { phone_number: '+351210000001', locality: 'Porto' })
  const after = await found(op)
  expect(after.claims).toMatchObject({ phone_number_verified: false, address: { locality: 'Porto' } })
  expect(after.claims.address).not.toHaveProperty('formatted')
  await save(browser, { phone_number: '' })
  expect((await found(op)).claims).not.toHaveProperty('phone_number_verified')
})

describe('refused beside the field, with what was typed kept and nothing saved', () => {
  test.each([
    ['birthdate', '1990-02-30'],
    ['birthdate', '31.12.1990'],
    ['birthdate', '0000-13-01'],
    ['zoneinfo', 'Europe/Atlantis'],
    ['zoneinfo', '+01:00'],
    ['locale', 'english please'],
    ['website', 'javascript:alert(1)'],
    ['website', 'https://user:secret@example.com/'],
    ['picture', 'data:text/html,x'],
    ['phone_number', '021 000 0000'],
    ['phone_number', '+0123456789'],
    ['name', `A\u202Elice`],
    ['name', 'x'.repeat(201)],
    ['preferred_username', 'bob'],
    ['preferred_username', 'ＢＯＢ'],
    ['preferred_username', 'bob@example.com'],
    ['preferred_username', 'someone@else.example'],
    ['preferred_username', 'bоb' /* Cyrillic о */],
  ])('%s %j', async (name, text) => {
    const op = await provider()
    const browser = await signedIn(op)
    const before = await found(op)
    const { page } = await save(browser, { [name]: text, nickname: 'changed' })
    expect(page!.status).toBe(400)
    expect(page!.html).toContain(`id="${name}_problem"`)
    const fields = page!.forms.find(({ buttons }) => buttons.includes('save'))!.fields
    expect(fields).toMatchObject({ [name]: text, nickname: 'changed' })
    expect((await found(op)).claims).toEqual(before.claims)
  })
})

test('markup in every field stays text, on the profile and wherever the name is shown', async () => {
  const op = await provider()
  const browser = await signedIn(op)
  const markup = '"><img src=x onerror=alert(1)>'
  const names = ['name', 'given_name', 'middle_name', 'family_name', 'nickname', 'gender', 'street_address']
  const all = [...names, 'preferred_username', 'locality', 'region', 'country', 'postal_code']
  await save(browser, Object.fromEntries(all.map((name) => [name, markup])))
  expect((await found(op)).claims.name).toBe(markup)
  for (const path of ['/account', '/account/profile', '/account/password', '/account/activity', '/']) {
    const { page } = await browser.open(path)
    expect(page!.status).toBe(200)
    expect(page!.html).not.toContain('<img src=x')
  }
  const wrong = Object.fromEntries(
    [...all, 'website', 'zoneinfo', 'locale', 'birthdate'].map((name) => [name, markup]),
  )
  expect((await save(browser, wrong)).page!.html).not.toContain('<img src=x')
})

test('other posted fields set no claim', async () => {
  const op = await provider({ env: { EDITABLE_ATTRIBUTES: 'team' } })
  const browser = await signedIn(op)
  const before = await found(op)
  await save(browser, {
    email: 'bob@example.com',
    email_verified: 'true',
    phone_number_verified: 'true',
    sub: 'user-bob',
    username: 'root',
    roles: 'admin',
    attributes: '{"permissions":["all"]}',
    'attribute.permissions': 'all',
    'attribute.team': 'blue',
    disabled: 'true',
    second_factor: '',
    updated_at: '0',
    custom: 'x',
  })
  const after = await found(op)
  expect(after.attributes).toEqual({ ...before.attributes, team: 'blue' })
  expect({ ...after, attributes: {}, updated_at: 0 }).toEqual({ ...before, attributes: {}, updated_at: 0 })
})

test.each(['roles', 'second_factor', 'team roles'])('EDITABLE_ATTRIBUTES=%s stops the boot', async (text) => {
  await expect(provider({ env: { EDITABLE_ATTRIBUTES: text } })).rejects.toThrow('EDITABLE_ATTRIBUTES')
})

const returned = (claim: string) =>
  JSON.stringify({ team: { description: 'See it', claims: { [claim]: 'team' } } })
test.each(['groups', 'roles', 'Permissions', 'entitlements', 'https://app.example/groups'])(
  'an editable attribute that applications read as %s stops the boot',
  async (claim) => {
    const env = { CUSTOM_SCOPES: returned(claim), EDITABLE_ATTRIBUTES: 'pronouns team' }
    await expect(provider({ env })).rejects.toThrow(
      'EDITABLE_ATTRIBUTES: team is what CUSTOM_SCOPES returns as',
    )
    await provider({ env: { ...env, EDITABLE_ATTRIBUTES: 'pronouns' } })
    await provider({ env: { ...env, CUSTOM_SCOPES: returned('team') } })
    await provider({ env: { ...env, CUSTOM_SCOPES: returned('working_groups') } })
  },
)

test('a form of another session saves nothing', async () => {
  const op = await provider()
  const [browser, other] = [await signedIn(op), await signedIn(op)]
  const { page } = await other.open('/account/profile')
  expect((await browser.press(page!, 'save', { name: 'Mallory' })).page!.status).toBe(403)
})
