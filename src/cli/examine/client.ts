/** The test client of `latchkey examine`: how it authenticates, and its requests. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { generatePkce } from '../../auth/pkce.ts'
import { systemRandom } from '../../lib/random.ts'
import { NotExamined } from './not_examined.ts'
import { type Answered, type Json, listed, type Sight, type TestClient } from './sight.ts'

type Fields = Readonly<Record<string, string>>

export const clientOf = ({ client }: Sight): TestClient =>
  client ?? refuse('it needs a test client: --client-id, or --register')

function refuse(why: string): never {
  throw new NotExamined(why)
}

/** RFC 6749 §2.3.1: both halves form-encoded before they are joined. */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)

const basic = (id: string, secret: string): string =>
  `Basic ${btoa(`${formEncoded(id)}:${formEncoded(secret)}`)}`

/** The first method with a secret that the provider takes. */
function methodOf(sight: Sight, { method }: TestClient): string {
  const methods = listed(sight, 'token_endpoint_auth_methods_supported') ?? ['client_secret_basic']
  const chosen =
    method ?? ['client_secret_basic', 'client_secret_post'].find((each) => methods.includes(each))
  return chosen ?? refuse(`the provider takes no client_secret, but ${methods.join(', ')}`)
}

export const post = (
  sight: Sight,
  url: string,
  fields: Fields,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> =>
  sight.ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
    accept: 'application/json',
  })

/** A POST in the name of the test client; `secret` in place of its own. */
export function postAs(sight: Sight, url: string, fields: Fields, secret?: string): Promise<Answered> {
  const client = clientOf(sight)
  const proof = secret ?? client.client_secret
  const { client_id } = client
  if (proof === undefined) return post(sight, url, { client_id, ...fields })
  return methodOf(sight, client) === 'client_secret_post'
    ? post(sight, url, { client_id, client_secret: proof, ...fields })
    : post(sight, url, fields, { authorization: basic(client_id, proof) })
}

export const confidential = (sight: Sight): TestClient =>
  clientOf(sight).client_secret === undefined
    ? refuse('it needs a test client with a secret: --client-secret')
    : clientOf(sight)

/** An authorization request without a page: `prompt=none` in a browser that has no session. An undefined member is left out. */
export function authorizationUrl(
  sight: Sight,
  changes: Readonly<Record<string, string | undefined>> = {},
): { url: string; state: string; redirectUri: string } {
  const { client_id, redirect_uri } = clientOf(sight)
  const redirectUri = redirect_uri ?? refuse('it needs --redirect-uri of the test client')
  const state = systemRandom(12)
  const url = new URL(sight.endpoint('authorization_endpoint'))
  const params = {
    response_type: 'code',
    client_id,
    redirect_uri: redirectUri,
    scope: 'openid',
    state,
    nonce: systemRandom(12),
    prompt: 'none',
    code_challenge: generatePkce(systemRandom).code_challenge,
    code_challenge_method: 'S256',
    ...changes,
  }
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) url.searchParams.set(name, value)
  return { url: url.href, state, redirectUri }
}

/** The parameters of a redirect to the client, in query or fragment; undefined for any other answer. */
export function redirectedTo(answer: Answered, redirectUri: string): URLSearchParams | undefined {
  const { location } = answer.headers
  const url = location === undefined ? null : URL.parse(location)
  const expected = new URL(redirectUri)
  if (
    !url ||
    url.origin !== expected.origin ||
    url.host !== expected.host ||
    url.pathname !== expected.pathname
  )
    return undefined
  return new URLSearchParams(url.hash ? url.hash.slice(1) : url.search)
}

/** `error` of an answer in JSON, for what was found. */
export const errorOf = ({ json }: { json: Json | undefined }): string =>
  typeof json?.error === 'string' ? json.error : 'no error'

export const said = (answer: Answered): string => `status ${answer.status}, ${errorOf(answer)}`
