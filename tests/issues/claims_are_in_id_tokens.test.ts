/** A client that reads the End-User from the ID Token alone finds the claims of its scopes there. */
import { afterAll, describe, expect, test } from 'bun:test'
import { authorizationUrl, claimsOf, type ClientMembers, type Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import {
  alice,
  authorize,
  browser,
  operatorClient,
  post,
  read,
  redeem,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Provider, provider, type ProviderOptions } from '../support/provider.ts'

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const ciba = 'urn:openid:params:grant-type:ciba'
const everything = 'openid profile email phone address'
const attributes = {
  CUSTOM_SCOPES: JSON.stringify({ org: { description: 'See it', claims: { organization: 'org' } } }),
}

const grown = {
  grant_types: ['authorization_code', 'refresh_token', 'implicit', device, ciba],
  response_types: ['code', 'id_token', 'id_token token', 'code id_token', 'code id_token token'],
  backchannel_token_delivery_mode: 'poll',
  require_pkce: false,
}

async function at(members: ClientMembers, options: ProviderOptions = {}) {
  const op = await provider(options)
  const client = await operatorClient(op, { ...grown, client_id: 'reader', ...members })
  return { op, client }
}
const reading = { include_claims_in_id_token: true }

/** What userinfo says and the ID Token does not, and the reverse for claims about the End-User. */
async function missing(op: Provider, tokens: { access_token: string; id_token: string }) {
  const { body } = await userinfo(op, tokens.access_token)
  const said = claimsOf(tokens.id_token)
  return Object.entries(body).filter(([name, value]) => !Bun.deepEquals(said[name], value))
}

describe('a client with include_claims_in_id_token', () => {
  test('code flow and refresh: all that userinfo says', async () => {
    const { op, client } = await at(reading)
    const tokens = await tokensOf(op, browser(op), client, { scope: `${everything} offline_access` })
    expect(await missing(op, tokens)).toEqual([])
    expect(claimsOf(tokens.id_token)).toMatchObject({ name: 'Alice Adams', email: 'alice@example.com' })
    const again = (await refresh(op, client, tokens.refresh_token)).body as never
    expect(await missing(op, again)).toEqual([])
    expect(claimsOf((again as Json).id_token)).toMatchObject({ email: 'alice@example.com' })
  })

  test('a scope that was not granted, or that a refresh leaves out, gives no claim', async () => {
    const { op, client } = await at(reading)
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid email offline_access' })
    expect(claimsOf(tokens.id_token)).toHaveProperty('email')
    for (const name of ['name', 'preferred_username', 'phone_number', 'address', 'updated_at'])
      expect(claimsOf(tokens.id_token)).not.toHaveProperty(name)
    const narrow = await refresh(op, client, tokens.refresh_token, { scope: 'openid' })
    expect(claimsOf(narrow.body.id_token)).not.toHaveProperty('email')
  })

  test('device flow', async () => {
    const { op, client } = await at(reading)
    const { body: asked } = await post(op, '/device_authorization', client, { scope: 'openid email' })
    const who = browser(op)
    const login = await who.open(String(asked.verification_uri_complete))
    const entered = await who.press(login.page!, 'login', alice)
    const confirm = await who.press(entered.page!, 'continue', { user_code: String(asked.user_code) })
    await who.press(confirm.page!, 'allow')
    op.clock.advance(10_000)
    const device_code = String(asked.device_code)
    const { body } = await post(op, '/token', client, { grant_type: device, device_code })
    expect(claimsOf(body.id_token)).toMatchObject({ email: 'alice@example.com' })
  })

  test('claims of custom scopes, and of the claims parameter beside them', async () => {
    const { op, client } = await at({ ...reading, scope: 'openid email profile org' }, { env: attributes })
    const { User } = await import('../../src/models/user.ts')
    await User.update(op.context, 'user-alice', (user) => ({ ...user, attributes: { org: 'Example' } }))
    const claims = JSON.stringify({ id_token: { nickname: null, nothing: null } })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid org', claims })
    expect(claimsOf(tokens.id_token)).toMatchObject({ organization: 'Example', nickname: 'ally' })
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('name')
  })

  test('what says who signed in, where and when is never a claim of the End-User', async () => {
    const { op, client } = await at({ ...reading, scope: 'openid profile' })
    const { User } = await import('../../src/models/user.ts')
    const forged = { sub: 'x', iss: 'x', aud: 'x', nonce: 'x', acr: 'x', sid: 'x', at_hash: 'x', azp: 'x' }
    await User.update(op.context, 'user-alice', (user) => ({
      ...user,
      claims: { ...user.claims, ...forged },
    }))
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid profile' })
    for (const value of Object.values(claimsOf(tokens.id_token))) expect(value).not.toBe('x')
  })
})

describe('the redirect', () => {
  /** The ID Token of a redirect, and the tokens of its code. */
  async function front(response_type: string, members: ClientMembers, options: ProviderOptions = {}) {
    const { op, client } = await at(members, options)
    const { url, code_verifier } = authorizationUrl(op.issuer, client, { response_type, scope: everything })
    const location = await browser(op).goThrough(url, alice)
    const sent = new URLSearchParams(location.hash.slice(1))
    const code = sent.get('code')
    const { body } = code === null ? { body: {} as Json } : await redeem(op, client, { code, code_verifier })
    return { shown: claimsOf(sent.get('id_token')), redeemed: body.id_token && claimsOf(body.id_token) }
  }

  test.each(['id_token token', 'code id_token', 'code id_token token'])(
    '%s carries no claims of scopes, whatever the client registered',
    async (type) => {
      for (const env of [{}, { PROFILE: 'classic' }]) {
        const { shown, redeemed } = await front(type, reading, { env })
        for (const name of ['name', 'email', 'phone_number', 'address'])
          expect(shown).not.toHaveProperty(name)
        if (type.startsWith('code')) expect(redeemed).toMatchObject({ email: 'alice@example.com' })
      }
    },
  )

  test('id_token alone carries them, because there is no userinfo (Core §5.4)', async () => {
    expect((await front('id_token', {})).shown).toMatchObject({ email: 'alice@example.com' })
    const refusing = { include_claims_in_id_token: false }
    expect((await front('id_token', refusing)).shown).toMatchObject({ email: 'alice@example.com' })
  })
})

describe('ID_TOKEN_CLAIMS and the member decide', () => {
  const rows: [env: Record<string, string>, member: boolean | undefined, has: boolean][] = [
    [{}, undefined, false],
    [{}, false, false],
    [{}, true, true],
    [{ PROFILE: 'classic' }, undefined, true],
    [{ PROFILE: 'classic' }, false, false],
    [{ PROFILE: 'classic', ID_TOKEN_CLAIMS: 'by_client' }, undefined, false],
    [{ ID_TOKEN_CLAIMS: 'every_client' }, undefined, true],
  ]
  test.each(rows)('%o, %p: %p', async (env, member, has) => {
    const members = member === undefined ? {} : { include_claims_in_id_token: member }
    const { op, client } = await at(members, { env })
    const { id_token } = await tokensOf(op, browser(op), client, { scope: everything })
    expect('email' in claimsOf(id_token)).toBe(has)
  })

  test('a client may register it, and it is metadata', async () => {
    const op = await provider()
    const register = async (more: object) => {
      const body = JSON.stringify({ redirect_uris: ['https://app.example/cb'], ...more })
      const headers = { 'content-type': 'application/json' }
      return read(await op.fetch('/register', { method: 'POST', body, headers }))
    }
    const { body } = await register(reading)
    expect(body.include_claims_in_id_token).toBe(true)
    const client = {
      client_id: String(body.client_id),
      client_secret: String(body.client_secret),
      redirect_uri: 'https://app.example/cb',
    }
    const authorized = await authorize(op, browser(op), client, { scope: everything })
    const tokens = await redeem(op, client, authorized)
    expect(claimsOf(tokens.body.id_token)).toMatchObject({ email: 'alice@example.com' })
    expect((await register({})).body).not.toHaveProperty('include_claims_in_id_token')
    expect((await register({ include_claims_in_id_token: 'yes' })).body.error).toBe('invalid_client_metadata')
  })
})

describe('latchkey client add', () => {
  const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
  afterAll(line.remove)
  const add = (...options: string[]) => line.json<Json>('client', 'add', 'Client', '--json', ...options)
  const callback = ['--redirect-uri', 'https://app.example/cb']

  test('turns it on for clients of End-Users, and takes no for an answer', async () => {
    const made = await add(...callback)
    expect(made.include_claims_in_id_token).toBe(true)
    expect((await add(...callback, '--no-id-token-claims')).include_claims_in_id_token).toBe(false)
    await Bun.write(`${line.folder}/no.json`, '{"include_claims_in_id_token":false}')
    expect((await add(...callback, '--metadata', 'no.json')).include_claims_in_id_token).toBe(false)
    const service = await add('--grant-type', 'client_credentials')
    expect(service).not.toHaveProperty('include_claims_in_id_token')
    const tv = await add('--public', '--grant-type', device)
    expect(tv.include_claims_in_id_token).toBe(true)
    const id = String(made.client_id)
    const off = await line.json<Json>('client', 'set', id, '--no-id-token-claims', '--json')
    expect(off.include_claims_in_id_token).toBe(false)
    const on = await line.json<Json>('client', 'set', id, '--id-token-claims', '--json')
    expect(on.include_claims_in_id_token).toBe(true)
    const both = await line.latchkey(['client', 'set', id, '--id-token-claims', '--no-id-token-claims'])
    expect(both.stderr).toContain('exclude each other')
  }, 60_000)
})
