/** Providers that people come from: a second Latchkey on a port, or a server that answers as a test says. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Landing, Person } from './person.ts'
import { type Provider, provider } from './provider.ts'
import { freePort } from './free_port.ts'
import { addClient } from '../attack/attacker.ts'

export interface Asked {
  method: string
  path: string
  query: Record<string, string>
  form: Record<string, string>
  /** The body as it came. */
  text: string
  headers: Headers
}

/** JSON, or a whole Response. */
export type Answer = (asked: Asked) => unknown
export type Routes = Record<string, Answer>

export interface Server {
  origin: string
  /** As OUTBOUND_ALLOW_HOSTS names it. */
  hostPort: string
  /** By path; a test bends them under way. */
  routes: Routes
  asked: Asked[]
  stop(): void
}

export function server(routes: Routes = {}): Server {
  const asked: Asked[] = []
  const bun = Bun.serve({
    port: freePort(),
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url)
      const text = await request.text()
      const one: Asked = {
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        form: Object.fromEntries(new URLSearchParams(text)),
        text,
        headers: request.headers,
      }
      asked.push(one)
      const answer = await routes[url.pathname]?.(one)
      if (answer instanceof Response) return answer
      return answer === undefined ? new Response('nothing here', { status: 404 }) : Response.json(answer)
    },
  })
  const hostPort = `localhost:${bun.port}`
  return { origin: `http://${hostPort}`, hostPort, routes, asked, stop: () => void bun.stop(true) }
}

export interface Signer {
  jwk: Record<string, unknown>
  privateKey: CryptoKey
  sign(claims: JWTPayload, header?: { typ?: string }): Promise<string>
}

export async function signer(alg = 'RS256', kid = 'key-1'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    jwk: { ...(await exportJWK(publicKey)), alg, use: 'sig', kid },
    privateKey,
    sign: (claims, header) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

/** One member of UPSTREAM_PROVIDERS. */
export type Member = Record<string, unknown> & { id: string; provider: string }

/** The settings of a provider whose people come from these servers. */
export const upstreamEnv = (
  members: readonly Member[],
  servers: readonly Pick<Server, 'hostPort'>[],
): Record<string, string> => ({
  UPSTREAM_PROVIDERS: JSON.stringify(
    members.map((member) => ({ client_id: 'our-id', client_secret: 'our-secret', ...member })),
  ),
  OUTBOUND_ALLOW_HOSTS: servers.map(({ hostPort }) => hostPort).join(','),
})

export interface Second extends Provider {
  hostPort: string
  client: { client_id: string; client_secret: string }
  stop(): void
}

/** A whole Latchkey on a port, with a client for the one whose callback is `redirectUri`. */
export async function secondLatchkey(redirectUri: string, env: Record<string, string> = {}): Promise<Second> {
  const port = freePort()
  const op = await provider({ env: { ISSUER_URL: `http://localhost:${port}`, ...env } })
  const bun = Bun.serve({
    port,
    async fetch(request) {
      const body = request.method === 'GET' ? undefined : await request.text()
      return op.fetch(request.url, {
        method: request.method,
        headers: request.headers,
        ...(body !== undefined && { body }),
      })
    },
  })
  const client = { client_id: 'first-latchkey', client_secret: 'a-secret-between-two-latchkeys' }
  await addClient(
    op,
    {
      client_id: client.client_id,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid profile email offline_access',
    },
    client.client_secret,
  )
  return { ...op, hostPort: `localhost:${port}`, client, stop: () => void bun.stop(true) }
}

/** Opens the sign-in page (or `at`) and presses the button of a provider: where the browser is sent. */
export async function leaveFor(browser: Person, id: string, at = '/login'): Promise<URL> {
  const { page } = await browser.open(at)
  if (!page) throw new Error(`${at} is no page`)
  const { location, page: stuck } = await browser.press(page, `upstream_${id}`)
  if (!location) throw new Error(`stuck at ${stuck.url} (${stuck.status}):\n${stuck.html}`)
  return location
}

/** The provider sends the browser back with these parameters beside the state. */
export function comeBack(
  op: Provider,
  browser: Person,
  id: string,
  away: URL,
  params: Record<string, string> = { code: 'a-code' },
): Promise<Landing> {
  const state = away.searchParams.get('state') ?? ''
  return browser.open(
    `${op.issuer}/upstream/callback/${id}?${new URLSearchParams({ state, ...params }).toString()}`,
  )
}

/** The name that the page of the account shows in this browser; undefined without a session. */
export async function whoIs(browser: Person): Promise<string | undefined> {
  const { page } = await browser.open('/account')
  if (!page || new URL(page.url).pathname !== '/account') return undefined
  return /signed in as[^<]*<bdi>([^<]*)<\/bdi>/i.exec(page.html)?.[1]
}
