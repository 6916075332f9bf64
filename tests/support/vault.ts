/** A server that answers as the API documentation of HashiCorp Vault says: AppRole, Kubernetes, tokens, key/value engines. https://developer.hashicorp.com/vault/api-docs */
import { createTransit, type Transit } from './transit.ts'

export interface Vault {
  address: string
  /** The members of each secret by its path on the command line: `secret/…` is version 2, `old/…` version 1. */
  secrets: Record<string, Record<string, unknown>>
  /** `METHOD path` of each request. */
  asked: string[]
  /** Tokens that work now. */
  tokens: Set<string>
  /** Answers 503, as a sealed Vault does. */
  seal(sealed: boolean): void
  /** Seconds that new tokens live. */
  lifetime: number
  /** The Transit engine, mounted at `transit`. */
  transit: Transit
  stop(): void
}

const json = (status: number, body: unknown) => Response.json(body, { status })
const refused = (status: number, ...errors: string[]) => json(status, { errors })

export function startVault(namespace?: string): Vault {
  let sealed = false
  let made = 0
  const mounts: Record<string, string> = { 'secret/': '2', 'old/': '1' }

  function login(given: Record<string, unknown>): Response {
    const known =
      (given.role_id === 'our-role' && given.secret_id === 'our-secret-id') ||
      (given.role === 'latchkey' && given.jwt === 'service-account-jwt')
    if (!known) return refused(400, 'invalid role or secret ID')
    const client_token = `token-${++made}`
    vault.tokens.add(client_token)
    return json(200, { auth: { client_token, lease_duration: vault.lifetime, renewable: true } })
  }

  function read(path: string): Response {
    const place = Object.keys(mounts).find((mount) => path.startsWith(mount))
    if (!place) return refused(404)
    const isSecond = mounts[place] === '2'
    const key = isSecond ? path.replace(/^([^/]+)\/data\//, '$1/') : path
    const data = vault.secrets[key]
    if (!data) return refused(404)
    return json(200, { data: isSecond ? { data, metadata: { version: 1 } } : data })
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname.replace('/v1/', ''))
      vault.asked.push(`${request.method} ${path}`)
      if (sealed) return refused(503, 'Vault is sealed')
      if ((request.headers.get('x-vault-namespace') ?? undefined) !== namespace) return refused(404)
      if (/^auth\/[^/]+\/login$/.test(path)) return login((await request.json()) as Record<string, unknown>)
      const token = request.headers.get('x-vault-token') ?? ''
      if (!vault.tokens.has(token)) return refused(403, 'permission denied')
      if (path === 'auth/token/lookup-self') return json(200, { data: { ttl: 0, renewable: false } })
      if (path === 'auth/token/renew-self')
        return json(200, { auth: { client_token: token, lease_duration: vault.lifetime, renewable: true } })
      const [, verb, name, action] = /^transit\/(keys|sign)\/([^/]+)(?:\/(rotate))?$/.exec(path) ?? []
      if (verb !== undefined && name !== undefined) {
        const body = request.method === 'POST' ? ((await request.json()) as Record<string, unknown>) : {}
        return vault.transit.answer(request.method, action ?? verb, name, body)
      }
      const shown = /^sys\/internal\/ui\/mounts\/(.+)$/.exec(path)?.[1]
      if (shown === undefined) return read(path)
      const mount = Object.keys(mounts).find((each) => shown.startsWith(each))
      return mount
        ? json(200, { data: { path: mount, options: { version: mounts[mount] } } })
        : refused(403, 'preflight capability check returned 403')
    },
  })
  const vault: Vault = {
    address: `http://127.0.0.1:${server.port}`,
    secrets: {},
    asked: [],
    tokens: new Set(),
    seal: (now) => void (sealed = now),
    lifetime: 3600,
    transit: createTransit(),
    stop: () => void server.stop(true),
  }
  return vault
}
