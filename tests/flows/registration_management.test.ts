/** A client reads, changes and ends its own registration, and nobody else's. https://www.rfc-editor.org/rfc/rfc7592 */
import { describe, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Json } from '../support/client.ts'
import {
  authorize,
  browser,
  demo,
  introspect,
  operatorClient,
  outcome,
  post,
  redeem,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { asClient, manage, register, registered } from '../support/registration.ts'

const app = {
  client_name: 'An application',
  redirect_uris: ['https://app.example/cb'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'openid profile',
}

const op = await provider()

/** What an update sends: all metadata, without what only answers say. */
function metadataOf(body: Json): Json {
  const {
    registration_access_token: _token,
    registration_client_uri: _uri,
    client_id_issued_at: _at,
    client_secret_expires_at: _expires,
    ...metadata
  } = body
  return metadata
}

describe('reading', () => {
  test('says everything as registered, and the token stays good', async () => {
    const made = await registered(op, app)
    expect(made.registration_client_uri).toBe(`${op.issuer}/register/${made.client_id}`)
    const { registration_access_token: token } = made
    for (let times = 0; times < 2; times++) {
      const { status, body, headers } = await manage(op, 'GET', made, token)
      expect(status).toBe(200)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(body).toEqual(made)
    }
    expect(token).toMatch(/^lkm_[\w-]{43}$/)
    const { body } = await manage(op, 'PUT', made, token, metadataOf(made))
    const spent = await manage(op, 'GET', made, token)
    expect([spent.status, spent.body.error]).toEqual([401, 'invalid_token'])
    expect(spent.headers.get('www-authenticate')).toContain('Bearer ')
    expect((await manage(op, 'GET', made, body.registration_access_token)).status).toBe(200)
  })

  test('HEAD costs no token', async () => {
    const made = await registered(op, app)
    const head = await op.fetch(`/register/${made.client_id}`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${made.registration_access_token}` },
    })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await manage(op, 'GET', made, made.registration_access_token)).status).toBe(200)
  })

  test('neither the token nor its hash is in the store', async () => {
    const made = await registered(op, app)
    const kept = JSON.stringify(await Client.find(op.context, String(made.client_id)))
    expect(kept).toContain('An application')
    expect(kept).not.toContain(String(made.registration_access_token).slice(4))
  })

  test('with another secret key no token is good', async () => {
    const store = memoryStore(op.clock)
    const here = await provider({ store, clock: op.clock })
    const made = await registered(here, app)
    const elsewhere = await provider({
      store,
      clock: op.clock,
      env: { SECRET_KEY: 'a9Qz7Lw2Xc5Vb8Nm1Rt4Yp6Ku3Hj0Gf' },
    })
    expect((await manage(elsewhere, 'GET', made, made.registration_access_token)).status).toBe(401)
    expect((await manage(here, 'GET', made, made.registration_access_token)).status).toBe(200)
  })
})

describe('401 and nothing said', () => {
  test.each<[string, (made: Json, other: Json) => [Json, unknown]]>([
    ['no token', (made) => [made, undefined]],
    ['an invented one', (made) => [made, `lkm_${'x'.repeat(43)}`]],
    ['one cut short', (made) => [made, String(made.registration_access_token).slice(0, -1)]],
    ['its secret', (made) => [made, made.client_secret]],
    ["another client's", (made, other) => [made, other.registration_access_token]],
    ['an unknown client', (made) => [{ client_id: 'x'.repeat(24) }, made.registration_access_token]],
    ['no client', (made) => [{ client_id: '' }, made.registration_access_token]],
    ['a path below', (made) => [{ client_id: `${made.client_id}/x` }, made.registration_access_token]],
    ['a prototype', (made) => [{ client_id: '__proto__' }, made.registration_access_token]],
    ["an operator's client", (made) => [demo, made.registration_access_token]],
  ])('%s', async (_, attack) => {
    const [made, other] = [await registered(op, app), await registered(op, app)]
    const [target, token] = attack(made, other)
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const answer = await manage(op, method, target, token, method === 'PUT' ? metadataOf(made) : undefined)
      expect([method, answer.status]).toEqual([method, 401])
      expect(answer.text).not.toContain('app.example')
    }
    expect((await manage(op, 'GET', made, made.registration_access_token)).status).toBe(200)
    expect((await manage(op, 'GET', other, other.registration_access_token)).status).toBe(200)
  })

  test('an access token of a person, or the token in the query', async () => {
    const made = await registered(op, { ...app, redirect_uris: [demo.redirect_uri] })
    const { access_token } = await tokensOf(op, browser(op), asClient(made), { scope: 'openid' })
    expect((await manage(op, 'GET', made, access_token)).status).toBe(401)
    const path = `/register/${made.client_id}?access_token=${made.registration_access_token}`
    expect((await op.fetch(path)).status).toBe(401)
  })

  test('a disabled client', async () => {
    const made = await registered(op, app)
    await Client.update(op.context, String(made.client_id), (client) => ({ ...client, disabled: true }))
    expect((await manage(op, 'GET', made, made.registration_access_token)).status).toBe(401)
  })
})

test('other methods are 405, and with management off there is nothing', async () => {
  const made = await registered(op, app)
  const wrong = await manage(op, 'POST', made, made.registration_access_token, {})
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE, OPTIONS'])
  const without = await provider({ env: { REGISTRATION_MANAGEMENT: 'false' } })
  const plain = await registered(without, app)
  expect(plain).not.toHaveProperty('registration_access_token')
  expect(plain).not.toHaveProperty('registration_client_uri')
  expect((await manage(without, 'GET', plain, 'x')).status).toBe(404)
})

describe('updating', () => {
  test('replaces all metadata: what is left out gets its default', async () => {
    const made = await registered(op, {
      ...app,
      policy_uri: 'https://app.example/p',
      'client_name#fr': 'Une',
    })
    const changed = await manage(op, 'PUT', made, made.registration_access_token, {
      client_id: made.client_id,
      client_secret: made.client_secret,
      client_name: 'Renamed',
      client_uri: null,
      redirect_uris: ['https://app.example/new'],
      scope: 'openid',
    })
    expect(changed.status).toBe(200)
    expect({ ...changed.body }).toMatchObject({
      client_id: made.client_id,
      client_secret: made.client_secret,
      client_id_issued_at: made.client_id_issued_at,
      client_name: 'Renamed',
      redirect_uris: ['https://app.example/new'],
      grant_types: ['authorization_code'],
      scope: 'openid',
    })
    for (const gone of ['policy_uri', 'client_uri', 'client_name#fr'])
      expect(changed.body).not.toHaveProperty([gone])
    expect((await manage(op, 'PUT', made, made.registration_access_token, metadataOf(made))).status).toBe(401)

    const before = await outcome(op, browser(op), { scope: 'openid' }, asClient(made))
    expect(before).toBe('authorize') // the error page: the old redirect is registered no more
    const tokens = await tokensOf(op, browser(op), asClient(changed.body), { scope: 'openid' })
    expect(tokens.id_token).toBeString()
  })

  test('what only an operator gives stays as it was, and cannot be had', async () => {
    const made = await registered(op, app)
    const id = String(made.client_id)
    await Client.update(op.context, id, (client) => ({ ...client, require_pkce: true }))
    const before = (await Client.find(op.context, id))!
    const { status } = await manage(op, 'PUT', made, made.registration_access_token, {
      ...metadataOf(made),
      first_party: true,
      resource_server: true,
      may_impersonate: true,
      self_registered: false,
      require_pkce: false,
      disabled: true,
      registration_generation: 0,
      secret_mac: 'x',
      sealed_secret: 'x',
    })
    expect(status).toBe(200)
    const after = { ...before, registration_generation: 1 }
    expect(await Client.find(op.context, id)).toEqual(after)
  })

  test('a secret comes and goes with the method that needs one', async () => {
    const made = await registered(op, app)
    const open = await manage(op, 'PUT', made, made.registration_access_token, {
      ...metadataOf(made),
      token_endpoint_auth_method: 'none',
    })
    expect(open.body).not.toHaveProperty('client_secret')
    expect(await Client.find(op.context, String(made.client_id))).not.toHaveProperty('secret_mac')
    const closed = await manage(op, 'PUT', made, open.body.registration_access_token, {
      ...metadataOf(open.body),
      token_endpoint_auth_method: 'client_secret_post',
    })
    expect(closed.body.client_secret).toMatch(/^[\w-]{43,}$/)
    expect(closed.body.client_secret).not.toBe(made.client_secret)
  })

  test.each<[string, (made: Json) => Json, string]>([
    ['no client_id', () => ({ client_id: undefined }), 'invalid_client_metadata'],
    ["another's client_id", () => ({ client_id: 'client123' }), 'invalid_client_metadata'],
    ['a secret of its choice', () => ({ client_secret: 'chosen' }), 'invalid_client_metadata'],
    ['a secret that is no text', () => ({ client_secret: {} }), 'invalid_client_metadata'],
    [
      'the token',
      (made) => ({ registration_access_token: made.registration_access_token }),
      'invalid_client_metadata',
    ],
    [
      'the address',
      (made) => ({ registration_client_uri: made.registration_client_uri }),
      'invalid_client_metadata',
    ],
    ['the moment', () => ({ client_id_issued_at: 1 }), 'invalid_client_metadata'],
    ['the expiry', () => ({ client_secret_expires_at: 0 }), 'invalid_client_metadata'],
    [
      'a grant type beyond policy',
      () => ({ grant_types: ['client_credentials'] }),
      'invalid_client_metadata',
    ],
    ['a scope beyond policy', () => ({ scope: 'openid admin' }), 'invalid_client_metadata'],
    ['no redirect', () => ({ redirect_uris: [] }), 'invalid_redirect_uri'],
    ['a script', () => ({ redirect_uris: ['javascript:alert(1)'] }), 'invalid_redirect_uri'],
  ])('refused, and neither changed nor spent: %s', async (_, bend, error) => {
    const made = await registered(op, app)
    const before = await Client.find(op.context, String(made.client_id))
    const answer = await manage(op, 'PUT', made, made.registration_access_token, {
      ...metadataOf(made),
      ...bend(made),
    })
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(await Client.find(op.context, String(made.client_id))).toEqual(before!)
    expect((await manage(op, 'GET', made, made.registration_access_token)).status).toBe(200)
  })

  test('no JSON, no object, too much', async () => {
    const made = await registered(op, app)
    const send = (body: string, type = 'application/json') =>
      op.fetch(`/register/${made.client_id}`, {
        method: 'PUT',
        body,
        headers: { authorization: `Bearer ${made.registration_access_token}`, 'content-type': type },
      })
    for (const body of ['{', '[]', '""', 'null', '']) expect((await send(body)).status).toBe(400)
    expect((await send('client_id=x', 'application/x-www-form-urlencoded')).status).toBe(400)
    expect((await send(JSON.stringify({ x: 'x'.repeat(70_000) }))).status).toBe(413)
    expect((await manage(op, 'GET', made, made.registration_access_token)).status).toBe(200)
  })
})

describe('deleting', () => {
  test('204, and nothing of it works any more, at any instance', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const [here, there] = [await provider({ store, clock }), await provider({ store, clock })]
    const made = await registered(here, { ...app, redirect_uris: [demo.redirect_uri] })
    const client = asClient(made)
    const who = browser(here)
    const more = { scope: 'openid profile' }
    const tokens = await tokensOf(here, who, client, more)
    const pending = await authorize(here, who, client, more)
    expect((await userinfo(there, tokens.access_token)).status).toBe(200)

    const gone = await manage(here, 'DELETE', made, made.registration_access_token)
    expect([gone.status, gone.text]).toEqual([204, ''])
    clock.advance(1_001) // what another instance may believe of a client that it just read
    for (const op of [here, there]) {
      expect((await manage(op, 'GET', made, made.registration_access_token)).status).toBe(401)
      expect((await userinfo(op, tokens.access_token)).status).toBe(401)
      expect(await introspect(op, tokens.access_token)).toEqual({ active: false })
      expect((await refresh(op, client, tokens.refresh_token)).body.error).toBe('invalid_client')
      expect((await redeem(op, client, pending)).body.error).toBe('invalid_client')
      expect(await outcome(op, browser(op), more, client)).toBe('authorize') // an error page
    }
    expect((await Client.list(here.context)).map(({ client_id }) => client_id)).not.toContain(
      client.client_id,
    )
  })
})

describe('many requests with one token, at two instances', () => {
  const stage = async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const ops = [await provider({ store, clock }), await provider({ store, clock })]
    return { ops, made: await registered(ops[0]!, app) }
  }

  test('one update wins, and it is whole', async () => {
    const { ops, made } = await stage()
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, i) =>
        manage(ops[i % 2]!, 'PUT', made, made.registration_access_token, {
          ...metadataOf(made),
          client_name: `name ${i}`,
          redirect_uris: [`https://app.example/${i}`],
        }),
      ),
    )
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(23)
    const now = (await Client.find(ops[0]!.context, String(made.client_id)))!
    const [winner] = won
    expect([now.client_name, now.redirect_uris]).toEqual([
      winner!.body.client_name as string,
      winner!.body.redirect_uris as string[],
    ])
    const token = winner!.body.registration_access_token
    expect((await manage(ops[1]!, 'GET', made, token)).status).toBe(200)
  })

  test('an update and a deletion: either it is gone, or it is changed and its new token works', async () => {
    for (let round = 0; round < 12; round++) {
      const { ops, made } = await stage()
      const put = () =>
        manage(ops[0]!, 'PUT', made, made.registration_access_token, {
          ...metadataOf(made),
          client_name: 'Changed',
        })
      const remove = () => manage(ops[1]!, 'DELETE', made, made.registration_access_token)
      const both = round % 2 ? [put(), remove()] : [remove(), put()]
      const statuses = (await Promise.all(both)).map(({ status }) => status)
      expect(statuses.filter((status) => status < 300)).toHaveLength(1)
      const left = await Client.find(ops[0]!.context, String(made.client_id))
      expect(left === undefined).toBe(statuses.includes(204))
      if (left) expect([left.client_name, left.disabled]).toEqual(['Changed', false])
    }
  })
})

