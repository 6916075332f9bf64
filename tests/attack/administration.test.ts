/** Attacks on the administration API: other tokens, other hosts, forged cursors, other ways to a scope. docs/administration.md */
import { expect, test } from 'bun:test'
import { adminScopes } from '../../src/auth/admin_roles.ts'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { Client } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { featureEntries, featuresFor } from '../../src/table.ts'
import {
  account,
  admin,
  administrator,
  consoleClient,
  resourceOf,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../support/administration.ts'
import { claimsOf } from '../support/client.ts'
import { open, operatorClient, post, refresh, tokensOf } from '../support/flow.ts'
import { provider, turnableClock } from '../support/provider.ts'
import { registered } from '../support/registration.ts'
import { writtenStore } from '../support/written_store.ts'

const clock = turnableClock()
const { store, take } = writtenStore(memoryStore(clock))
const op = await provider({ clock, store, env: { REGISTRATION: 'open' } })
const client = await consoleClient(op)
const service = await serviceClient(op)
const owner = await administrator(op, 'owner')
const asOwner = await tokenOf(op, client, owner)
const asService = await serviceToken(op, service)
const all = adminScopes.join(' ')
const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessType = 'urn:ietf:params:oauth:token-type:access_token'

const isRefused = async (token: string) => {
  const { status, body } = await admin(op, token, 'GET', '/people')
  expect([status, body.code]).toEqual([401, 'invalid_token'])
}

test('a token of the right scopes for another audience has none of them, and is refused', async () => {
  const { body } = await post(op, '/token', service, { grant_type: 'client_credentials', scope: all })
  expect(claimsOf(body.access_token).scope).toBeUndefined()
  await isRefused(String(body.access_token))
  const tokens = await tokensOf(op, owner.who, client, { scope: `openid ${all}` }, owner.account)
  expect(claimsOf(tokens.access_token).scope).toBe('openid')
  await isRefused(tokens.access_token)
})

test('a token for the administration API and another resource is not issued', async () => {
  const { status, body } = await post(op, '/token', service, {
    grant_type: 'client_credentials',
    resource: `${resourceOf(op)}\n`.trim(),
    scope: all,
  })
  expect([status, claimsOf(body.access_token).aud]).toEqual([200, resourceOf(op)])
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: all })
  form.append('resource', resourceOf(op))
  form.append('resource', op.issuer)
  const two = await op.fetch('/token', {
    method: 'POST',
    body: form.toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${btoa(`${service.client_id}:${service.client_secret}`)}`,
    },
  })
  expect([two.status, await two.json()]).toMatchObject([400, { error: 'invalid_target' }])
})

test('no token exchange leads to the administration API, and no exchanged token is accepted', async () => {
  const exchanger = await operatorClient(op, {
    client_id: 'exchanger',
    grant_types: ['client_credentials', exchangeType],
    resource_uris: [resourceOf(op)],
    scope: all,
  })
  const plain = await post(op, '/token', exchanger, { grant_type: 'client_credentials' })
  for (const subject_token of [asService, asOwner, String(plain.body.access_token)])
    for (const more of [{ resource: resourceOf(op) }, {}] as Record<string, string>[]) {
      const { status, body } = await post(op, '/token', exchanger, {
        grant_type: exchangeType,
        subject_token,
        subject_token_type: accessType,
        ...more,
      })
      if (status === 200) await isRefused(String(body.access_token))
      else expect(body.error).toBeString()
    }
})

test('a refresh neither widens the scope nor moves the token to the administration API', async () => {
  const narrow = await tokensOf(
    op,
    owner.who,
    client,
    {
      scope: 'openid offline_access admin:people.read',
      resource: resourceOf(op),
      acr_values: 'urn:latchkey:2fa',
      prompt: 'consent',
    },
    owner.account,
  )
  const wider = await refresh(op, client, narrow.refresh_token, { scope: all })
  expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope'])
  const elsewhere = await tokensOf(
    op,
    owner.who,
    client,
    { scope: `openid offline_access ${all}`, prompt: 'consent' },
    owner.account,
  )
  const moved = await refresh(op, client, elsewhere.refresh_token, { resource: resourceOf(op) })
  expect([moved.status, moved.body.error]).toEqual([400, 'invalid_target'])
})

test('a client registers no such scope itself, is given none by default, and changes into none', async () => {
  const metadata = { redirect_uris: ['https://app.example/callback'] }
  const asked = await op.fetch('/register', {
    method: 'POST',
    body: JSON.stringify({ ...metadata, scope: 'openid admin:people.read' }),
    headers: { 'content-type': 'application/json' },
  })
  const made = asked.status === 201 ? ((await asked.json()) as { scope: string }) : { scope: '' }
  expect(made.scope).not.toContain('admin:')
  expect(String((await registered(op, metadata)).scope)).not.toContain('admin:')
  const discovery = await (await op.fetch('/.well-known/openid-configuration')).text()
  expect(discovery).not.toContain('admin:')
  // An operator who gives one to a client that registered itself makes it no administrator.
  const { client_id, client_secret } = await registered(op, metadata)
  await Client.update(op.context, String(client_id), (current) => ({
    ...current,
    scope: all,
    grant_types: ['client_credentials'],
  }))
  op.clock.advance(2_000)
  const own = { client_id: String(client_id), client_secret: String(client_secret), redirect_uri: '' }
  const fields = { grant_type: 'client_credentials', resource: resourceOf(op) }
  expect((await post(op, '/token', own, fields)).status).toBe(400)
})

test.each([
  ['SCOPES', 'admin:people.read'],
  ['REGISTRATION_ALLOWED_SCOPES', 'openid admin:people.write'],
  ['CUSTOM_SCOPES', '{"admin:keys.write":{"description":"x","claims":{"x":"x"}}}'],
])('%s with such a name stops the start', (name, value) => {
  const boot = () => featuresFor(loadConfig({ [name]: value }, { featureEntries }))
  expect(boot).toThrow(ConfigError)
  expect(boot).toThrow(/admin:/)
})

test('what is not there and what is not allowed look alike to a caller without the right', async () => {
  const token = await serviceToken(op, service, { scope: 'admin:keys.read' })
  const answers = await Promise.all(
    [owner.account.sub, 'nobody'].map((sub) => admin(op, token, 'GET', `/people/${sub}`)),
  )
  const told = answers.map(({ status, body: { request_id: _, ...body } }) => ({ status, body }))
  expect(told[0]).toEqual(told[1]!)
  const unknown = await Promise.all(
    [owner.account.sub, 'nobody'].map((sub) => admin(op, undefined, 'GET', `/people/${sub}`)),
  )
  expect(unknown.map(({ status }) => status)).toEqual([401, 401])
})

test('a cursor of another list, another filter, or of an attacker is refused', async () => {
  const { body } = await admin(op, asOwner, 'GET', '/people?limit=1')
  const cursor = String(body.next)
  expect((await admin(op, asOwner, 'GET', `/people?limit=1&cursor=${cursor}`)).status).toBe(200)
  const forged = Buffer.from(JSON.stringify({ member: 'x', score: 0 })).toString('base64url')
  for (const path of [
    `/people?q=a&cursor=${cursor}`,
    `/people?sort=-created_at&cursor=${cursor}`,
    `/people/${owner.account.sub}/sessions?cursor=${cursor}`,
    `/administrators?cursor=${cursor}`,
    `/people?cursor=${forged}`,
    `/people?cursor=s1.${forged}`,
    `/people?cursor=${cursor.slice(0, -2)}`,
    `/people?cursor=${'x'.repeat(3000)}`,
    '/people?limit=0',
    '/people?limit=201',
    '/people?limit=1&limit=2',
  ]) {
    const answer = await admin(op, asOwner, 'GET', path)
    expect([path, answer.status]).toEqual([path, 400])
  }
})

test('HEAD and GET write nothing but the count of the request, at every route that reads', async () => {
  const { routes } = await import('../../src/features/administration/routes.ts')
  for (const { method, path } of routes.filter((each) => each.method === 'GET')) {
    const at = `/admin/v1${path.replace('{sub}', owner.account.sub).replaceAll(/\{\w+\}/g, 'nobody')}`
    for (const sent of ['HEAD', 'GET']) {
      take()
      const { status } = await op.fetch(at, { method: sent, headers: { authorization: `Bearer ${asOwner}` } })
      expect([method, path, status < 500]).toEqual([method, path, true])
      expect([path, take().filter((write) => write !== 'increment tries')]).toEqual([path, []])
    }
  }
})

test('a session cookie is no proof at the API, and no page of another site reads its answers', async () => {
  const cookie = [...owner.who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  for (const headers of [{ cookie }, { cookie, origin: new URL(op.issuer).origin }]) {
    const answer = await admin(op, undefined, 'POST', `/people/${owner.account.sub}/disable`, { headers })
    expect(answer.status).toBe(401)
  }
  const foreign = await admin(op, asOwner, 'GET', '/people', { headers: { origin: 'https://evil.example' } })
  expect([...foreign.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})

test('a form, a body that is too large, too deep or no JSON is refused before anything is made', async () => {
  const people = async () => (await User.list(op.context)).length
  const before = await people()
  const send = (body: string, type: string) =>
    op.fetch('/admin/v1/people', {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${asOwner}`, 'content-type': type },
    })
  for (const [body, type, status] of [
    ['username=x', 'application/x-www-form-urlencoded', 400],
    [`{"username":"${'x'.repeat(op.context.config.maxBodyBytes)}"}`, 'application/json', 413],
    ['{"username":', 'application/json', 400],
    ['[]', 'application/json', 400],
    ['null', 'application/json', 400],
    [`${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'application/json', 400],
    ['{"username":"x","__proto__":{"roles":["owner"]}}', 'application/json', 400],
    ['{"username":"x","constructor":{}}', 'application/json', 400],
  ] as const) {
    const answer = await send(body, type)
    expect([body.slice(0, 40), answer.status]).toEqual([body.slice(0, 40), status])
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  }
  expect(await people()).toBe(before)
})

test('another method, and a path in another spelling, reach nothing', async () => {
  for (const [method, path] of [
    ['POST', '/administrators'],
    ['PUT', '/people'],
    ['OPTIONS', '/people'],
    ['GET', '/people/'],
    ['GET', '//people'],
    ['GET', '/People'],
    ['GET', '/people/a/b/c/d'],
    ['GET', `/people/${owner.account.sub}%2Fsessions`],
    ['GET', '/people/%ff'],
  ] as const) {
    const { status } = await op.fetch(`/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${asOwner}` },
    })
    expect([method, path, [204, 400, 404, 405].includes(status)]).toEqual([method, path, true])
  }
})

test('the last owner does not leave by a deletion of the own account either', async () => {
  const own = await provider()
  const { who, account: last } = await administrator(own, 'owner')
  const form =
    (await open(own, who, {}, await consoleClient(own))) && (await who.open('/account/data/delete'))
  await who.press(form.page!, 'delete', { confirmation: last.username })
  expect((await User.find(own.context, last.sub))?.leaving_at).toBeUndefined()
  expect(await Administrators.isLastOwner(own.context, last.sub)).toBe(true)
  await Administrators.set(own.context, (await account(own, 'second')).sub, 'owner')
  const again = await who.open('/account/data/delete')
  await who.press(again.page!, 'delete', { confirmation: last.username })
  expect((await User.find(own.context, last.sub))?.leaving_at).toBeNumber()
  expect(await Administrators.isLastOwner(own.context, 'sub-of-second')).toBe(true)
})
