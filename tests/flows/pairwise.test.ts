/** One person under a name of its own for each sector. https://openid.net/specs/openid-connect-core-1_0.html#SubjectIDTypes */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { Session } from '../../src/models/session.ts'
import { claimsOf, type Json, type TestClient } from '../support/client.ts'
import {
  alice,
  authorize,
  bob,
  browser,
  introspect,
  operatorClient,
  outcome,
  post,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, manage, register, registered } from '../support/registration.ts'

let lab: Laboratory
let server: Stranger
let op: Provider
/** What the sector's server answers with, and how often it was asked. */
let listed: string
let status: number
let asked = 0

const sectorUri = (path = '') => `https://localhost:${server.port}/sector${path}`

const env = (more: Record<string, string> = {}) => ({
  OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
  OUTBOUND_CA_PATH: lab.caPath,
  OUTBOUND_TIMEOUT_MS: '30000',
  ...more,
})

beforeAll(async () => {
  lab = laboratory()
  server = await lab.https('localhost', (_request, response) => {
    asked++
    response.writeHead(status).end(listed)
  })
})
afterAll(() => lab.close())
beforeEach(async () => {
  ;[status, listed] = [200, '[]']
  op = await provider({ env: env() })
})

const app = (host: string, more: object = {}) => ({
  redirect_uris: [`https://${host}/cb`],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid profile offline_access',
  subject_type: 'pairwise',
  ...more,
})
const make = async (host: string, more: object = {}) => asClient(await registered(op, app(host, more)))

const subOf = async (client: TestClient, who = alice, more: Record<string, string> = {}) =>
  claimsOf((await tokensOf(op, browser(op), client, { scope: 'openid', ...more }, who)).id_token).sub

describe('a name', () => {
  test('is the same for one sector, another for every other, and tells nothing', async () => {
    const [first, second, other] = [await make('a.example'), await make('a.example'), await make('b.example')]
    const names = [await subOf(first), await subOf(second), await subOf(other), await subOf(first, bob)]
    expect(names[0]).toMatch(/^[\w-]{43}$/)
    expect(names[1]).toBe(names[0]!)
    expect(new Set(names).size).toBe(3)
    expect(names).not.toContain('user-alice')
    expect(await subOf(first)).toBe(names[0]!) // and lasts
  })

  test('follows from the secret key: nobody without it can work it out or compare it', async () => {
    const client = await make('a.example')
    const here = await subOf(client)
    op = await provider({ env: env({ SECRET_KEY: 'a9Qz7Lw2Xc5Vb8Nm1Rt4Yp6Ku3Hj0Gf' }) })
    expect(await subOf(await make('a.example'))).not.toBe(here)
  })

  test('of a host is not that of its port, its path or its spelling in capitals', async () => {
    const plain = await subOf(await make('a.example'))
    for (const host of ['a.example:8443', 'a.example/other'])
      expect(await subOf(await make(host))).toBe(plain)
    expect(await subOf(await make('sub.a.example'))).not.toBe(plain)
  })

  test('is public unless a client asks', async () => {
    expect(await subOf(await make('a.example', { subject_type: 'public' }))).toBe('user-alice')
    const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
    expect(metadata.subject_types_supported).toEqual(['public', 'pairwise'])
  })
})

