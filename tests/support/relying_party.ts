/** A relying party that checks everything, apart from what a test takes away: what each fault of the lab is for. */
import { createHmac, createPublicKey } from 'node:crypto'
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import { leftHalfHash } from '../../src/auth/token.ts'
import { until } from './until.ts'

export interface RelyingParty {
  start: string
  /** As a process that starts anew: nothing that it fetched is kept. */
  restart(): Promise<boolean>
  stop(): Promise<unknown>
}

type Claims = Record<string, unknown>
interface Metadata {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  jwks_uri: string
}
interface Tokens {
  access_token: string
  id_token: string
}
interface Pending {
  state: string
  nonce: string
}

export const signedInText = 'You are signed in'
const require = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`refused: ${what}`)
}

/**
 * `careless` names the faults whose check is left out. `isLate`: whether the answer that the client waits for comes late. It
 * gives up then, and not after a time, which a busy machine could reach.
 */
export function relyingParty(
  port: number,
  client: { client_id: string; client_secret: string },
  issuer: () => string,
  {
    careless = [],
    isLate = async () => false,
  }: { careless?: readonly string[]; isLate?: () => Promise<boolean> } = {},
): RelyingParty {
  const checks = (fault: string) => !careless.includes(fault)
  const redirect_uri = `http://localhost:${port}/callback`
  const pending = new Map<string, Pending>()
  let jwks: Promise<{ keys: JWK[] }> | undefined
  let isStuck = false

  async function answerOf(url: string, init: RequestInit): Promise<Response> {
    const gaveUp = new AbortController()
    let isThere = false
    const answer = fetch(url, { ...init, signal: gaveUp.signal }).finally(() => (isThere = true))
    await Promise.race([answer, until(async () => isThere || (await isLate()), `an answer of ${url}`)])
    if (!isThere) gaveUp.abort(new DOMException(`${url} answers late`, 'TimeoutError'))
    return answer
  }

  const get = async <T>(url: string, init: RequestInit = {}): Promise<T> => {
    const response = await answerOf(url, init)
    require(response.ok || url.endsWith('/token'), `${url} answered ${response.status}`)
    if (!response.ok && checks('token_503')) throw new Error(`refused: ${url} answered ${response.status}`)
    return (await response.json()) as T
  }

  async function discover(): Promise<Metadata> {
    const metadata = await get<Metadata>(`${issuer()}/.well-known/openid-configuration`)
    if (checks('discovery_issuer')) require(metadata.issuer === issuer(), 'issuer of discovery')
    return metadata
  }

  /** A careless client keeps also what failed. */
  function fetchKeys(url: string): Promise<{ keys: JWK[] }> {
    jwks ??= get<{ keys: JWK[] }>(url).catch((error: Error) => {
      if (checks('jwks_slow')) jwks = undefined
      throw error
    })
    return jwks
  }

  async function keyFor(url: string, kid: unknown): Promise<JWK | undefined> {
    const find = ({ keys }: { keys: JWK[] }) => keys.find((key) => key.kid === kid)
    const known = find(await fetchKeys(url))
    if (known || !checks('key_rotated')) return known
    jwks = undefined
    return find(await fetchKeys(url))
  }

  async function verify(idToken: string, url: string): Promise<void> {
    const { alg, kid } = decodeProtectedHeader(idToken)
    if (alg === 'none' && !checks('alg_none')) return
    if (alg === 'HS256' && !checks('alg_swapped')) {
      const key = await keyFor(url, kid)
      const pem = createPublicKey({ key: key as JsonWebKey, format: 'jwk' }).export({
        format: 'pem',
        type: 'spki',
      })
      const [header, payload, signature] = idToken.split('.')
      const expected = createHmac('sha256', pem).update(`${header}.${payload}`).digest('base64url')
      return require(signature === expected, 'signature')
    }
    require(alg === 'RS256', 'alg')
    const key = await keyFor(url, kid).catch((error: Error) => {
      if (checks('jwks_503')) throw error
      return undefined
    })
    if (!key) return require(['kid', 'jwks_empty', 'jwks_503'].some((each) => !checks(each)), 'kid')
    const verified = compactVerify(idToken, await importJWK(key, 'RS256'))
    await verified.catch((error: Error) => {
      if (checks('signature')) throw error
    })
  }

  function check(claims: Claims, tokens: Tokens, nonce: string): void {
    const now = Math.floor(Date.now() / 1000)
    const audiences = [claims.aud].flat()
    if (checks('iss')) require(claims.iss === issuer(), 'iss')
    if (checks('aud')) require(audiences.includes(client.client_id), 'aud')
    if (checks('azp') && audiences.length > 1) require(claims.azp === client.client_id, 'azp')
    if (checks('nonce_missing')) require(claims.nonce !== undefined, 'nonce missing')
    if (checks('nonce') && claims.nonce !== undefined) require(claims.nonce === nonce, 'nonce')
    if (checks('expired')) require(Number(claims.exp) > now, 'exp')
    if (checks('future')) require(claims.nbf === undefined || Number(claims.nbf) <= now + 60, 'nbf')
    if (checks('sub_missing')) require(typeof claims.sub === 'string', 'sub')
    if (checks('at_hash'))
      require(claims.at_hash === undefined ||
        claims.at_hash === leftHalfHash(tokens.access_token, 'RS256'), 'at_hash')
    if (!checks('huge') && tokens.id_token.length > 100_000) isStuck = true
  }

  function checkAnswer(params: URLSearchParams, { state }: Pending): void {
    const [iss, came] = [params.get('iss'), params.get('state')]
    if (checks('answer_iss_missing')) require(iss !== null, 'iss of the answer missing')
    if (checks('answer_iss') && iss !== null) require(iss === issuer(), 'iss of the answer')
    if (checks('state_missing')) require(came !== null, 'state missing')
    if (checks('state') && came !== null) require(came === state, 'state')
  }

  async function signIn(): Promise<Response> {
    require(!isStuck, 'it is stuck')
    const metadata = await discover()
    const id = crypto.randomUUID()
    const request = { state: crypto.randomUUID(), nonce: crypto.randomUUID() }
    pending.set(id, request)
    const params = {
      ...request,
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri,
      scope: 'openid',
    }
    return new Response(null, {
      status: 303,
      headers: {
        location: `${metadata.authorization_endpoint}?${new URLSearchParams(params)}`,
        'set-cookie': `rp=${id}; Path=/; HttpOnly`,
      },
    })
  }

  async function redeem({ token_endpoint }: Metadata, code: string): Promise<Tokens> {
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri })
    const authorization = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`
    return get<Tokens>(token_endpoint, { method: 'POST', body, headers: { authorization } }).catch(
      (error: Error) => {
        if (!checks('token_slow') && error.name === 'TimeoutError') isStuck = true
        throw error
      },
    )
  }

  async function finish(request: Request): Promise<Response> {
    const id = /rp=([^;]+)/.exec(request.headers.get('cookie') ?? '')?.[1]
    const own = pending.get(id ?? '')
    if (!own) throw new Error('no sign-in of this browser')
    pending.delete(id!)
    const params = new URL(request.url).searchParams
    checkAnswer(params, own)
    const metadata = await discover()
    const tokens = await redeem(metadata, params.get('code') ?? '')
    if (tokens.id_token !== undefined) {
      await verify(tokens.id_token, metadata.jwks_uri)
      const claims = decodeJwt(tokens.id_token)
      check(claims, tokens, own.nonce)
      const authorization = `Bearer ${tokens.access_token}`
      const person = await get<Claims>(metadata.userinfo_endpoint, { headers: { authorization } })
      if (checks('userinfo_sub') && claims.sub !== undefined)
        require(person.sub === claims.sub, 'sub of userinfo')
    }
    return new Response(signedInText)
  }

  const server = Bun.serve({
    port,
    hostname: 'localhost',
    development: false,
    routes: { '/login': signIn, '/callback': finish },
    fetch: () => new Response('Nothing is here', { status: 404 }),
    error: (error) => new Response(error.message, { status: 400 }),
  })
  return {
    start: `http://localhost:${port}/login`,
    async restart() {
      jwks = undefined
      return true
    },
    stop: () => server.stop(true),
  }
}
