/** Issue 8, line 30: clients that can use `sid` have it in their ID Tokens. https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest */
import { expect, test } from 'bun:test'
import { claimsOf, type Json } from '../support/client.ts'
import { browser, operatorClient, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

test.each<[string, Json]>([
  ['back-channel logout', { backchannel_logout_uri: 'https://app.example/logout' }],
  ['front-channel logout', { frontchannel_logout_uri: 'https://app.example/logout' }],
  ['RP-initiated logout', { post_logout_redirect_uris: ['https://app.example/'] }],
])('a client with %s', async (_, more) => {
  const op = await provider()
  const client = await operatorClient(op, { client_id: 'app', ...more })
  const alice = browser(op)
  const [first, second] = [await tokensOf(op, alice, client), await tokensOf(op, alice, client)]
  expect(claimsOf(first.id_token).sid).toBeString()
  expect(claimsOf(second.id_token).sid).toBe(claimsOf(first.id_token).sid)
})