describe('metadata that promises', () => {
  test.each<[string, unknown]>([
    ['tls_client_auth_san_email', 'a@b.example'],
    ['backchannel_user_code_parameter', true],
    ['authorization_encrypted_response_alg', 'RSA-OAEP-256'],
  ])('%s is refused where nobody serves it', async (name, value) => {
    const table = { ...op.context.table, clientMetadata: {} }
    const bare = await provider({ table })
    const answer = await register(bare, { ...app, [name]: value })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(answer.body.error_description).toContain(name)
  })

  test('and passed over where it asks for nothing', async () => {
    const table = { ...op.context.table, clientMetadata: {} }
    const bare = await provider({ table })
    const { status, body } = await register(bare, {
      ...app,
      require_signed_request_object: false,
      request_uris: [],
    })
    expect(status).toBe(201)
    expect(body).not.toHaveProperty('request_uris')
  })

  test('what informs is kept and said again, in all its languages', async () => {
    const told = {
      contacts: ['a@app.example'],
      software_id: 'the-app',
      software_version: '1.2',
      initiate_login_uri: 'https://app.example/begin',
      policy_uri: 'https://app.example/privacy',
      tos_uri: 'https://app.example/terms',
      logo_uri: 'https://app.example/logo.png',
      'client_name#fr': 'Une application',
      'policy_uri#pt-BR': 'https://app.example/privacidade',
      default_max_age: 60,
      require_auth_time: true,
      default_acr_values: ['urn:latchkey:1fa'],
    }
    const made = await registered(op, { ...app, ...told })
    expect({ ...made }).toMatchObject(told)
    expect({ ...(await manage(op, 'GET', made, made.registration_access_token)).body }).toMatchObject(told)
  })

  test.each<[string, unknown, string]>([
    ['initiate_login_uri', 'http://app.example/begin', 'invalid_client_metadata'],
    ['initiate_login_uri', 'javascript:alert(1)', 'invalid_client_metadata'],
    ['logo_uri#de', 'http://app.example/logo.png', 'invalid_client_metadata'],
    ['tos_uri#de', 'data:text/html,x', 'invalid_client_metadata'],
    ['client_name#de', 7, 'invalid_client_metadata'],
    ['software_id', 'x'.repeat(201), 'invalid_client_metadata'],
  ])('%s: %p is refused', async (name, value, error) => {
    const answer = await register(op, { ...app, [name]: value })
    expect([answer.status, answer.body.error]).toEqual([400, error])
  })

  test('a hundred and one languages are too many', async () => {
    const names = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`client_name#x-${i}`, 'x']))
    expect((await register(op, { ...app, ...names })).body.error).toBe('invalid_client_metadata')
  })

  test('a website that has tokens sent in its URL needs https', async () => {
    const classic = await provider({
      env: { REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code implicit', PROFILE: 'classic' },
    })
    const site = {
      application_type: 'web',
      redirect_uris: ['http://localhost:8080/cb'],
      grant_types: ['authorization_code', 'implicit'],
    }
    expect((await register(classic, site)).body.error).toBe('invalid_redirect_uri')
    expect((await register(classic, { ...site, application_type: 'native' })).status).toBe(201)
  })
})