describe('every place says the same name', () => {
  for (const access_token_format of ['jwt', 'opaque'])
    test(`ID Token, ${access_token_format} access token, userinfo, introspection, refresh`, async () => {
      const client = await make('a.example', { access_token_format })
      const tokens = await tokensOf(op, browser(op), client, { scope: 'openid profile offline_access' })
      const { sub } = claimsOf(tokens.id_token)
      expect(sub).not.toBe('user-alice')
      if (access_token_format === 'jwt') expect(claimsOf(tokens.access_token).sub).toBe(sub)
      expect((await userinfo(op, tokens.access_token)).body.sub).toBe(sub)

      for (const token of [tokens.access_token, tokens.refresh_token]) {
        const said = await introspect(op, token, client)
        expect(said).toMatchObject({ active: true, sub: sub as string })
        expect(said).not.toHaveProperty('username') // it would be the same at every sector
        expect(JSON.stringify(said)).not.toContain('alice')
      }
      const again = (await refresh(op, client, tokens.refresh_token)).body
      expect(claimsOf(again.id_token).sub).toBe(sub)
      expect((await userinfo(op, String(again.access_token))).body.sub).toBe(sub)
    })

  test('a public client’s own introspection still says who signs in', async () => {
    const client = await make('a.example', { subject_type: 'public' })
    const { access_token } = await tokensOf(op, browser(op), client, { scope: 'openid' })
    expect(await introspect(op, access_token, client)).toMatchObject({ sub: 'user-alice', username: 'alice' })
  })

  test('an API that asks about a token hears the name that the client knows', async () => {
    const client = await make('a.example')
    const api = await operatorClient(op, { client_id: 'an-api', resource_server: true })
    const { access_token, id_token } = await tokensOf(op, browser(op), client, { scope: 'openid' })
    expect((await introspect(op, access_token, api)).sub).toBe(claimsOf(id_token).sub)
  })

  test('a logout hint ends the session it speaks of', async () => {
    const client = await make('a.example')
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, client, { scope: 'openid' })
    await who.open(`${op.issuer}/logout?id_token_hint=${id_token}`)
    expect(await outcome(op, who, { scope: 'openid', prompt: 'none' }, client)).toBe('error:login_required')
  })
})

describe('hints at whom a request is about', () => {
  test('id_token_hint: one’s own name is understood, another person’s is not this one', async () => {
    const client = await make('a.example')
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, client, { scope: 'openid' })
    const silent = (id_token_hint: string) =>
      outcome(op, who, { scope: 'openid', prompt: 'none', id_token_hint }, client)
    expect(await silent(id_token)).toBe('code')
    const others = await tokensOf(op, browser(op), client, { scope: 'openid' }, bob)
    expect(await silent(others.id_token)).toBe('error:login_required')
  })

  test('a hint of another sector does not tell whether both mean one person', async () => {
    const [mine, theirs] = [await make('a.example'), await make('b.example')]
    const who = browser(op)
    await tokensOf(op, who, mine, { scope: 'openid' })
    const { id_token } = await tokensOf(op, who, theirs, { scope: 'openid' })
    const more = { scope: 'openid', prompt: 'none', id_token_hint: id_token }
    expect(await outcome(op, who, more, mine)).toBe('error:login_required')
    const claims = JSON.stringify({ id_token: { sub: { value: claimsOf(id_token).sub } } })
    const asked = { scope: 'openid', prompt: 'none', claims }
    expect(await outcome(op, who, asked, mine)).toBe('error:login_required')
  })

  test('claims.sub: the name at this client is meant, the public one is nobody', async () => {
    const client = await make('a.example')
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, client, { scope: 'openid' })
    const silent = (value: unknown) =>
      outcome(
        op,
        who,
        { scope: 'openid', prompt: 'none', claims: JSON.stringify({ id_token: { sub: { value } } }) },
        client,
      )
    expect(await silent(claimsOf(id_token).sub)).toBe('code')
    expect(await silent('user-alice')).toBe('error:login_required')
  })
})

