/** A passkey after a password: who is asked for one, whose it must be, and what cannot be skipped. */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { authorizationUrl, claimsOf, demo } from '../support/client.ts'
import { stageWithApp } from '../support/authenticator.ts'
import { alice, bob, browser, minute, redeem } from '../support/flow.ts'
import { addPasskey, answer, optionsIn, pageOf, signInWith } from '../support/passkeys.ts'
import type { Landing, Page, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import {
  create,
  type CreationOptions,
  type Credential,
  get,
  type RequestOptions,
} from '../support/security_key.ts'

const at = ({ page }: Landing) => page && new URL(page.url).pathname
const hasSession = (who: Person) => who.cookies.has('latchkey_session')
const subOf = async (op: Provider, name: string) => (await User.findByUsername(op.context, name))!.sub

async function withPassword(who: Person, account = alice, url = '/account/passkeys') {
  return who.press(pageOf(await who.open(url)), 'login', account)
}

/** One with a passkey each for Alice and Bob, who must have a second factor from then on. */
async function stage() {
  const op = await provider()
  const keys: Credential[] = []
  for (const account of [alice, bob]) {
    const who = browser(op)
    await withPassword(who, account)
    keys.push(await addPasskey(op.issuer, who))
    const sub = await subOf(op, account.username)
    await User.update(op.context, sub, (user) => ({ ...user, second_factor: 'required' }))
  }
  return { op, aliceKey: keys[0]!, bobKey: keys[1]! }
}

const prove = (op: Provider, who: Person, page: Page, key: Credential) =>
  answer(who, page, get(op.issuer, optionsIn<RequestOptions>(page), key))

describe('a passkey as second factor', () => {
  test('is asked for after the password, of that person alone, and the tokens say what happened', async () => {
    const { op, aliceKey } = await stage()
    const who = browser(op)
    const { url, code_verifier } = authorizationUrl(op.issuer, demo)
    const page = pageOf(await withPassword(who, alice, url))
    expect(new URL(page.url).pathname).toBe('/passkeys/second_factor')
    expect(hasSession(who)).toBe(false)
    const options = optionsIn<RequestOptions & { allowCredentials: { id: string }[] }>(page)
    expect(options.allowCredentials.map(({ id }) => id)).toEqual([aliceKey.id.toString('base64url')])
    let landing = await prove(op, who, page, aliceKey)
    if (landing.page) landing = await who.press(landing.page, 'allow')
    const code = landing.location!.searchParams.get('code')!
    const { body } = await redeem(op, demo, { code, code_verifier })
    expect(claimsOf(body.id_token)).toMatchObject({ acr: 'phr', amr: ['pwd', 'pop', 'user', 'mfa'] })
  })

  test('is not another person’s, not one of a sign-in, and not used twice', async () => {
    const { op, aliceKey, bobKey } = await stage()
    const who = browser(op)
    const page = pageOf(await withPassword(who))
    const stolen = await prove(op, who, page, bobKey)
    expect([stolen.page!.status, at(stolen)]).toEqual([401, '/passkeys/second_factor'])
    // the challenge of this page, at the door for everybody
    const options = optionsIn<RequestOptions>(stolen.page!)
    const other = browser(op)
    const elsewhere = pageOf(await other.open('/login'))
    const crossed = await answer(other, elsewhere, get(op.issuer, options, aliceKey))
    expect(crossed.page!.status).toBe(401)
    expect(hasSession(who) || hasSession(other)).toBe(false)
    const fresh = pageOf(await who.open(page.url))
    const json = get(op.issuer, optionsIn<RequestOptions>(fresh), aliceKey)
    expect(at(await answer(who, fresh, json))).toBe('/account/passkeys')
    const again = browser(op)
    const replayed = await answer(again, pageOf(await withPassword(again)), json)
    expect(replayed.page!.status).toBe(401)
    expect(hasSession(again)).toBe(false)
  })

  test('cannot be walked round: neither by the account, nor by making one more', async () => {
    const { op } = await stage()
    const who = browser(op)
    const page = pageOf(await withPassword(who))
    const { search } = new URL(page.url)
    expect(at(await who.open('/account/passkeys/add'))).toBe('/login')
    who.cookies.set('latchkey_passkey_able', '1')
    expect(at(await who.open(`/passkeys/enrol${search}`))).toBe('/passkeys/second_factor')
    expect(at(await who.open(`/authorize/resume${search}`))).toBe('/login')
    expect(hasSession(who)).toBe(false)
  })

  test('is not asked for after a passkey alone, which is two factors in one', async () => {
    const { op, aliceKey } = await stage()
    const who = browser(op)
    await signInWith(op.issuer, op.fetch, who, aliceKey)
    expect(hasSession(who)).toBe(true)
  })

  test('stays as long as it is the last of somebody who must have one', async () => {
    const { op, aliceKey } = await stage()
    const who = browser(op)
    await signInWith(op.issuer, op.fetch, who, aliceKey)
    const list = pageOf(await who.open('/account/passkeys'))
    const link = /\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec(list.html)![0]
    const page = pageOf(await who.open(link))
    expect(page.forms.flatMap(({ buttons }) => buttons)).not.toContain('remove')
  })
})

describe('who has a passkey to be faster', () => {
  test('still signs in with the password alone, and cannot take the passkey away with it', async () => {
    const op = await provider()
    const who = browser(op)
    await withPassword(who)
    const key = await addPasskey(op.issuer, who)
    const later = browser(op)
    expect(at(await withPassword(later))).toBe('/account/passkeys')
    const list = pageOf(await later.open('/account/passkeys'))
    const link = /\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec(list.html)![0]
    expect(at(await later.open(link))).toBe('/passkeys/second_factor')
    await prove(op, later, pageOf(await later.open(link)), key)
    const removed = await later.press(pageOf(await later.open(link)), 'remove')
    expect(removed.page!.url).toEndWith('?done=removed')
  })

  test('reaches phr with it where an application asks for that', async () => {
    const op = await provider()
    const who = browser(op)
    await withPassword(who)
    const key = await addPasskey(op.issuer, who)
    const later = browser(op)
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'phr' } } })
    const { url, code_verifier } = authorizationUrl(op.issuer, demo, { claims })
    let landing = await withPassword(later, alice, url)
    const { search } = new URL(pageOf(landing).url)
    landing = await later.open(`/passkeys/enrol${search}`)
    expect(at(landing)).toBe('/passkeys/second_factor')
    landing = await prove(op, later, pageOf(landing), key)
    if (landing.page) landing = await later.press(landing.page, 'allow')
    const code = landing.location!.searchParams.get('code')!
    const { body } = await redeem(op, demo, { code, code_verifier })
    expect(claimsOf(body.id_token)).toMatchObject({ acr: 'phr' })
  })
})

