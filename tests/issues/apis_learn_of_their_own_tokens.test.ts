/** Issue 8, line 73: an API learns of the tokens that it may accept. https://www.rfc-editor.org/rfc/rfc7662#section-4 */
import { describe, expect, test } from 'bun:test'
import { claimsOf, demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { browser, introspect, operatorClient, post, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const [notes, mail] = ['https://notes.example/api', 'https://mail.example/api']
const inactive = { active: false }
const machine = { redirect_uris: [], response_types: [] as string[], scope: '' }
const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'

const start = (env: Record<string, string> = {}) =>
  provider({ env: { RESOURCES: `${notes} ${mail}`, ...env } })

const api = (op: Provider, client_id: string, more: Json = {}) =>
  operatorClient(op, {
    ...machine,
    grant_types: ['client_credentials', exchangeType],
    client_id,
    resource_server: true,
    ...more,
  })

async function userToken(op: Provider, resource?: string) {
  return tokensOf(op, browser(op), demo, { resource })
}

async function ownToken(op: Provider, client: TestClient, resource?: string): Promise<string> {
  const more = resource === undefined ? {} : { resource }
  const { body } = await post(op, '/token', client, { grant_type: 'client_credentials', ...more })
  return String(body.access_token)
}

for (const format of ['jwt', 'opaque'])
  describe(`${format} access tokens`, () => {
    test('an API that is tied to its resource learns of the tokens for it, and of no others', async () => {
      const op = await start({ ACCESS_TOKEN_FORMAT: format })
      const notesApi = await api(op, 'notes', { resource_uris: [notes] })
      const { access_token } = await userToken(op, notes)
      expect(await introspect(op, access_token, notesApi)).toMatchObject({ active: true, username: 'alice' })
      for (const resource of [mail, undefined])
        expect(
          await introspect(op, (await userToken(op, resource)).access_token, notesApi),
          String(resource),
        ).toEqual(inactive)
      expect(await introspect(op, await ownToken(op, demo, mail), notesApi)).toEqual(inactive)
      expect(await introspect(op, await ownToken(op, demo, notes), notesApi)).toMatchObject({ active: true })
    })

    test('a tie is enough: the API need not be a resource server too', async () => {
      const op = await start({ ACCESS_TOKEN_FORMAT: format })
      const notesApi = await api(op, 'notes', { resource_uris: [notes], resource_server: false })
      expect((await introspect(op, (await userToken(op, notes)).access_token, notesApi)).active).toBe(true)
    })

    test('its own token for another API does not come back as one for itself', async () => {
      const op = await start({ ACCESS_TOKEN_FORMAT: format })
      const notesApi = await api(op, 'notes', { resource_uris: [notes] })
      expect(await introspect(op, await ownToken(op, notesApi, mail), notesApi)).toEqual(inactive)
      expect((await introspect(op, await ownToken(op, notesApi, notes), notesApi)).active).toBe(true)
    })

    test('a resource server without a tie learns of tokens that name no resource, and of no others', async () => {
      const op = await start({ ACCESS_TOKEN_FORMAT: format })
      const gateway = await api(op, 'gateway')
      expect((await introspect(op, (await userToken(op)).access_token, gateway)).active).toBe(true)
      expect((await introspect(op, await ownToken(op, demo), gateway)).active).toBe(true)
      expect(await introspect(op, (await userToken(op, notes)).access_token, gateway)).toEqual(inactive)
    })

    test('an ordinary client learns of its own tokens, whatever they are for', async () => {
      const op = await start({ ACCESS_TOKEN_FORMAT: format })
      for (const resource of [undefined, notes])
        expect((await introspect(op, (await userToken(op, resource)).access_token)).active).toBe(true)
    })

    test('an API exchanges only the tokens that it may accept', async () => {
      const op = await start({ ACCESS_TOKEN_FORMAT: format })
      const exchange = async (client: TestClient, token: string) =>
        post(op, '/token', client, {
          grant_type: exchangeType,
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        })
      const notesApi = await api(op, 'notes', { resource_uris: [notes] })
      expect((await exchange(notesApi, (await userToken(op, mail)).access_token)).body.error).toBe(
        'invalid_request',
      )
      expect((await exchange(notesApi, (await userToken(op, notes)).access_token)).status).toBe(200)
      const gateway = await api(op, 'gateway')
      expect((await exchange(gateway, (await userToken(op, mail)).access_token)).body.error).toBe(
        'invalid_request',
      )
      expect((await exchange(gateway, (await userToken(op)).access_token)).status).toBe(200)
    })
  })

test('a signed answer says no more than a plain one (RFC 9701 §5)', async () => {
  const op = await start()
  const notesApi = await api(op, 'notes', { resource_uris: [notes] })
  const ask = async (token: string) => {
    const accept = { accept: 'application/token-introspection+jwt' }
    const answer = await op.fetch('/introspect', formPost(notesApi, { token }, accept))
    return claimsOf(await answer.text()).token_introspection
  }
  expect(await ask((await userToken(op, notes)).access_token)).toMatchObject({ active: true })
  const other = await userToken(op, mail)
  for (const token of [other.access_token, other.refresh_token]) expect(await ask(token)).toEqual(inactive)
})

test('what was withheld is in the log, with what to do', async () => {
  const op = await start()
  const gateway = await api(op, 'gateway')
  await introspect(op, (await userToken(op, notes)).access_token, gateway)
  expect(op.lines.some((line) => line.includes('introspection_withheld') && line.includes(notes))).toBe(true)
})

test('a refresh token is for its own client alone, with the key it is bound to', async () => {
  const op = await start()
  const { refresh_token } = await userToken(op, notes)
  for (const client of [await api(op, 'notes', { resource_uris: [notes] }), await api(op, 'gateway')])
    expect(await introspect(op, refresh_token, client)).toEqual(inactive)
  const own = await introspect(op, refresh_token)
  expect(own).toMatchObject({ active: true, client_id: demo.client_id })
  expect(own).not.toHaveProperty('token_type') // it is no access token (RFC 6749 §5.1)
})

test('a refresh token whose session has run out is not active', async () => {
  const op = await start({ SESSION_IDLE_TTL: '600', SESSION_TTL: '1200', REFRESH_TOKEN_TTL: '86400' })
  const { refresh_token } = await userToken(op)
  expect((await introspect(op, refresh_token)).active).toBe(true)
  op.clock.advance(599_000)
  expect((await introspect(op, refresh_token)).active).toBe(true)
  op.clock.advance(2_000)
  expect(await introspect(op, refresh_token)).toEqual(inactive)
})

test('a refresh token is active as long as its session is in use', async () => {
  const op = await start({ SESSION_IDLE_TTL: '600', SESSION_TTL: '1200', REFRESH_TOKEN_TTL: '86400' })
  const alice = browser(op)
  const { refresh_token } = await tokensOf(op, alice)
  op.clock.advance(400_000)
  await tokensOf(op, alice)
  op.clock.advance(400_000)
  expect((await introspect(op, refresh_token)).active).toBe(true)
  op.clock.advance(401_000)
  expect(await introspect(op, refresh_token)).toEqual(inactive)
})

test('a refresh token with offline_access outlives the session', async () => {
  const op = await start({ SESSION_IDLE_TTL: '600', SESSION_TTL: '1200', REFRESH_TOKEN_TTL: '86400' })
  const scope = 'openid offline_access'
  const { refresh_token } = await tokensOf(op, browser(op), demo, { scope, prompt: 'consent' })
  op.clock.advance(2_000_000)
  expect((await introspect(op, refresh_token)).active).toBe(true)
})

test('an operator alone ties a client to an API', async () => {
  const op = await start({ REGISTRATION: 'open' })
  const register = async (members: Json) => {
    const answer = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://a.example/cb'], ...members }),
    })
    return [answer.status, ((await answer.json()) as Json).error]
  }
  expect(await register({})).toEqual([201, undefined])
  for (const resource_uris of [[notes], [], [`${notes}#x`]])
    expect(await register({ resource_uris })).toEqual([400, 'invalid_client_metadata'])
})
