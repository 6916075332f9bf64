/** The steps that most stories share: a client made by the operator, an authorization, its tokens. */
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import {
  authorizationUrl,
  browserClient,
  type ClientMembers,
  demo,
  formPost,
  type Json,
  type TestClient,
} from './client.ts'
import { alice, bob, person, type Person } from './person.ts'
import { type Provider, provider, type ProviderOptions } from './provider.ts'

export interface Answer {
  status: number
  headers: Headers
  /** The JSON, or {} when there is none. */
  body: Json
  text: string
}

export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Json) : {},
    text,
  }
}

/** A provider as its clients and browsers reach it. */
export type At = Pick<Provider, 'issuer' | 'fetch'>

/** A form POST by `client`, read. */
export const post = async (
  op: At,
  path: string,
  client: TestClient,
  fields: Record<string, string>,
  headers?: Record<string, string>,
): Promise<Answer> => read(await op.fetch(path, formPost(client, fields, headers)))

/** A new browser at `op`. */
export const browser = (op: At): Person => person(op.issuer, op.fetch)

/** A client that an operator made, with whatever it may not register by itself. */
export async function operatorClient(
  op: Provider,
  metadata: ClientMembers & { client_id: string },
): Promise<TestClient> {
  const making = { ...op.context, random: systemRandom }
  const { client, secret } = makeClient(making, {
    redirect_uris: [demo.redirect_uri],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile email address phone offline_access',
    ...metadata,
  })
  if (!(await Client.create(op.context, client))) throw new Error(`client ${metadata.client_id} exists`)
  return {
    client_id: client.client_id,
    redirect_uri: client.redirect_uris[0] ?? '',
    ...(secret !== undefined && { client_secret: secret }),
  }
}

export interface Authorized {
  code: string
  code_verifier: string
  location: URL
  params: Record<string, string | undefined>
}

/** A code: the person signs in and allows as far as pages come. */
export async function authorize(
  op: At,
  who: Person,
  client: TestClient = demo,
  more: Record<string, string | undefined> = {},
  account = alice,
): Promise<Authorized> {
  const { url, code_verifier, params } = authorizationUrl(op.issuer, client, more)
  const location = await who.goThrough(url, account)
  const code = location.searchParams.get('code')
  if (code === null) throw new Error(`no code: ${location}`)
  return { code, code_verifier, location, params }
}

/** The code at /token; `fields` bends the request, '' takes a parameter out. */
export const redeem = (
  op: At,
  client: TestClient,
  { code, code_verifier }: Pick<Authorized, 'code' | 'code_verifier'>,
  fields: Record<string, string> = {},
): Promise<Answer> =>
  post(op, '/token', client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirect_uri,
    code_verifier,
    ...fields,
  })

export interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
  scope: string
  expires_in: number
  token_type: string
}

export async function tokensOf(
  op: At,
  who: Person,
  client: TestClient = demo,
  more: Record<string, string | undefined> = {},
  account = alice,
): Promise<Tokens & { nonce: string | undefined }> {
  const authorized = await authorize(op, who, client, more, account)
  const { status, body } = await redeem(op, client, authorized)
  if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`)
  return { ...(body as unknown as Tokens), nonce: authorized.params.nonce }
}

export const refresh = (op: At, client: TestClient, refresh_token: string, more = {}): Promise<Answer> =>
  post(op, '/token', client, { grant_type: 'refresh_token', refresh_token, ...more })

export const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } })

export const userinfo = async (op: At, token: string): Promise<Answer> =>
  read(await op.fetch('/userinfo', bearer(token)))

export const introspect = async (op: At, token: string, client = demo): Promise<Json> =>
  (await post(op, '/introspect', client, { token })).body

/** Opens an authorization request with `more`, and returns where it leads the browser. */
export const open = (
  op: At,
  who: Person,
  more: Record<string, string | undefined> = {},
  client: TestClient = demo,
) => who.open(authorizationUrl(op.issuer, client, more).url)

/** Where a page, a step, or an error of the client's came up: 'login', 'consent', 'error:login_required', 'code'. */
export async function outcome(
  op: Provider,
  who: Person,
  more: Record<string, string | undefined> = {},
  client: TestClient = demo,
): Promise<string> {
  const landing = await open(op, who, more, client)
  if (landing.page) return new URL(landing.page.url).pathname.slice(1)
  const error = landing.location.searchParams.get('error')
  return error === null ? 'code' : `error:${error}`
}

/** A provider where Alice is signed in and has allowed the demo client everything. */
export async function stage(options: ProviderOptions = {}) {
  const op = await provider(options)
  const who = browser(op)
  await authorize(op, who, demo, { scope: 'openid profile email address phone' })
  return { op, alice: who }
}

export { alice, bob, browserClient, demo }
export const minute = 60_000
