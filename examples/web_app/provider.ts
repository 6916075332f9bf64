/** The provider as this application knows it: its metadata, how the client authenticates, and the checks that are made of each answer. https://github.com/panva/openid-client */
import { AsyncLocalStorage } from 'node:async_hooks'
import { importJWK, type JWK } from 'jose'
import * as oidc from 'openid-client'
import { type Exchange, note, watched } from '../exchanges/exchange.ts'
import { clientId, clientKeyFile, clientSecret, issuer } from './settings.ts'

/** A key is never sent, so that neither a log nor a proxy can have it. A secret is sent with each request. */
async function authentication(): Promise<oidc.ClientAuth> {
  if (clientKeyFile === undefined) return oidc.ClientSecretBasic(clientSecret)
  const jwk = (await Bun.file(clientKeyFile).json()) as JWK
  const key = (await importJWK(jwk)) as oidc.CryptoKey
  return oidc.PrivateKeyJwt(jwk.kid === undefined ? key : { key, kid: jwk.kid })
}

/** The exchanges of the session for which this process sends a request: for the page that shows them, not for production. */
export const current = new AsyncLocalStorage<Map<string, Exchange>>()
const watchedFetch = watched(fetch, (exchange) => note(current.getStore() ?? new Map(), exchange))

export const config = await oidc.discovery(new URL(issuer), clientId, undefined, await authentication(), {
  [oidc.customFetch]: watchedFetch as oidc.CustomFetch,
  execute: [
    // The signature of an ID Token is verified, although it came over a connection to the provider.
    oidc.enableNonRepudiationChecks,
    // A provider at http://localhost is for development; any other must speak TLS.
    ...(issuer.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : []),
  ],
})
config.timeout = 10
