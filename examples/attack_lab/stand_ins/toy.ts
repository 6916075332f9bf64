/** The memory of the toy provider, and what its parts share. The toy has one End-User, Alice. */
import { randomBytes } from 'node:crypto'
import type { Lab } from '../lab.ts'

export interface ToyClient {
  name: string
  redirectUri: string
}

export interface Toy {
  lab: Lab
  clients: Map<string, ToyClient>
  /** Codes that were not used yet. */
  codes: Set<string>
  accessTokens: Set<string>
  /** Refresh tokens, and how often each was used. */
  refreshTokens: Map<string, number>
}

export const createToy = (lab: Lab): Toy => ({
  lab,
  clients: new Map([
    ['notes', { name: 'Notes', redirectUri: `${lab.at.client}/callback` }],
    ['notes-on-the-phone', { name: 'Notes', redirectUri: `${lab.at.client}/callback` }],
    ['prize', { name: 'Prize', redirectUri: `${lab.at.attacker}/catch/prize` }],
    ['television', { name: 'Television', redirectUri: '' }],
  ]),
  codes: new Set(),
  accessTokens: new Set(),
  refreshTokens: new Map(),
})

export const random = (): string => randomBytes(24).toString('base64url')

/** An answer to a token request: the tokens are remembered. */
export function tokensOf({ accessTokens, refreshTokens }: Toy, refresh_token = random()): Response {
  const access_token = random()
  accessTokens.add(access_token)
  if (!refreshTokens.has(refresh_token)) refreshTokens.set(refresh_token, 0)
  return Response.json({ access_token, refresh_token, token_type: 'Bearer', expires_in: 300 })
}
