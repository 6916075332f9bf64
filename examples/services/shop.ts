/** Stands for an application of the End-User: signs in with the browser, orders one lamp at the gateway, and prints the answer. */
import * as oidc from 'openid-client'
import { openBrowser } from '../native_app/browser.ts'
import { listen } from '../native_app/loopback.ts'
import { issuer, resources } from './settings.ts'

const config = await oidc.discovery(new URL(issuer), 'shop', undefined, oidc.None(), {
  execute: [oidc.enableNonRepudiationChecks, oidc.allowInsecureRequests], // http for this machine alone
})
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
const checks = {
  pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
  expectedState: oidc.randomState(),
  expectedNonce: oidc.randomNonce(),
}
const token = Promise.withResolvers<string>()
const redeem = async (answer: URL) => {
  const tokens = await oidc.authorizationCodeGrant(
    config,
    answer,
    checks,
    { resource: resources.gateway },
    { DPoP },
  )
  token.resolve(tokens.access_token)
  return tokens.claims()!.sub
}
const server = listen(checks.expectedState, redeem, token.reject)
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: server.redirectUri,
  scope: 'openid place:orders reserve:stock',
  resource: resources.gateway,
  code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: checks.expectedState,
  nonce: checks.expectedNonce,
})
console.log(openBrowser(url.href) ? 'Sign in with your browser' : `Open ${url.href}`)

const order = { method: 'POST', body: JSON.stringify({ item: 'lamp', amount: 1 }) }
const [address, headers] = [
  new URL(`${resources.gateway}/orders`),
  new Headers({ 'content-type': 'application/json' }),
]
const answer = await oidc.fetchProtectedResource(
  config,
  await token.promise,
  address,
  order.method,
  order.body,
  headers,
  { DPoP },
)
await server.stop()
console.log(`${answer.status} ${await answer.text()}`)
