/** The roles of an End-User reach an application as `roles` or `groups`, in its own words, and no further than it may see. */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { claimsOf, type ClientMembers, type Json } from '../support/client.ts'
import {
  browser,
  introspect,
  operatorClient,
  outcome,
  post,
  read,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Provider, provider, type ProviderOptions } from '../support/provider.ts'

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const everything = 'openid profile email roles groups offline_access'

async function at(members: ClientMembers = {}, options: ProviderOptions = {}) {
  const op = await provider(options)
  await withRoles(op, ['admin', 'editor'])
  const client = await operatorClient(op, {
    client_id: 'app',
    scope: everything,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', exchange],
    include_claims_in_id_token: true,
    ...members,
  })
  return { op, client }
}
const withRoles = (op: Provider, roles: string[]) =>
  User.update(op.context, 'user-alice', (user) => ({ ...user, roles }))

/** The two claims, where each place has them. */
async function places(op: Provider, tokens: { access_token: string; id_token: string }, client: never) {
  const both = ({ roles, groups }: Json) => ({ ...(!!roles && { roles }), ...(!!groups && { groups }) })
  return [
    both((await userinfo(op, tokens.access_token)).body),
    both(claimsOf(tokens.id_token)),
    both(await introspect(op, tokens.access_token, client)),
    ...(tokens.access_token.includes('.') ? [both(claimsOf(tokens.access_token))] : []),
  ]
}

describe('the scopes roles and groups', () => {
  const rows: [scope: string, expected: Json][] = [
    ['openid roles', { roles: ['admin', 'editor'] }],
    ['openid groups', { groups: ['admin', 'editor'] }],
    ['openid roles groups', { roles: ['admin', 'editor'], groups: ['admin', 'editor'] }],
    ['openid profile', {}],
  ]
  test.each(rows)('%s: at userinfo, in the ID Token, in the access token', async (scope, expected) => {
    for (const access_token_format of ['jwt', 'opaque'] as const) {
      const { op, client } = await at({ access_token_format })
      const tokens = await tokensOf(op, browser(op), client, { scope })
      for (const place of await places(op, tokens, client as never)) expect(place).toEqual(expected)
    }
  })

  test('a refresh has the roles of now, and a narrowed one has none', async () => {
    const { op, client } = await at()
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles offline_access' })
    await withRoles(op, ['editor'])
    const later = await refresh(op, client, tokens.refresh_token)
    expect(claimsOf(later.body.access_token).roles).toEqual(['editor'])
    expect(claimsOf(later.body.id_token).roles).toEqual(['editor'])
    await withRoles(op, [])
    const none = await refresh(op, client, String(later.body.refresh_token))
    expect(claimsOf(none.body.access_token)).not.toHaveProperty('roles')
    await withRoles(op, ['editor'])
    const narrow = await refresh(op, client, String(none.body.refresh_token), { scope: 'openid' })
    expect(claimsOf(narrow.body.access_token)).not.toHaveProperty('roles')
    expect(claimsOf(narrow.body.id_token)).not.toHaveProperty('roles')
  })

  test('a service has no roles, whatever it is registered for', async () => {
    const { op, client } = await at()
    const { body } = await post(op, '/token', client, {
      grant_type: 'client_credentials',
      scope: 'roles groups',
    })
    for (const name of ['roles', 'groups']) expect(claimsOf(body.access_token)).not.toHaveProperty(name)
  })

  test('a client that is not registered for them gets none, by scope or by the claims parameter', async () => {
    const { op, client } = await at({ scope: 'openid profile email' })
    expect(await outcome(op, browser(op), { scope: 'openid roles' }, client)).toBe('error:invalid_scope')
    const claims = JSON.stringify({ id_token: { roles: null, groups: null }, userinfo: { roles: null } })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid', claims })
    for (const place of await places(op, tokens, client as never)) expect(place).toEqual({})
  })

  test('discovery lists them, and the consent page says them in words', async () => {
    const { op, client } = await at()
    const discovery = await read(await op.fetch('/.well-known/openid-configuration'))
    expect(discovery.body.scopes_supported).toEqual(expect.arrayContaining(['roles', 'groups']))
    expect(discovery.body.claims_supported).toEqual(expect.arrayContaining(['roles', 'groups']))
    const who = browser(op)
    await tokensOf(op, who, client, { scope: 'openid' })
    const { url } = (await import('../support/client.ts')).authorizationUrl(op.issuer, client, {
      scope: 'openid roles groups',
    })
    const { page } = await who.open(url)
    expect(page?.html).toContain('See your roles')
    expect(page?.html).toContain('See your groups')
  })
})