describe('sector_identifier_uri', () => {
  const hosts = ['https://a.example/cb', 'https://b.example/cb']

  test('joins several hosts, and clients with it are one sector', async () => {
    listed = JSON.stringify([...hosts, 'https://c.example/cb'])
    const more = { sector_identifier_uri: sectorUri() }
    const both = await make('', { ...more, redirect_uris: hosts })
    const third = await make('c.example', more)
    expect(await subOf(third)).toBe(await subOf(both))
    expect(await subOf(both)).not.toBe(await subOf(await make('a.example')))
    expect(await Client.find(op.context, both.client_id)).toHaveProperty('sector_identifier_uri', sectorUri())
  })

  test('several hosts need one; so does a scheme without a host', async () => {
    for (const redirect_uris of [
      hosts,
      ['com.example.app:/cb'],
      ['https://a.example/cb', 'com.example.app:/cb'],
    ]) {
      const answer = await register(op, app('', { redirect_uris }))
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata'])
    }
    listed = JSON.stringify(['com.example.app:/cb'])
    const native = { redirect_uris: ['com.example.app:/cb'], sector_identifier_uri: sectorUri() }
    expect((await register(op, app('', native))).status).toBe(201)
  })

  test.each<[string, string, number]>([
    ['lists another', JSON.stringify(['https://a.example/cb/']), 200],
    ['lists one of two', JSON.stringify([hosts[0]]), 200],
    ['lists nothing', '[]', 200],
    ['is an object', JSON.stringify({ 0: hosts[0], 1: hosts[1] }), 200],
    ['is text', JSON.stringify(hosts.join(' ')), 200],
    ['is no JSON', 'x', 200],
    ['is not there', JSON.stringify(hosts), 404],
    ['is elsewhere', JSON.stringify(hosts), 302],
    ['is too large', JSON.stringify([...hosts, 'x'.repeat(70_000)]), 200],
  ])('that %s: refused, pairwise or not, and nothing is left', async (_, text, answers) => {
    ;[listed, status] = [text, answers]
    for (const subject_type of ['pairwise', 'public']) {
      const before = (await Client.list(op.context)).length
      const more = { redirect_uris: hosts, sector_identifier_uri: sectorUri(), subject_type }
      const answer = await register(op, app('', more))
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata'])
      expect((await Client.list(op.context)).length).toBe(before)
    }
  })

  test.each([
    'http://a.example/sector',
    'https://127.0.0.1/sector',
    'https://[::1]/sector',
    'https://169.254.169.254/latest/meta-data',
    'https://2130706433/sector',
    'https://localhost/sector',
    'https://user@a.example/sector',
    'file:///etc/passwd',
    'sector',
    '',
  ])('at %p: refused without asking', async (sector_identifier_uri) => {
    const before = asked
    const answer = await register(op, app('a.example', { sector_identifier_uri }))
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(asked).toBe(before)
  })

  test('of somebody else does not let a stranger in: it does not list the stranger', async () => {
    listed = JSON.stringify(hosts)
    const answer = await register(op, app('evil.example', { sector_identifier_uri: sectorUri() }))
    expect(answer.body.error).toBe('invalid_client_metadata')
  })
})

describe('a client that would like to know people by another sector’s names', () => {
  const change = async (body: Json, more: object) =>
    manage(op, 'PUT', body, body.registration_access_token, {
      client_id: body.client_id,
      ...app('mine.example'),
      ...more,
    })

  test.each<[string, object]>([
    ['moves to its host', { redirect_uris: ['https://victim.example/cb'] }],
    ['adds its host', { redirect_uris: ['https://mine.example/cb', 'https://victim.example/cb'] }],
    ['becomes public', { subject_type: 'public' }],
    ['drops the type', { subject_type: undefined }],
  ])('%s: its grants would follow', async (_, more) => {
    const body = await registered(op, app('mine.example'))
    const tokens = await tokensOf(op, browser(op), asClient(body), { scope: 'openid offline_access' })
    const answer = await change(body, more)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata'])
    const again = (await refresh(op, asClient(body), tokens.refresh_token)).body
    expect(claimsOf(again.id_token).sub).toBe(claimsOf(tokens.id_token).sub)
  })

  test('was public, and turns pairwise with its people', async () => {
    const body = await registered(op, app('mine.example', { subject_type: 'public' }))
    const more = { redirect_uris: ['https://victim.example/cb'] }
    expect((await change(body, more)).body.error).toBe('invalid_client_metadata')
    expect((await change(body, { ...more, subject_type: 'public' })).status).toBe(200)
  })

  test('names a sector document of its own host’s rival', async () => {
    listed = JSON.stringify(['https://mine.example/cb'])
    const body = await registered(op, app('mine.example'))
    const answer = await change(body, { sector_identifier_uri: sectorUri() })
    expect(answer.body.error).toBe('invalid_client_metadata')
  })

  test('writes down its redirect and asks by a grant that needs none', async () => {
    const device = 'urn:ietf:params:oauth:grant-type:device_code'
    op = await provider({
      env: env({ REGISTRATION_ALLOWED_GRANT_TYPES: `authorization_code ${device}` }),
    })
    const more = { grant_types: ['authorization_code', device] }
    expect((await register(op, app('victim.example', more))).body.error).toBe('invalid_client_metadata')
    expect((await register(op, app('victim.example', { ...more, subject_type: 'public' }))).status).toBe(201)
  })

  test('changes what is no matter of its sector', async () => {
    const body = await registered(op, app('mine.example'))
    const more = { redirect_uris: ['https://mine.example/other'], client_name: 'New' }
    expect((await change(body, more)).status).toBe(200)
  })
})

