/** The provider as this application knows it: its metadata, and the checks that are made of each answer. https://github.com/panva/openid-client */
import * as oidc from 'openid-client'
import { settings } from './settings.ts'

const { issuer, clientId } = settings

/** Each time anew until it works: a provider that does not answer must not break the page until it is loaded again. */
export async function discover(send: typeof fetch): Promise<oidc.Configuration> {
  const config = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
    [oidc.customFetch]: send as oidc.CustomFetch,
    execute: [
      // The signature of an ID Token is verified, although it came over a connection to the provider.
      oidc.enableNonRepudiationChecks,
      // A provider at http://localhost is for development; any other must speak TLS.
      ...(issuer.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : []),
    ],
  })
  config.timeout = 10
  return config
}