test('an operator’s client has no token that works, for none was given out', async () => {
  const client = await operatorClient(op, { client_id: 'made-by-hand' })
  expect((await manage(op, 'DELETE', client, `lkm_${'A'.repeat(43)}`)).status).toBe(401)
  expect((await post(op, '/introspect', client, { token: 'x' })).body).toEqual({ active: false })
})

test('guessing is slow: the requests of an address are counted here too', async () => {
  const limited = await provider({ env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '4' } })
  const made = await registered(limited, app)
  const guess = () => manage(limited, 'GET', made, `lkm_${'x'.repeat(43)}`)
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await guess()).status)
  expect(statuses).toEqual([401, 401, 401, 429, 429])
})

describe('a client that drops its authentication', () => {
  const confidential = {
    redirect_uris: ['https://app.example/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid offline_access',
  }
  const dropped = async (op: Provider, body: Json) => {
    const answer = await manage(op, 'PUT', body, body.registration_access_token, {
      ...confidential,
      client_id: body.client_id,
      token_endpoint_auth_method: 'none',
    })
    expect(answer.status).toBe(200)
    return { client_id: String(body.client_id), redirect_uri: confidential.redirect_uris[0]! }
  }

  test('leaves no refresh token behind that whoever stole it could use without a secret', async () => {
    const op = await provider()
    const body = await registered(op, confidential)
    const before = await tokensOf(op, browser(op), asClient(body), { scope: 'openid offline_access' })
    const bare = await dropped(op, body)
    const stolen = await refresh(op, bare, before.refresh_token)
    expect([stolen.status, stolen.body.error]).toEqual([400, 'invalid_grant'])
    expect((await userinfo(op, before.access_token)).status).toBe(401) // the grant has ended
    const after = await tokensOf(op, browser(op), bare, { scope: 'openid offline_access' })
    expect((await refresh(op, bare, after.refresh_token)).status).toBe(200)
  })

  test('leaves no code behind that needs neither secret nor PKCE', async () => {
    const op = await provider({ env: { REQUIRE_PKCE: 'false' } })
    const body = await registered(op, confidential)
    const without = { code_challenge: undefined, code_challenge_method: undefined }
    const authorized = await authorize(op, browser(op), asClient(body), { scope: 'openid', ...without })
    const stolen = await redeem(op, await dropped(op, body), authorized, { code_verifier: '' })
    expect([stolen.status, stolen.body.error]).toEqual([400, 'invalid_grant'])
  })
})
