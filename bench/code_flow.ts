/** The authorization code flow as End-User, browser and client do it together. RFC 6749 §4.1, RFC 7636, RFC 9207. */
import { createHash, randomBytes } from 'node:crypto'
import { type Browser, createBrowser } from './browser.ts'
import type { Connection } from './connection.ts'
import { get } from './request.ts'
import { algOf, claimsOf, expectJson, type Session, type TokenAnswer } from './session.ts'

export interface Flow {
  browser: Browser
  /** The next authorization request's URL, with the state and nonce it must come back with. */
  request(extra?: Record<string, string>): { url: string; state: string; nonce: string }
  /** A whole flow to tokens, each step checked. */
  tokens(extra?: Record<string, string>): Promise<TokenAnswer>
  userinfo(answer: TokenAnswer): Promise<void>
}

export const scope = 'openid profile email'

/** An End-User at a browser (a new one unless given), which keeps its cookies for every flow of this object. */
export function createFlow(session: Session, connection: Connection, known?: Browser): Flow {
  const { target, metadata, client } = session
  const browser = known ?? createBrowser(connection, new URL(target.issuer).origin)
  const verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const tag = randomBytes(9).toString('base64url')
  let serial = 0

  const request: Flow['request'] = (extra = {}) => {
    const state = `s${tag}${++serial}`
    const nonce = `n${tag}${serial}`
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: target.redirectUri,
      scope,
      state,
      nonce,
      code_challenge,
      code_challenge_method: 'S256',
      ...extra,
    })
    return { url: `${metadata.authorization_endpoint}?${query}`, state, nonce }
  }

  return {
    browser,
    request,
    async tokens(extra) {
      const { url, state, nonce } = request(extra)
      const back = await browser.walk(url, target.redirectUri, {
        fields: { ...target.user },
        buttons: [target.buttons.login, target.buttons.allow],
      })
      const code = back.searchParams.get('code')
      if (
        code === null ||
        back.searchParams.get('state') !== state ||
        back.searchParams.get('iss') !== metadata.issuer
      )
        throw new Error(`not a code answer: ${back.href}`)
      const answer = await session.token(connection, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: target.redirectUri,
        code_verifier: verifier,
      })
      const { id_token = '' } = answer
      const claims = claimsOf(id_token)
      if (algOf(id_token) !== target.idTokenAlg || claims.nonce !== nonce || claims.aud !== client.client_id)
        throw new Error(`not the ID Token asked for: ${JSON.stringify(claims)}`)
      return answer
    },
    async userinfo({ access_token, id_token = '' }) {
      const reply = await connection.send(
        get(metadata.userinfo_endpoint, { Authorization: `Bearer ${access_token}` }),
      )
      const claims = expectJson<Record<string, unknown>>(reply, 200, 'userinfo')
      if (claims.sub !== claimsOf(id_token).sub || typeof claims.email !== 'string')
        throw new Error(`not the claims asked for: ${JSON.stringify(claims)}`)
    },
  }
}
