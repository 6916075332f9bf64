/**
 * Issue 8, 75: `offline_access` was granted where no refresh token follows, without a code in the answer or to a client
 * that is not registered for them. Its access token survived the sign-out. OpenID Connect Core §11.
 */
import { expect, test } from 'bun:test'
import { pageOf } from '../support/authenticator.ts'
import type { Json } from '../support/client.ts'
import {
  alice,
  browser,
  introspect,
  open,
  operatorClient,
  post,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider()
const scope = 'openid email offline_access'
const device = 'urn:ietf:params:oauth:grant-type:device_code'
let made = 0
const client = (more: Json) => operatorClient(op, { client_id: `client-${made++}`, ...more })

async function signOut(who: ReturnType<typeof browser>) {
  await who.press(pageOf(await who.open('/logout')), 'logout')
}

test('a client without the refresh grant gets none, and its token ends with the session', async () => {
  const who = browser(op)
  const own = await client({ grant_types: ['authorization_code'] })
  const signIn = pageOf(await open(op, who, { scope }, own))
  expect(pageOf(await who.press(signIn, 'login', alice)).html).not.toContain('offline_access')
  const tokens = await tokensOf(op, who, own, { scope })
  expect(tokens.scope).toBe('openid email')
  expect((await userinfo(op, tokens.access_token)).status).toBe(200)
  await signOut(who)
  expect((await userinfo(op, tokens.access_token)).status).toBe(401)
})

test.each(['id_token token', 'id_token'])('response_type=%s has none', async (response_type) => {
  const who = browser(op)
  const own = await client({
    grant_types: ['implicit', 'authorization_code', 'refresh_token'],
    response_types: ['id_token token', 'id_token', 'code'],
  })
  await tokensOf(op, who, own, { scope })
  const { location } = await open(op, who, { scope, response_type }, own)
  const answer = new URLSearchParams(location!.hash.slice(1))
  expect(answer.get('id_token')).toBeTruthy()
  const token = answer.get('access_token')
  if (token === null) return
  expect(answer.get('scope')).toBe('openid email')
  await signOut(who)
  expect((await userinfo(op, token)).status).toBe(401)
})

test('a scope that is not registered is no error where it is ignored', async () => {
  const own = await client({ grant_types: ['authorization_code'], scope: 'openid' })
  const tokens = await tokensOf(op, browser(op), own, { scope: 'openid offline_access' })
  expect(tokens.scope).toBe('openid')
})

test('with both it is granted, shown, and outlives the session', async () => {
  const who = browser(op)
  const own = await client({ grant_types: ['authorization_code', 'refresh_token'] })
  const signIn = pageOf(await open(op, who, { scope }, own))
  expect(pageOf(await who.press(signIn, 'login', alice)).html).toContain('offline_access')
  const tokens = await tokensOf(op, who, own, { scope })
  expect(tokens.scope).toBe(scope)
  await signOut(who)
  expect((await userinfo(op, tokens.access_token)).status).toBe(200)
})

test.each([
  [[device], 'openid email'],
  [[device, 'refresh_token'], scope],
])('a device with the grant types %p', async (grant_types, granted) => {
  const own = await client({ grant_types, redirect_uris: [], response_types: [] })
  const { body } = await post(op, '/device_authorization', own, { scope })
  const who = browser(op)
  const signIn = pageOf(await who.open(`${op.issuer}/device?user_code=${body.user_code}`))
  const typed = pageOf(await who.press(signIn, 'login', alice))
  const confirm = pageOf(await who.press(typed, typed.forms[0]!.buttons[0]!))
  await who.press(confirm, 'allow')
  const tokens = await post(op, '/token', own, { grant_type: device, device_code: String(body.device_code) })
  expect(tokens.body.scope).toBe(granted)
})

test('an application of the operator has it by its registration, and the End-User ends it in the account', async () => {
  const who = browser(op)
  const own = await client({ first_party: true })
  const signIn = pageOf(await open(op, who, { scope }, own))
  expect((await who.press(signIn, 'login', alice)).location?.searchParams.get('code')).toBeTruthy()
  const tokens = await tokensOf(op, who, own, { scope })
  expect(tokens.scope).toBe(scope)
  const list = pageOf(await who.open('/account/applications'))
  expect(list.html).toContain('Keep this access when you’re not using the app')
  const form = list.forms.find((each) => each.fields.client_id === own.client_id)!
  await who.press({ ...list, forms: [form] }, 'withdraw')
  expect((await introspect(op, tokens.access_token, own)).active).toBe(false)
})
