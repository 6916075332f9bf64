/** The code flow of the client, written out. A line that a switch makes weak names the switch. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth */
import { createHash, randomBytes } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Lab } from '../lab.ts'
import { Refused } from './refused.ts'
import { type Registration, registrationOf, tokenRequest } from './registration.ts'

/** A sign-in that has begun. */
export interface Pending {
  registration: Registration
  state: string
  nonce: string
  verifier: string
}

export interface SignedIn {
  sub: string
  name: string
  accessToken: string
}

const random = () => randomBytes(32).toString('base64url')
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

/** Where the browser goes, and what the client remembers of it. */
export function begin(lab: Lab): { url: string; pending: Pending } {
  const registration = registrationOf(lab)
  const pending = { registration, state: random(), nonce: random(), verifier: random() }
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: registration.clientId,
    redirect_uri: `${lab.at.client}/callback`,
    scope: 'openid profile email notes',
    resource: lab.at.notes,
    state: pending.state,
    nonce: pending.nonce,
  })
  if (!lab.weak('no_pkce')) {
    query.set('code_challenge', challengeOf(pending.verifier))
    query.set('code_challenge_method', 'S256')
  }
  return { url: `${registration.issuer}/authorize?${query}`, pending }
}

/** The tokens for the code of the answer. `own` is the sign-in that this browser began; `all` those of all browsers. */
export async function finish(
  lab: Lab,
  answer: URLSearchParams,
  own: Pending | undefined,
  all: ReadonlyMap<string, Pending>,
): Promise<SignedIn> {
  const state = answer.get('state') ?? ''
  const ownSignIn = own !== undefined && own.state === state
  // no_state: any sign-in with this state will do. Strong: it must be the one of this browser.
  const pending = lab.weak('no_state') ? all.get(state) : ownSignIn ? own : undefined
  if (!pending) throw new Refused('state', 'This browser did not begin this sign-in')

  const code = answer.get('code')
  if (code === null) throw new Refused('answer', answer.get('error') ?? 'The answer has no code')
  const tokens = await redeem(lab, pending, code)

  const claims = await verified(pending.registration, tokens.id_token)
  const ownNonce = claims.nonce === pending.nonce
  // no_pkce: nothing ties the code to this sign-in. The nonce would do, too, and is not compared.
  if (!lab.weak('no_pkce') && !ownNonce) throw new Refused('nonce', 'The ID Token answers another request')

  lab.note({ what: 'client signed in', sub: claims.sub, ownSignIn, ownNonce })
  return { sub: claims.sub, name: claims.name ?? claims.sub, accessToken: tokens.access_token }
}

interface Tokens {
  access_token: string
  id_token: string
}

async function redeem(lab: Lab, { registration, verifier }: Pending, code: string): Promise<Tokens> {
  const fields = { grant_type: 'authorization_code', code, redirect_uri: `${lab.at.client}/callback` }
  const proof = lab.weak('no_pkce') ? {} : { code_verifier: verifier }
  const response = await fetch(
    `${registration.issuer}/token`,
    tokenRequest(registration, { ...fields, ...proof }),
  )
  const body = (await response.json()) as Tokens & { error?: string; error_description?: string }
  if (!response.ok) throw new Refused('token endpoint', `${body.error}: ${body.error_description}`)
  return body
}

/** The claims of an ID Token of this provider for this client. */
async function verified({ issuer, clientId }: Registration, idToken: string) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks.json`))
  const { payload } = await jwtVerify<{ sub: string; name?: string; nonce?: string }>(idToken, keys, {
    issuer,
    audience: clientId,
    algorithms: ['RS256'],
    requiredClaims: ['sub', 'exp', 'iat'],
  })
  return payload
}
