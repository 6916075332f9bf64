/** `--register`: a test client by dynamic registration, which is removed at the end. https://www.rfc-editor.org/rfc/rfc7591, RFC 7592 */
import { printable } from '../output.ts'
import { Refusal } from '../failure.ts'
import { said } from './client.ts'
import { listed, type Sight, type TestClient } from './sight.ts'

/** A host that does not exist: no code ever arrives there. */
const redirectUri = 'https://client.examine.invalid/cb'

export interface Registered {
  client: TestClient
  /** Undefined where the provider cannot remove it: RFC 7592 is optional. */
  remove: (() => Promise<void>) | undefined
}

/** Throws Refusal where the provider registers no client. `token` is an initial access token. */
export async function register(sight: Sight, token: string | undefined): Promise<Registered> {
  const url = sight.metadata.registration_endpoint
  if (typeof url !== 'string')
    throw new Refusal('--register: the metadata has no registration_endpoint; name a client with --client-id')
  const offered = listed(sight, 'grant_types_supported') ?? ['authorization_code']
  const wanted = (names: readonly string[]) => names.filter((each) => offered.includes(each))
  const own = wanted(['client_credentials'])
  const answer =
    (await send(sight, url, token, [...wanted(['authorization_code', 'refresh_token']), ...own])) ??
    (await send(sight, url, token, wanted(['authorization_code', 'refresh_token']))) // a provider may keep it for operators
  if (answer === undefined) throw new Refusal('--register: the provider registered no client')
  return answer
}

async function send(
  sight: Sight,
  url: string,
  token: string | undefined,
  grant_types: readonly string[],
): Promise<Registered | undefined> {
  const methods = listed(sight, 'token_endpoint_auth_methods_supported') ?? ['client_secret_basic']
  const method = ['client_secret_basic', 'client_secret_post'].find((each) => methods.includes(each))
  if (method === undefined)
    throw new Refusal(`--register: the provider takes no client_secret, but ${printable(methods.join(', '))}`)
  const answer = await sight.ask(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      client_name: 'latchkey examine',
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types,
      token_endpoint_auth_method: method,
    }),
  })
  if (answer.status === 400) return undefined
  const { client_id, client_secret, registration_access_token, registration_client_uri } = answer.json ?? {}
  if (answer.status !== 201 || typeof client_id !== 'string' || typeof client_secret !== 'string')
    throw new Refusal(`--register: the registration endpoint answered ${printable(said(answer))}`)
  return {
    client: { client_id, client_secret, redirect_uri: redirectUri, method },
    remove: remover(sight, client_id, registration_client_uri, registration_access_token),
  }
}

/** The provider chose the URI: nothing is sent to another origin than that of the issuer. */
function remover(sight: Sight, clientId: string, uri: unknown, token: unknown): Registered['remove'] {
  if (typeof uri !== 'string' || typeof token !== 'string') return undefined
  return async () => {
    if (URL.parse(uri)?.origin !== new URL(sight.issuer).origin)
      throw new Refusal(
        `the registered client ${printable(clientId)} was not removed: registration_client_uri ${printable(uri.slice(0, 200))} is not at the origin of the issuer`,
      )
    const headers = { authorization: `Bearer ${token}` }
    const { status } = await sight.ask(uri, { method: 'DELETE', headers })
    if (status !== 204) throw new Refusal(`the registered client could not be removed: status ${status}`)
  }
}
