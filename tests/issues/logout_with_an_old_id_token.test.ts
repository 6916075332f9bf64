/** An ID Token whose key had left the JWKS was refused as a hint: a 400 page, and the End-User stayed signed in. Issue 8, B.29 */
import { expect, test } from 'bun:test'
import { algsInUse } from '../../src/cli/open.ts'
import { deriveKey } from '../../src/lib/hash.ts'
import { loadKeyRing } from '../../src/models/key_ring.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { addClient, bank, begin, grant_type } from '../support/backchannel.ts'
import { claimsOf, headerOf } from '../support/client.ts'
import { browser, demo, outcome, stage, tokensOf, userinfo } from '../support/flow.ts'
import { provider, type Provider } from '../support/provider.ts'

const after = 'http://localhost:8080/'
const logoutUrl = (params: Record<string, string>) => `/logout?${new URLSearchParams(params)}`

const ownKeys = () => ({ keyStorage: memoryStore({ now: () => 0 }) })

/** Turns the clock until the keys of now have left the JWKS. */
async function retireKeys(op: Provider): Promise<void> {
  await op.context.keys.rotate()
  op.clock.advance((600 + 3600 + 61) * 1000)
  await op.context.keys.refresh()
}

test('the hint signs out without a question, also after a restart', async () => {
  const { keyStorage } = ownKeys()
  const { op, alice } = await stage({ keyStorage })
  const { id_token } = await tokensOf(op, alice)
  const { kid } = headerOf(id_token)
  await retireKeys(op)
  expect(op.context.keys.jwks().body).not.toContain(String(kid))
  const again = await provider({ clock: op.clock, keyStorage })
  expect(await again.context.keys.verifyHint(id_token)).toMatchObject({ aud: demo.client_id })
  expect(await outcome(op, alice, { prompt: 'none', id_token_hint: id_token })).toBe('code')
  const { location } = await alice.open(
    logoutUrl({ id_token_hint: id_token, post_logout_redirect_uri: after, state: 's' }),
  )
  expect(location!.href).toBe(`${after}?state=s`)
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')
})

test('CIBA takes it as well', async () => {
  const { op, alice } = await stage(ownKeys())
  const client = { ...bank, redirect_uri: demo.redirect_uri }
  const grant_types = [grant_type, 'authorization_code']
  await addClient(op, { grant_types, response_types: ['code'], redirect_uris: [demo.redirect_uri] })
  const { id_token } = await tokensOf(op, alice, client, { scope: 'openid profile' })
  await retireKeys(op)
  const { body } = await begin(op, { login_hint: undefined, id_token_hint: id_token })
  expect(body).toHaveProperty('auth_req_id')
})

test('the retired key verifies hints alone', async () => {
  const { op, alice } = await stage(ownKeys())
  const { id_token, access_token } = await tokensOf(op, alice)
  await retireKeys(op)
  expect(await op.context.keys.verify(id_token, { typ: 'JWT' })).toBeUndefined()
  expect(await op.context.keys.verify(access_token, { typ: 'at+jwt' })).toBeUndefined()
  expect(await op.context.keys.verifyHint(access_token)).toBeUndefined()
  expect((await userinfo(op, access_token)).status).toBe(401)
})

test('after the longest session its public half is gone too', async () => {
  const op = await provider({ ...ownKeys(), env: { SESSION_TTL: '7200', SESSION_IDLE_TTL: '7200' } })
  const { id_token } = await tokensOf(op, browser(op))
  await retireKeys(op)
  expect(await op.context.keys.verifyHint(id_token)).toMatchObject({ aud: demo.client_id })
  op.clock.advance(7_200_000)
  expect(await op.context.keys.verifyHint(id_token)).toBeUndefined()
})

test('with a key that is lost the End-User is asked, as with client_id, and goes back to the client', async () => {
  const { op, alice } = await stage(ownKeys())
  const { id_token } = await tokensOf(op, alice)
  const keys = await loadKeyRing({
    ...op.context,
    storage: memoryStore(op.clock),
    sealingKey: deriveKey('another', 'signing keys'),
    algs: algsInUse(op.context.config),
    activationDelay: 600,
    retention: 3600,
  })
  op.context.keys = keys
  const hint = { id_token_hint: id_token, post_logout_redirect_uri: after }
  const { page } = await alice.open(logoutUrl(hint))
  expect(page!.status).toBe(200)
  expect(page!.html).toContain('Demo client')
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
  const { location } = await alice.press(page!, 'logout')
  expect(location!.href).toBe(after)
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')

  const [head, , signature] = id_token.split('.')
  const forged = (claims: object) =>
    `${head}.${Buffer.from(JSON.stringify({ ...claimsOf(id_token), ...claims })).toString('base64url')}.${signature}`
  for (const params of [
    { ...hint, post_logout_redirect_uri: 'https://evil.example/' },
    { ...hint, client_id: 'browser_client' },
    { ...hint, id_token_hint: forged({ iss: 'https://evil.example' }) },
    { ...hint, id_token_hint: forged({ aud: 'nobody' }) },
  ]) {
    const refused = await alice.open(logoutUrl(params))
    expect([refused.location, refused.page!.status]).toEqual([undefined, 400])
  }
})

test('a browser without a session is not told that the session has ended', async () => {
  const { op, alice } = await stage(ownKeys())
  const { id_token } = await tokensOf(op, alice)
  const { page } = await browser(op).open(logoutUrl({ id_token_hint: id_token }))
  expect(page!.html).not.toContain('has ended')
  expect(page!.html).toContain('This browser wasn’t signed in')
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
})
