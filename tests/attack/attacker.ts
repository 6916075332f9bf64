/** What the attacks have in common: a code at hand, tokens at hand, and the question whether they still work. */
import { type Client, Client as Clients, makeClient } from '../../src/models/client.ts'
import { authorizationUrl, demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { alice, type Person, person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'

export interface Stolen {
  code: string
  code_verifier: string
  location: URL
  browser: Person
}

interface Way {
  client?: TestClient
  who?: { username: string; password: string }
  more?: Record<string, string | undefined>
  browser?: Person
}

/** A code for `who`, in a browser of its own unless one is given. */
export async function codeFor(op: Provider, { client = demo, who = alice, more, browser }: Way = {}) {
  const used = browser ?? person(op.issuer, op.fetch)
  const { url, code_verifier } = authorizationUrl(op.issuer, client, more)
  const location = await used.goThrough(url, who)
  const code = location.searchParams.get('code')
  if (code === null) throw new Error(`no code in ${location}`)
  return { code, code_verifier, location, browser: used } satisfies Stolen
}

/** `undefined` takes a parameter out. */
export function redeem(
  op: Provider,
  { code, code_verifier }: Pick<Stolen, 'code' | 'code_verifier'>,
  client: TestClient = demo,
  more: Record<string, string | undefined> = {},
): Promise<Response> {
  const fields = {
    grant_type: 'authorization_code',
    code,
    code_verifier,
    redirect_uri: client.redirect_uri,
    ...more,
  }
  const given = Object.entries(fields).filter((each): each is [string, string] => each[1] !== undefined)
  return op.fetch('/token', formPost(client, Object.fromEntries(given)))
}

export interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
}

export async function tokensFor(op: Provider, way: Way = {}): Promise<Tokens & { browser: Person }> {
  const stolen = await codeFor(op, way)
  const answer = await redeem(op, stolen, way.client)
  if (answer.status !== 200) throw new Error(await answer.text())
  return { ...((await answer.json()) as Tokens), browser: stolen.browser }
}

export const refresh = (op: Provider, refresh_token: string, client: TestClient = demo): Promise<Response> =>
  op.fetch('/token', formPost(client, { grant_type: 'refresh_token', refresh_token }))

/** What userinfo says of an access token: 200 or 401. */
export const userinfo = async (op: Provider, token: string): Promise<number> =>
  (await op.fetch('/userinfo', { headers: { authorization: `Bearer ${token}` } })).status

export const errorOf = async (response: Response): Promise<string> =>
  `${response.status} ${String(((await response.json()) as Json).error)}`

type Metadata = Parameters<typeof makeClient>[1]

/** An operator adds a client. `secret` where its method has one. */
export async function addClient(op: Provider, metadata: Metadata, secret?: string): Promise<Client> {
  const { client } = makeClient(op.context, metadata, secret)
  if (!(await Clients.create(op.context, client))) throw new Error(`${client.client_id} is taken`)
  return client
}

export const attempts = <T>(count: number, one: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => one(i)))

/** How often each answer came. */
export function tally(answers: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}
