/** A person sets up an authenticator app, signs in with it, loses it, and goes on with a recovery code. https://www.rfc-editor.org/rfc/rfc6238 */
import { expect, test } from 'bun:test'
import {
  codeOf,
  freshCode,
  pageOf,
  pathOf,
  seedOn,
  setUpApp,
  withPassword,
} from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import { browser, demo, introspect, minute, open, outcome, redeem } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

test('an app is set up, asked for at the next sign-in, and the tokens say so', async () => {
  const op = await provider()
  const alice = browser(op)
  await withPassword(alice)
  const seed = await setUpApp(op, alice)

  const elsewhere = browser(op)
  const login = pageOf(await open(op, elsewhere))
  const half = await elsewhere.press(login, 'login', { username: 'alice', password: 'alicepassword' })
  expect(pathOf(half)).toBe('/second-factor/totp')
  const wrong = await elsewhere.press(pageOf(half), 'verify', { code: '000000' })
  expect(pageOf(wrong).status).toBe(401)
  expect(pathOf(wrong)).toBe('/second-factor/totp')
  const consent = await elsewhere.press(pageOf(wrong), 'verify', { code: freshCode(op, seed) })
  expect(pathOf(consent)).toBe('/consent')
})
