/** Passkeys as a person without a camera on them would see it: made, named, used, removed, offered; what tokens say of it. */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { Event } from '../../src/models/event.ts'
import {
  algorithms,
  create,
  type CreationOptions,
  get,
  type RequestOptions,
} from '../support/security_key.ts'
import { authorizationUrl, claimsOf, demo } from '../support/client.ts'
import { alice, bob, browser, minute, redeem } from '../support/flow.ts'
import { addPasskey, answer, optionsIn, pageOf, provePasskey, signInWith } from '../support/passkeys.ts'
import type { Landing, Person } from '../support/person.ts'
import { type Provider, provider, type ProviderOptions } from '../support/provider.ts'

/** Alice, signed in with her password at the page of her passkeys. */
async function signedIn(options: ProviderOptions = {}, account = alice) {
  const op = await provider(options)
  const who = browser(op)
  const page = pageOf(await who.open('/account/passkeys'))
  const landing = await who.press(page, 'login', account)
  expect(landing.page?.url).toEndWith('/account/passkeys')
  return { op, who }
}

const sub = async (op: Provider, name: string) => (await User.findByUsername(op.context, name))!.sub
const kinds = async (op: Provider, name = 'alice') =>
  (await Event.listOfUser(op.context, await sub(op, name))).map(({ kind, detail }) => [kind, detail])
const path = ({ page }: Landing) => page && new URL(page.url).pathname

/** Through consent to the code, and what its ID Token says. */
async function idTokenBy(op: Provider, who: Person, credential: Parameters<typeof signInWith>[3], more = {}) {
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, more)
  let landing = await signInWith(op.issuer, op.fetch, who, credential, { url })
  if (landing.page) landing = await who.press(landing.page, 'allow')
  const code = landing.location!.searchParams.get('code')!
  const { body } = await redeem(op, demo, { code, code_verifier })
  return claimsOf(body.id_token)
}

