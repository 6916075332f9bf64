/** An OpenID provider that says what a test wants, and sign-ins through it. */
import { afterAll } from 'bun:test'
import type { JWTPayload } from 'jose'
import { type Person, person } from './person.ts'
import { provider } from './provider.ts'
import {
  comeBack,
  leaveFor,
  type Member,
  type Server,
  server,
  signer,
  upstreamEnv,
  whoIs,
} from './upstream.ts'

export const keys = await signer('RS256')
const open: Server[] = []
afterAll(() => open.forEach((each) => each.stop()))

export const clientId = 'our-id'
export const now = () => Math.floor(Date.now() / 1000)

export interface Corp extends Server {
  /** Of the last one who left for it. */
  nonce: string
  /** What it says instead. */
  claims: JWTPayload
  userinfo: Record<string, unknown> | undefined
  /** Instead of an ID Token by its key. */
  idToken: ((claims: JWTPayload) => Promise<string> | string) | undefined
  metadata: Record<string, unknown>
}

/** An OpenID provider that says what a test wants, and otherwise behaves. */
export function corp(): Corp {
  const at = server() as Corp
  open.push(at)
  Object.assign(at, { nonce: '', claims: {}, userinfo: undefined, idToken: undefined, metadata: {} })
  at.routes['/.well-known/openid-configuration'] = () => ({
    issuer: at.origin,
    authorization_endpoint: `${at.origin}/authorize`,
    token_endpoint: `${at.origin}/token`,
    userinfo_endpoint: `${at.origin}/userinfo`,
    jwks_uri: `${at.origin}/keys`,
    ...at.metadata,
  })
  at.routes['/keys'] = () => ({ keys: [keys.jwk] })
  at.routes['/token'] = async () => {
    const claims = {
      iss: at.origin,
      aud: clientId,
      sub: 'eve-of-corp',
      iat: now(),
      exp: now() + 300,
      nonce: at.nonce,
      email: 'eve@corp.example',
      email_verified: true,
      name: 'Eve',
      ...at.claims,
    }
    return {
      access_token: 'an-access-token',
      token_type: 'Bearer',
      id_token: await (at.idToken ?? keys.sign)(claims),
    }
  }
  at.routes['/userinfo'] = () => at.userinfo
  return at
}

export const member = (at: Server, id = 'corp', more = {}): Member => ({
  id,
  provider: 'oidc',
  label: 'Corp',
  base_url: at.origin,
  ...more,
})

export async function first(
  at: readonly Server[],
  env: Record<string, string> = {},
  members?: readonly Member[],
) {
  return provider({
    env: {
      ...upstreamEnv(members ?? at.map((each) => member(each)), at),
      ...env,
    },
  })
}

export async function leave(browser: Person, at: Corp, id = 'corp'): Promise<URL> {
  const away = await leaveFor(browser, id)
  at.nonce = away.searchParams.get('nonce') ?? ''
  return away
}

/** One whole sign-in; the landing, and who is signed in after it. */
export async function attempt(at: Corp, env: Record<string, string> = {}, more = {}) {
  const op = await first([at], env, [member(at, 'corp', more)])
  const browser = person(op.issuer, op.fetch)
  const away = await leave(browser, at)
  const landing = await comeBack(op, browser, 'corp', away)
  return { op, browser, away, landing, who: await whoIs(browser) }
}
