/** An attacker with the password of an End-User who has a passkey could set up other factors, reach higher levels and remove the passkey. Issue 8, A.4 */
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, claimsOf, demo } from '../support/client.ts'
import { afterCodes, codeOf, pathOf, seedOn, withPassword } from '../support/authenticator.ts'
import { alice, browser, operatorClient, redeem } from '../support/flow.ts'
import { addPasskey, answer, optionsIn, pageOf } from '../support/passkeys.ts'
import type { Landing, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { type Credential, get, type RequestOptions } from '../support/security_key.ts'

const proof = '/passkeys/second_factor'
const asked: Record<string, string>[] = [{}, { SECOND_FACTORS: 'totp recovery' }]

/** Alice has a passkey and no other factor. */
async function stage(env: Record<string, string> = {}) {
  const op = await provider({ env })
  const owner = browser(op)
  await withPassword(owner)
  const key = await addPasskey(op.issuer, owner)
  return { op, owner, key }
}

/** A browser that is signed in with the password alone. */
async function signedIn(op: Provider): Promise<Person> {
  const who = browser(op)
  expect(pathOf(await withPassword(who))).toBe('/account')
  return who
}

const prove = (op: Provider, who: Person, landing: Landing, key: Credential) => {
  const page = pageOf(landing)
  return answer(who, page, get(op.issuer, optionsIn<RequestOptions>(page), key))
}

async function removalPage(who: Person): Promise<string> {
  const list = pageOf(await who.open('/account/passkeys'))
  return /\/account\/passkeys\/remove\?passkey=[\w-]{43}/.exec(list.html)![0]
}

describe.each(asked)('%j: the password alone', (env) => {
  test('changes no factor, no passkey and no recovery code', async () => {
    const { op } = await stage(env)
    const thief = await signedIn(op)
    for (const path of ['/account/factors/totp', '/account/passkeys/add', await removalPage(thief)])
      expect(pathOf(await thief.open(path)), path).toBe(proof)
    const factors = pageOf(await thief.open('/account/factors'))
    expect(pathOf(await thief.press(factors, 'make'))).toBe(proof)
    expect(pathOf(await thief.open(await removalPage(thief)))).toBe(proof)
  })

  test('opens no page that sets up a factor during a sign-in', async () => {
    const { op } = await stage(env)
    const thief = browser(op)
    thief.cookies.set('latchkey_passkey_able', '1')
    const { url } = authorizationUrl(op.issuer, demo, { acr_values: 'urn:latchkey:2fa' })
    const { search } = new URL(pageOf(await thief.press(pageOf(await thief.open(url)), 'login', alice)).url)
    for (const path of ['/second-factor/set-up', '/second-factor/totp/set-up', '/passkeys/enrol'])
      expect([proof, '/second-factor'], path).toContain(pathOf(await thief.open(path + search)))
    const qr = await thief.open(`/second-factor/totp/set-up/qr${search}`)
    expect(pathOf(qr)).toBe('/second-factor')
  })

  const wish = (level: string) => ({
    claims: JSON.stringify({ id_token: { acr: { values: [level] } } }),
  })
  const levels: [what: string, more: Record<string, string>, declined: string][] = [
    ['a voluntary level', wish('urn:latchkey:2fa'), 'urn:latchkey:1fa'],
    ['a voluntary phr', wish('phr'), 'urn:latchkey:1fa'],
    ['acr_values', { acr_values: 'phr' }, 'unmet_authentication_requirements'],
    [
      'an essential level',
      { claims: JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:latchkey:2fa' } } }) },
      'unmet_authentication_requirements',
    ],
  ]
  test.each(levels)('reaches no level: %s', async (_, more, declined) => {
    const { op, key } = await stage(env)
    const { url, code_verifier } = authorizationUrl(op.issuer, demo, more)
    const finish = async (who: Person, from: Landing) => {
      const landing = from.page?.forms.some(({ buttons }) => buttons.includes('allow'))
        ? await who.press(from.page, 'allow')
        : from
      const code = landing.location?.searchParams.get('code')
      if (!code) return landing.location?.searchParams.get('error')
      return claimsOf((await redeem(op, demo, { code, code_verifier })).body.id_token).acr
    }
    for (const session of [false, true]) {
      const thief = session ? await signedIn(op) : browser(op)
      let landing = await thief.open(url)
      if (!session) landing = await thief.press(pageOf(landing), 'login', alice)
      expect(pathOf(landing)).toBe(proof)
      const choices = pageOf(await thief.open(`/second-factor${new URL(pageOf(landing).url).search}`))
      expect(await finish(thief, await thief.press(choices, 'decline'))).toBe(declined)
    }
    const owner = await signedIn(op)
    const reached = await finish(owner, await prove(op, owner, await owner.open(url), key))
    expect(['urn:latchkey:2fa', 'phr']).toContain(String(reached))
  })

  test('signs in to no client that requires a second factor, and is offered no way on without one', async () => {
    const { op, key } = await stage(env)
    const client = await operatorClient(op, { client_id: 'strict', require_second_factor: true } as never)
    const who = browser(op)
    const { url } = authorizationUrl(op.issuer, client, { scope: 'openid' })
    const landing = await who.press(pageOf(await who.open(url)), 'login', alice)
    expect(pathOf(landing)).toBe(proof)
    const { search } = new URL(pageOf(landing).url)
    const choices = pageOf(await who.open(`/second-factor${search}`))
    expect(choices.forms.flatMap(({ buttons }) => buttons)).not.toContain('decline')
    const through = await prove(op, who, await who.open(`${proof}${search}`), key)
    expect(through.location?.searchParams.has('code') ?? pathOf(through) === '/consent').toBe(true)
  })

  test('prompt=none with a voluntary level shows no page and reports the level that was reached', async () => {
    const { op, owner } = await stage(env)
    await owner.goThrough(authorizationUrl(op.issuer, demo).url)
    const thief = await signedIn(op)
    const { url, code_verifier } = authorizationUrl(op.issuer, demo, { prompt: 'none', ...wish('phr') })
    const code = (await thief.open(url)).location?.searchParams.get('code') ?? ''
    const { body } = await redeem(op, demo, { code, code_verifier })
    expect(claimsOf(body.id_token).acr).toBe('urn:latchkey:1fa')
  })
})

describe('the owner', () => {
  test('still signs in with the password alone', async () => {
    const { op } = await stage()
    expect((await signedIn(op)).cookies.has('latchkey_session')).toBe(true)
  })

  test('proves the passkey once, then changes factors', async () => {
    const { op, key } = await stage()
    const owner = await signedIn(op)
    const app = await prove(op, owner, await owner.open('/account/factors/totp'), key)
    expect(pathOf(app)).toBe('/account/factors/totp')
    const page = pageOf(app)
    const codes = pageOf(await owner.press(page, 'verify', { code: codeOf(op, seedOn(page)) }))
    const added = await owner.open(afterCodes(codes))
    expect(pageOf(added).url).toEndWith('?done=totp_added')
    await addPasskey(op.issuer, owner)
  })

  test('who lost the passkey comes back with a recovery code; without any passkey the codes are gone', async () => {
    const { op, key } = await stage()
    const owner = await signedIn(op)
    await prove(op, owner, await owner.press(pageOf(await owner.open('/account/factors')), 'make'), key)
    const made = pageOf(await owner.press(pageOf(await owner.open('/account/factors')), 'make'))
    const [code = ''] = /(?:[a-z2-7]{4}-){5}[a-z2-7]{4}/.exec(made.html)!
    const later = await signedIn(op)
    const link = await removalPage(later)
    const { search } = new URL(pageOf(await later.open(link)).url)
    const choices = pageOf(await later.open(`/second-factor${search}`))
    expect(choices.html).toContain('/second-factor/recovery?')
    const entry = pageOf(await later.open(`/second-factor/recovery${search}`))
    const wrong = await later.press(entry, 'verify', { code: 'aaaa-aaaa-aaaa-aaaa-aaaa-aaaa' })
    expect(pageOf(wrong).status).toBe(401)
    const page = pageOf(await later.press(pageOf(wrong), 'verify', { code }))
    expect(pageOf(await later.press(page, 'remove')).url).toEndWith('?done=removed')
    const factors = pageOf(await later.open('/account/factors'))
    expect(factors.html).not.toContain('Create new recovery codes')
    await addPasskey(op.issuer, later)
    expect(pageOf(await later.open('/account/factors')).html).toContain('You don’t have any recovery codes')
  })

  test('reads the truth on the pages, and no button leads in a circle', async () => {
    const { op, owner } = await stage()
    const factors = pageOf(await owner.open('/account/factors'))
    const [, entry = ''] = /id="factor_passkey">Passkey<\/h2><p>([^<]*)</.exec(factors.html) ?? []
    expect(entry).toBe('Active')
    expect(factors.html).toContain('Your passkey protects your account.')
    expect(pageOf(await owner.open('/account')).html).toContain('Your passkey protects your account.')
    const [, link = ''] = /href="([^"]*)"[^>]*aria-labelledby="change_factor_passkey/.exec(factors.html) ?? []
    expect(pathOf(await owner.open(link))).toBe('/account/passkeys')
    // The choices of a page of the account have no button that comes back to them.
    const { search } = new URL(pageOf(await owner.open('/account/factors/totp')).url)
    const choices = pageOf(await owner.open(`/second-factor${search}`))
    expect(choices.forms.flatMap(({ buttons }) => buttons)).not.toContain('decline')
    expect(choices.html).toContain('contact your administrator')
    void op
  })
})
