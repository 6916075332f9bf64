/** Whole journeys against a provider that is a process of its own: from the authorization request to tokens, and on. */
import { authorizationUrl, demo, formPost, type Json, type TestClient } from './client.ts'
import { person, type Person } from './person.ts'

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export interface Journey {
  issuer: string
  fetch: Fetch
}

export interface CodeInHand {
  code: string
  code_verifier: string
}

export const visitor = ({ issuer, fetch }: Journey): Person => person(issuer, fetch)

/** The person goes through whatever pages come; a client has the code and has not used it. */
export async function codeFor(
  { issuer }: Journey,
  who: Person,
  more: Record<string, string> = {},
  client: TestClient = demo,
): Promise<CodeInHand> {
  const { url, code_verifier } = authorizationUrl(issuer, client, more)
  const location = await who.goThrough(url)
  const code = location.searchParams.get('code')
  if (!code) throw new Error(`no code: ${location}`)
  return { code, code_verifier }
}

export const redeem = ({ issuer, fetch }: Journey, { code, code_verifier }: CodeInHand, client = demo) =>
  fetch(
    `${issuer}/token`,
    formPost(client, {
      grant_type: 'authorization_code',
      code,
      code_verifier,
      redirect_uri: client.redirect_uri,
    }),
  )

export const refresh = ({ issuer, fetch }: Journey, refresh_token: unknown, client = demo) =>
  fetch(
    `${issuer}/token`,
    formPost(client, { grant_type: 'refresh_token', refresh_token: String(refresh_token) }),
  )

export const clientCredentials = ({ issuer, fetch }: Journey, client = demo) =>
  fetch(`${issuer}/token`, formPost(client, { grant_type: 'client_credentials' }))

export const revoke = ({ issuer, fetch }: Journey, token: unknown, client = demo) =>
  fetch(`${issuer}/revoke`, formPost(client, { token: String(token) }))

export async function isActive({ issuer, fetch }: Journey, token: unknown, client = demo): Promise<unknown> {
  const answer = await fetch(`${issuer}/introspect`, formPost(client, { token: String(token) }))
  return ((await answer.json()) as Json).active
}

/** The JSON of an answer that must be 200. */
export async function good(answer: Response | Promise<Response>): Promise<Json> {
  const { status, headers, ...rest } = await pick(await answer)
  if (status !== 200) throw new Error(`expected 200, got ${status}: ${rest.text}`)
  if (!headers.get('content-type')?.includes('json')) throw new Error(`expected JSON, got ${rest.text}`)
  return JSON.parse(rest.text) as Json
}

const pick = async (answer: Response) => ({
  status: answer.status,
  headers: answer.headers,
  text: await answer.text(),
})