describe('a passkey', () => {
  test('is made on the page of the account, signs in alone, and the tokens say so', async () => {
    const { op, who } = await signedIn()
    const credential = await addPasskey(op.issuer, who)
    const claims = await idTokenBy(op, browser(op), credential)
    expect(claims).toMatchObject({ sub: await sub(op, 'alice'), acr: 'phr', amr: ['pop', 'user', 'mfa'] })
    expect((await kinds(op)).map(([kind]) => kind)).toContain('passkey_added')
    expect(op.context.acrValues).toContain('phr')
  })

  for (const alg of algorithms)
    test(`may have a key for ${alg}`, async () => {
      const { op, who } = await signedIn()
      const page = pageOf(await who.open('/account/passkeys/add'))
      const { credential, json } = create(op.issuer, optionsIn<CreationOptions>(page), {}, alg)
      await answer(who, page, json)
      expect(path(await signInWith(op.issuer, op.fetch, browser(op), credential))).not.toBe(
        '/passkeys/sign_in',
      )
    })

  test('is asked for with user verification, discoverable, without attestation, under a name that tells nothing', async () => {
    const { op, who } = await signedIn()
    const options = optionsIn<CreationOptions & Record<string, unknown>>(
      pageOf(await who.open('/account/passkeys/add')),
    )
    expect(options).toMatchObject({
      rp: { id: 'localhost', name: 'Latchkey' },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
      excludeCredentials: [],
    })
    const { user_handle } = { user_handle: options.user.id }
    expect(Buffer.from(user_handle, 'base64url')).toHaveLength(32)
    for (const known of [await sub(op, 'alice'), 'alice'])
      expect(Buffer.from(user_handle, 'base64url').toString('latin1')).not.toContain(known)
    const first = await addPasskey(op.issuer, who)
    const again = optionsIn<CreationOptions & { excludeCredentials: { id: string }[] }>(
      await provePasskey(op.issuer, who, first),
    )
    expect(again.user.id).toBe(user_handle)
    expect(again.excludeCredentials.map(({ id }) => id)).toEqual([first.id.toString('base64url')])
    expect(again.challenge).not.toBe(options.challenge)
  })

  test('has a name that its owner changes, and never a long or an empty one', async () => {
    const { op, who } = await signedIn()
    await addPasskey(op.issuer, who)
    const page = pageOf(await who.open('/account/passkeys'))
    const named = await who.press(page, 'rename', { name: ' Grey <b>laptop</b>\u202e ' })
    expect(named.page!.html).toContain('Grey &lt;b&gt;laptop&lt;/b&gt;')
    for (const name of ['', ' \u200b ', 'x'.repeat(61)]) {
      const refused = await who.press(page, 'rename', { name })
      expect(refused.page!.status).toBe(400)
      expect(refused.page!.html).toContain('1 to 60 characters')
    }
  })

  test('cannot be renamed or removed by another person', async () => {
    const { op, who } = await signedIn()
    const credential = await addPasskey(op.issuer, who)
    const other = browser(op)
    await other.press(pageOf(await other.open('/account/passkeys')), 'login', bob)
    await provePasskey(op.issuer, other, await addPasskey(op.issuer, other))
    const list = pageOf(await other.open('/account/passkeys'))
    const [, key = ''] = /remove\?passkey=([\w-]{43})/.exec(pageOf(await who.open('/account/passkeys')).html)!
    await other.press(list, 'rename', { passkey: key, name: 'mine now' })
    expect(path(await other.open(`/account/passkeys/remove?passkey=${key}`))).toBe('/account/passkeys')
    const remove = pageOf(
      await other.open(/\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec(list.html)![0]),
    )
    await other.press(remove, 'remove', { passkey: key })
    expect(pageOf(await who.open('/account/passkeys')).html).not.toContain('mine now')
    expect(path(await signInWith(op.issuer, op.fetch, browser(op), credential))).not.toBe('/passkeys/sign_in')
  })

  test('is removed after a fresh sign-in with it alone, and then opens nothing', async () => {
    const { op, who } = await signedIn()
    const credential = await addPasskey(op.issuer, who)
    const link = /\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec(
      pageOf(await who.open('/account/passkeys')).html,
    )![0]
    op.clock.advance(11 * minute)
    const asked = pageOf(await who.open(link))
    expect(new URL(asked.url).pathname).toBe('/login')
    const owed = pageOf(await who.press(asked, 'login', alice))
    expect(new URL(owed.url).pathname).toBe('/passkeys/second_factor')
    const back = pageOf(await answer(who, owed, get(op.issuer, optionsIn<RequestOptions>(owed), credential)))
    expect(back.url).toEndWith(link)
    expect((await who.press(back, 'remove')).page!.url).toEndWith('?done=removed')
    const refused = await signInWith(op.issuer, op.fetch, browser(op), credential)
    expect(refused.page!.status).toBe(401)
    expect((await kinds(op)).map(([kind]) => kind)).toContain('passkey_removed')
  })

  test('is added after a fresh sign-in alone', async () => {
    const { op, who } = await signedIn()
    op.clock.advance(11 * minute)
    expect(path(await who.open('/account/passkeys/add'))).toBe('/login')
  })

  test('of somebody who has nothing else stays', async () => {
    const { op, who } = await signedIn()
    await provePasskey(op.issuer, who, await addPasskey(op.issuer, who))
    await User.update(op.context, await sub(op, 'alice'), ({ password_hash: _, ...user }) => user)
    const link = () =>
      who
        .open('/account/passkeys')
        .then((at) => /\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec(pageOf(at).html)![0])
    const page = pageOf(await who.open(await link()))
    expect(page.html).toContain('your only way to sign in')
    expect(page.forms.flatMap(({ buttons }) => buttons)).not.toContain('remove')
    // With one more, one may go; the form seen before does not take the last.
    await addPasskey(op.issuer, who)
    const spare = pageOf(await who.open(await link()))
    expect((await who.press(spare, 'remove')).page!.url).toEndWith('?done=removed')
    const last = pageOf(await who.open('/account/passkeys'))
    const key = /passkey=([\w-]{43})/.exec(last.html)![1]!
    const refused = await who.press(spare, 'remove', { passkey: key })
    expect(refused.page!.status).toBe(400)
    expect(pageOf(await who.open('/account/passkeys')).html).toContain(key)
  })

  test('of somebody disabled opens nothing', async () => {
    const { op, who } = await signedIn()
    const credential = await addPasskey(op.issuer, who)
    await User.update(op.context, await sub(op, 'alice'), (user) => ({ ...user, disabled: true }))
    expect((await signInWith(op.issuer, op.fetch, browser(op), credential)).page!.status).toBe(401)
  })

  test('is one of twenty at most', async () => {
    const { op, who } = await signedIn()
    await provePasskey(op.issuer, who, await addPasskey(op.issuer, who))
    for (let made = 1; made < 20; made++) await addPasskey(op.issuer, who)
    const page = pageOf(await who.open('/account/passkeys/add'))
    const { json } = create(op.issuer, optionsIn<CreationOptions>(page))
    const refused = await answer(who, page, json)
    expect([refused.page!.status, refused.page!.html.includes('maximum number of passkeys')]).toEqual([
      400,
      true,
    ])
  })

  test('is in the export, without its key, and gone with the account', async () => {
    const { op, who } = await signedIn()
    const credential = await addPasskey(op.issuer, who)
    const data = op.context.table.personData.find(({ name }) => name === 'passkeys')!
    const read = JSON.stringify(await data.read(op.context, await sub(op, 'alice')))
    expect(read).toContain('"transports":["internal"]')
    expect(read).not.toContain(credential.id.toString('base64url'))
    await data.erase(op.context, await sub(op, 'alice'))
    await data.erase(op.context, await sub(op, 'alice'))
    expect(await data.read(op.context, await sub(op, 'alice'))).toEqual([])
    expect((await signInWith(op.issuer, op.fetch, browser(op), credential)).page!.status).toBe(401)
  })
})

