/** The test client of `latchkey examine`: how it authenticates, and its requests. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { generatePkce } from '../../auth/pkce.ts'
import { systemRandom } from '../../lib/random.ts'
import { assertion, dpopProof } from './client_key.ts'
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

/** Client authentication of one request: fields and headers. `wrong` in place of what the client has. */
async function proofOf(
  sight: Sight,
  client: TestClient,
  wrong: boolean,
): Promise<{ fields: Fields; headers: Fields }> {
  const { client_id } = client
  if (client.key) return { fields: await assertion(sight, client_id, client.key, wrong), headers: {} }
  const secret = wrong ? systemRandom(24) : client.client_secret
  if (secret === undefined) return { fields: { client_id }, headers: {} }
  return methodOf(sight, client) === 'client_secret_post'
    ? { fields: { client_id, client_secret: secret }, headers: {} }
    : { fields: {}, headers: { authorization: basic(client_id, secret) } }
}

/** A POST in the name of the test client; `wrong`: with a secret or a key that is not its own. */
export async function postAs(sight: Sight, url: string, fields: Fields, wrong = false): Promise<Answered> {
  const client = clientOf(sight)
  const send = async (nonce?: string): Promise<Answered> => {
    const proof = await proofOf(sight, client, wrong)
    const bound = client.dpop && url === sight.metadata.token_endpoint
    const dpop = bound ? { dpop: await dpopProof(sight, url, client.dpop!, nonce) } : {}
    return post(sight, url, { ...proof.fields, ...fields }, { ...proof.headers, ...dpop })
  }
  const answer = await send()
  return errorOf(answer) === 'use_dpop_nonce' ? send(answer.headers['dpop-nonce']) : answer
}

export const confidential = (sight: Sight): TestClient =>
  clientOf(sight).client_secret === undefined && clientOf(sight).key === undefined
    ? refuse('it needs a test client that authenticates: --client-secret, or --client-key')
    : clientOf(sight)

type Changes = Readonly<Record<string, string | undefined>>

/** The parameters of an authorization request without a page: `prompt=none`. An undefined member of `changes` is left out. */
export function requestOf(sight: Sight, changes: Changes = {}): Record<string, string> {
  const { client_id, redirect_uri } = clientOf(sight)
  const params = {
    response_type: 'code',
    client_id,
    redirect_uri: redirect_uri ?? refuse('it needs --redirect-uri of the test client'),
    scope: 'openid',
    state: systemRandom(12),
    nonce: systemRandom(12),
    prompt: 'none',
    code_challenge: generatePkce(systemRandom).code_challenge,
    code_challenge_method: 'S256',
    ...changes,
  }
  return Object.fromEntries(
    Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined),
  )
}

export interface Authorized {
  answer: Answered
  state: string
  /** The registered one. */
  redirectUri: string
  /** The error of a request that the provider refused when it was pushed: no browser ever sees it. */
  pushed?: string
}

/** Sends an authorization request as a browser without a session does. It is pushed first where the provider wants that (RFC 9126). */
export async function authorize(sight: Sight, changes: Changes = {}): Promise<Authorized> {
  const params = requestOf(sight, changes)
  const url = new URL(sight.endpoint('authorization_endpoint'))
  const common = { state: params.state ?? '', redirectUri: clientOf(sight).redirect_uri! }
  let sent: Fields = params
  if (sight.metadata.require_pushed_authorization_requests === true) {
    const answer = await postAs(sight, sight.endpoint('pushed_authorization_request_endpoint'), params)
    const { request_uri } = answer.json ?? {}
    if (typeof request_uri !== 'string') return { ...common, answer, pushed: errorOf(answer) }
    sent = { client_id: clientOf(sight).client_id, request_uri }
  }
  for (const [name, value] of Object.entries(sent)) url.searchParams.set(name, value)
  return { ...common, answer: await sight.ask(url.href) }
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