describe('role_names of a client', () => {
  const mapped = { role_names: { admin: 'Grafana Admins', owner: 'Owners', boss: 'Grafana Admins' } }

  test('renames and leaves out, in every place', async () => {
    for (const access_token_format of ['jwt', 'opaque'] as const) {
      const { op, client } = await at({ ...mapped, access_token_format })
      await withRoles(op, ['boss', 'admin', 'editor', 'constructor', '__proto__'])
      const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles groups' })
      const expected = { roles: ['Grafana Admins'], groups: ['Grafana Admins'] }
      for (const place of await places(op, tokens, client as never)) expect(place).toEqual(expected)
    }
  })

  test('a custom scope with the roles is no way round it', async () => {
    const env = {
      CUSTOM_SCOPES: JSON.stringify({ team: { description: 'See it', claims: { team: 'roles' } } }),
    }
    const { op, client } = await at({ ...mapped, scope: 'openid team' }, { env })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid team' })
    expect((await userinfo(op, tokens.access_token)).body.team).toEqual(['Grafana Admins'])
  })

  test('an exchanged token has the words of the client that gets it', async () => {
    const { op, client } = await at(mapped)
    const api = await operatorClient(op, {
      client_id: 'api',
      grant_types: ['client_credentials', exchange],
      resource_server: true,
      role_names: { admin: 'root' },
    })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles' })
    const { body } = await post(op, '/token', api, {
      grant_type: exchange,
      subject_token: tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    expect(claimsOf(body.access_token).roles).toEqual(['root'])
  })

  const team = {
    CUSTOM_SCOPES: JSON.stringify({ team: { description: 'See it', claims: { team: 'roles' } } }),
  }
  const services: [what: string, members: ClientMembers, told: Json][] = [
    ['is registered for none', {}, {}],
    ['is registered for one', { scope: 'groups' }, { groups: ['admin', 'editor'] }],
    ['is told none', { scope: 'groups team', role_names: {} }, {}],
  ]
  test.each(services)('an exchange by a service that %s', async (_, members, told) => {
    for (const access_token_format of ['jwt', 'opaque'] as const) {
      const { op, client } = await at({ scope: 'openid roles groups team' }, { env: team })
      const api = await operatorClient(op, {
        client_id: 'api',
        grant_types: ['client_credentials', exchange],
        resource_server: true,
        access_token_format,
        ...members,
      })
      const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles groups team' })
      for (const asked of [{}, { scope: 'openid roles groups team' }]) {
        const { body } = await post(op, '/token', api, {
          grant_type: exchange,
          subject_token: tokens.access_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          audience: 'api',
          ...asked,
        })
        const own = (said: Json) =>
          Object.fromEntries(Object.entries(said).filter(([name]) => /^(roles|groups|team)$/.test(name)))
        expect(own(await introspect(op, String(body.access_token), api as never))).toEqual(told)
        const copy = await post(op, '/token', client, {
          grant_type: exchange,
          subject_token: tokens.access_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        })
        expect(claimsOf(copy.body.access_token).roles).toEqual(['admin', 'editor'])
        const { body: atUserinfo } = await post(op, '/token', api, {
          grant_type: exchange,
          subject_token: tokens.access_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          ...asked,
        })
        expect(own((await userinfo(op, String(atUserinfo.access_token))).body)).toEqual(told)
      }
    }
  })

  test('a client that registers itself cannot choose it', async () => {
    const op = await provider({ env: { REGISTRATION_ALLOWED_SCOPES: 'openid roles' } })
    const body = JSON.stringify({ redirect_uris: ['https://app.example/cb'], ...mapped })
    const made = await read(
      await op.fetch('/register', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      }),
    )
    expect(made.status).toBe(201)
    expect(made.body).not.toHaveProperty('role_names')
  })
})

describe('a scope that the operator named keeps its meaning', () => {
  test('in SCOPES it has no claim', async () => {
    const { op, client } = await at({}, { env: { SCOPES: 'roles groups' } })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles groups' })
    for (const place of await places(op, tokens, client as never)) expect(place).toEqual({})
  })

  test('in CUSTOM_SCOPES it has the claims that it names', async () => {
    const scopes = { groups: { description: 'See it', claims: { groups: 'org' } } }
    const { op, client } = await at({}, { env: { CUSTOM_SCOPES: JSON.stringify(scopes) } })
    await User.update(op.context, 'user-alice', (user) => ({ ...user, attributes: { org: ['Sales'] } }))
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid groups' })
    expect((await userinfo(op, tokens.access_token)).body.groups).toEqual(['Sales'])
    expect(claimsOf(tokens.id_token).groups).toEqual(['Sales'])
    expect(claimsOf(tokens.access_token)).not.toHaveProperty('groups')
  })
})

describe('a claim of the account is no role', () => {
  const stored = { roles: ['root'], groups: ['root'], team: 'admins' }

  test.each([
    ['without roles', [] as string[], {}, undefined],
    ['with roles that the client is not told', ['admin'], { role_names: {} }, undefined],
    ['with roles', ['editor'], {}, ['editor']],
  ])('%s', async (_, roles, members, told) => {
    const CUSTOM_SCOPES = JSON.stringify({ team: { description: 'See it', claims: { team: 'team' } } })
    for (const env of [{}, { CUSTOM_SCOPES }] as Record<string, string>[]) {
      const { op, client } = await at({ ...members, scope: 'openid roles groups' }, { env })
      await User.update(op.context, 'user-alice', (user) => ({
        ...user,
        roles,
        claims: { ...user.claims, ...stored },
      }))
      const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles groups' })
      for (const place of await places(op, tokens, client as never))
        expect(place).toEqual(told ? { roles: told, groups: told } : {})
    }
  })

  test('nor an attribute of the same name', async () => {
    const CUSTOM_SCOPES = JSON.stringify({ team: { description: 'See it', claims: { team: 'team' } } })
    const { op, client } = await at({ scope: 'openid team' }, { env: { CUSTOM_SCOPES } })
    const change = (attributes: Json) =>
      User.update(op.context, 'user-alice', (user) => ({
        ...user,
        attributes,
        claims: { ...user.claims, ...stored },
      }))
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid team' })
    await change({})
    expect((await userinfo(op, tokens.access_token)).body).not.toHaveProperty('team')
    await change({ team: 'sales' })
    expect((await userinfo(op, tokens.access_token)).body.team).toBe('sales')
  })
})

describe('a claim has one meaning', () => {
  const custom = (scopes: Record<string, Record<string, string>>) => ({
    CUSTOM_SCOPES: JSON.stringify(
      Object.fromEntries(
        Object.entries(scopes).map(([scope, claims]) => [scope, { description: 'See it', claims }]),
      ),
    ),
  })

  test('a custom scope that returns an attribute as groups takes the place of the scope groups', async () => {
    const { op, client } = await at({}, { env: custom({ teams: { groups: 'org' } }) })
    // Otherwise the access token would say the roles and userinfo the attribute.
    expect(await outcome(op, browser(op), { scope: 'openid groups' }, client)).toBe('error:invalid_scope')
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid roles' })
    expect(claimsOf(tokens.access_token).roles).toEqual(['admin', 'editor'])
    const discovery = await read(await op.fetch('/.well-known/openid-configuration'))
    expect(discovery.body.scopes_supported).not.toContain('groups')
  })

  test('one that returns the roles as groups leaves the scope groups', async () => {
    const { op, client } = await at({}, { env: custom({ teams: { groups: 'roles' } }) })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid groups' })
    for (const place of await places(op, tokens, client as never))
      expect(place).toEqual({ groups: ['admin', 'editor'] })
  })

  test('two custom scopes with one claim and two attributes stop the start', async () => {
    const env = custom({ public: { level: 'badge' }, secret: { level: 'clearance' } })
    await expect(provider({ env })).rejects.toThrow(/CUSTOM_SCOPES.*level.*badge.*clearance/s)
    await provider({ env: custom({ one: { level: 'badge' }, two: { level: 'badge' } }) })
  })
})

describe('UNKNOWN_SCOPES', () => {
  const register = async (op: Provider, scope: unknown) => {
    const body = JSON.stringify({ redirect_uris: ['https://app.example/cb'], scope })
    const headers = { 'content-type': 'application/json' }
    return (await read(await op.fetch('/register', { method: 'POST', body, headers }))).body
  }

  test('ignore: a registration without the scopes that the client may not have, and they are named', async () => {
    for (const env of [{ PROFILE: 'classic' }, { UNKNOWN_SCOPES: 'ignore' }]) {
      const op = await provider({ env })
      const made = await register(op, 'openid groups unheard email')
      expect(made).toMatchObject({ scope: 'openid email', left_out: { scope: 'groups unheard' } })
      const all = await register(op, undefined)
      expect((await register(op, 'unheard')).scope).toBe(all.scope)
      expect(await register(op, 'openid email')).not.toHaveProperty('left_out')
    }
  })

  test('refuse: no registration', async () => {
    const op = await provider()
    expect((await register(op, 'openid unheard')).error).toBe('invalid_client_metadata')
  })

  test('ignore: a request for groups by a client that is not registered for them goes on', async () => {
    const { op, client } = await at({ scope: 'openid profile email' }, { env: { PROFILE: 'classic' } })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid profile email groups roles' })
    expect(tokens.scope).toBe('openid profile email')
    for (const place of await places(op, tokens, client as never)) expect(place).toEqual({})
  })
})