test('who must have a second factor and has none makes a passkey on the way in, and then uses it', async () => {
  const op = await provider({ env: { SECOND_FACTOR: 'required' } })
  const who = browser(op)
  const setUp = pageOf(await withPassword(who))
  expect(setUp.html).toContain('/passkeys/enrol?')
  const page = pageOf(await who.open(`/passkeys/enrol${new URL(setUp.url).search}`))
  // A duty is not put off: the page offers the other ways instead.
  for (const text of ['Sign in faster next time?', 'Not now']) expect(page.html).not.toContain(text)
  expect(page.html).toContain('Try another way')
  expect(at(await who.press(page, 'later'))).toBe(new URL(setUp.url).pathname)
  const spare = optionsIn<CreationOptions>(pageOf(await who.open(page.url)))
  const { credential, json } = create(op.issuer, optionsIn<CreationOptions>(page))
  const next = await answer(who, page, json)
  expect([at(next), hasSession(who)]).toEqual(['/passkeys/second_factor', false])
  // Of the same person at the same place, and still of another purpose.
  const crossed = get(
    op.issuer,
    { ...optionsIn<RequestOptions>(next.page!), challenge: spare.challenge },
    credential,
  )
  expect((await answer(who, next.page!, crossed)).page!.status).toBe(401)
  const again = pageOf(await who.open(next.page!.url))
  expect(at(await prove(op, who, again, credential))).toBe('/account/passkeys')
})

test('who is half signed in cannot bring a passkey of their own where another factor is set up', async () => {
  const { op } = await stageWithApp()
  const thief = browser(op)
  thief.cookies.set('latchkey_passkey_able', '1')
  const asked = pageOf(await withPassword(thief))
  expect(new URL(asked.url).pathname).toBe('/second-factor/totp')
  expect(at(await thief.open(`/passkeys/enrol${new URL(asked.url).search}`))).toBe('/second-factor/totp')
  expect(hasSession(thief)).toBe(false)
})

test('a session that began long ago is not raised by a passkey made just now', async () => {
  const op = await provider()
  const who = browser(op)
  await withPassword(who)
  op.clock.advance(11 * minute)
  const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'phr' } } })
  const setUp = pageOf(await who.open(authorizationUrl(op.issuer, demo, { claims }).url))
  const { search, pathname } = new URL(setUp.url)
  expect(pathname).toBe('/login')
  expect(at(await who.open(`/passkeys/enrol${search}`))).toBe('/login')
})

test('a challenge for one person is not for the next one in the same browser', async () => {
  const op = await provider({ env: { SECOND_FACTOR: 'required' } })
  const who = browser(op)
  const login = pageOf(await who.open('/login'))
  const { search } = new URL(pageOf(await who.press(login, 'login', alice)).url)
  const { json } = create(
    op.issuer,
    optionsIn<CreationOptions>(pageOf(await who.open(`/passkeys/enrol${search}`))),
  )
  await who.press(login, 'login', bob)
  const page = pageOf(await who.open(`/passkeys/enrol${search}`))
  expect(pageOf(await answer(who, page, json)).status).toBe(400)
})