describe('the offer after a password', () => {
  const able = (who: Person) => who.cookies.set('latchkey_passkey_able', '1')
  const signIn = async (who: Person) => who.press(pageOf(await who.open('/login')), 'login', alice)

  test('comes where the browser can, and takes the person on once there is one', async () => {
    const op = await provider()
    const who = browser(op)
    able(who)
    const page = pageOf(await signIn(who))
    expect(new URL(page.url).pathname).toBe('/passkeys/enrol')
    const { credential, json } = create(op.issuer, optionsIn<CreationOptions>(page))
    expect(path(await answer(who, page, json))).not.toBe('/passkeys/enrol')
    expect(path(await signInWith(op.issuer, op.fetch, browser(op), credential))).not.toBe('/passkeys/sign_in')
    const again = browser(op)
    able(again)
    expect(path(await signIn(again))).not.toBe('/passkeys/enrol')
  })

  test('"Not now" is respected for ninety days, in every browser', async () => {
    const op = await provider()
    for (const expected of ['/passkeys/enrol', undefined]) {
      const who = browser(op)
      able(who)
      const landing = await signIn(who)
      expect(path(landing) === '/passkeys/enrol').toBe(expected !== undefined)
      if (expected) expect(path(await who.press(landing.page!, 'later'))).not.toBe('/passkeys/enrol')
      expect(path(await who.open('/account/passkeys'))).toBe('/account/passkeys')
    }
    op.clock.advance(91 * 24 * 60 * minute)
    const later = browser(op)
    able(later)
    expect(path(await signIn(later))).toBe('/passkeys/enrol')
  })

  test('never comes without JavaScript, after a passkey, or where it is switched off', async () => {
    const op = await provider()
    expect(path(await signIn(browser(op)))).not.toBe('/passkeys/enrol')
    const off = await provider({ env: { PASSKEY_OFFER: 'false' } })
    const who = browser(off)
    able(who)
    expect(path(await signIn(who))).not.toBe('/passkeys/enrol')
  })
})

describe('the feature', () => {
  test('is left out where it is off, and where the issuer is no domain', async () => {
    for (const env of [{ PASSKEYS: 'false' }, { ISSUER_URL: 'http://127.0.0.1:5000' }] as Record<
      string,
      string
    >[]) {
      const op = await provider({ env })
      const off = await import('../../src/table.ts')
      expect(off.featuresFor(op.context.config).map(({ name }) => name)).not.toContain('passkeys')
    }
  })
})