test('an operator’s pairwise client without redirects is a sector by itself', async () => {
  const [one, two] = ['one.example', 'two.example'].map((client_id) => ({
    client_id,
    subject_type: 'pairwise',
    redirect_uris: ['https://a.example/cb', 'https://b.example/cb'],
  }))
  const [first, second] = [await operatorClient(op, one!), await operatorClient(op, two!)]
  const names = [await subOf(first), await subOf(second), await subOf(await make('one.example'))]
  expect(new Set(names).size).toBe(3)
})

test('an exchanged token names the person as its new holder does', async () => {
  const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const client = await make('a.example')
  const service = await operatorClient(op, {
    client_id: 'a-service',
    subject_type: 'pairwise',
    redirect_uris: ['https://service.example/cb'],
    grant_types: ['authorization_code', exchange],
    resource_server: true,
  })
  const { code, code_verifier } = await authorize(op, browser(op), client, { scope: 'openid' })
  const { body } = await post(op, '/token', client, {
    grant_type: 'authorization_code',
    code,
    code_verifier,
    redirect_uri: client.redirect_uri,
  })
  const traded = await post(op, '/token', service, {
    grant_type: exchange,
    subject_token: String(body.access_token),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
  expect(traded.status).toBe(200)
  const { sub } = claimsOf(traded.body.access_token)
  expect(sub).toBe((await subOf(service))!)
  expect(sub).not.toBe(claimsOf(body.id_token).sub)
})

describe('sid', () => {
  const sidOf = (jwt: string) => String(claimsOf(jwt).sid)

  test('two sectors cannot find out by it that two names are one person; one sector sees one session', async () => {
    const [first, same, other] = [await make('a.example'), await make('a.example'), await make('b.example')]
    const open = await make('c.example', { subject_type: 'public' })
    const who = browser(op)
    const sids = []
    for (const client of [first, same, other, open, first])
      sids.push(sidOf((await tokensOf(op, who, client, { scope: 'openid' })).id_token))
    expect(sids[1]).toBe(sids[0]!)
    expect(sids[4]).toBe(sids[0]!)
    expect(new Set(sids).size).toBe(3)
    expect(sids[0]).toMatch(/^[\w-]{22}$/)
    const session = await Session.find(op.context, sids[3]!)
    expect(session!.sub).toBe('user-alice')
    for (const sid of sids.slice(0, 3)) expect(await Session.find(op.context, sid)).toBeUndefined()
    const later = sidOf((await tokensOf(op, browser(op), first, { scope: 'openid' })).id_token)
    expect(later).not.toBe(sids[0]!)
  })

  test('a refreshed ID Token keeps it', async () => {
    const client = await make('a.example')
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid offline_access' })
    const again = (await refresh(op, client, tokens.refresh_token)).body
    expect(sidOf(String(again.id_token))).toBe(sidOf(tokens.id_token))
  })

  test('a hint of an ended session of the same sector asks before it ends another', async () => {
    const client = await make('a.example')
    const [old, who] = [browser(op), browser(op)]
    const { id_token } = await tokensOf(op, old, client, { scope: 'openid' })
    await tokensOf(op, who, client, { scope: 'openid' })
    const { page } = await who.open(`${op.issuer}/logout?id_token_hint=${id_token}`)
    expect(page!.forms[0]!.buttons).toContain('logout')
    expect(await outcome(op, who, { scope: 'openid', prompt: 'none' }, client)).toBe('code')
  })
})
