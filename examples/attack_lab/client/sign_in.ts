/** The code flow of the client, written out. A line that a switch makes weak names the switch. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth */
import { createHash, randomBytes } from 'node:crypto'
import type { Lab } from '../lab.ts'
import { type Claims, verified } from './id_token.ts'
import { newProof, noProof, type Prove } from './proof.ts'
import { Refused } from './refused.ts'
import { type Registration, tokenRequest } from './registration.ts'

/** A sign-in that has begun. */
export interface Pending {
  registration: Registration
  state: string
  nonce: string
  verifier: string
}

export interface SignedIn {
  claims: Claims
  idToken: string
  accessToken: string
  prove: Prove
}

const random = () => randomBytes(32).toString('base64url')
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

/** Where the browser goes, and what the client remembers of it. */
export function begin(lab: Lab, registration: Registration): { url: string; pending: Pending } {
  const pending = { registration, state: random(), nonce: random(), verifier: random() }
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: registration.clientId,
    redirect_uri: `${lab.at.client}/callback`,
    scope: registration.hasApi ? 'openid profile email read write' : 'openid profile email',
    state: pending.state,
    nonce: pending.nonce,
  })
  if (registration.hasApi) query.set('resource', lab.at.notes)
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

  const { issuer } = pending.registration
  // no_iss: the answer may be of another provider than the one that was asked.
  if (!lab.weak('no_iss') && answer.get('iss') !== issuer)
    throw new Refused('iss', `${issuer} was asked, and ${answer.get('iss')} answers`)

  const code = answer.get('code')
  if (code === null) throw new Refused('answer', answer.get('error') ?? 'The answer has no code')
  // bearer_tokens: the tokens are bound to nothing. Strong: they are bound to a key that stays here.
  const prove = lab.weak('bearer_tokens') ? noProof : await newProof()
  const tokens = await redeem(lab, pending, code, prove)

  const claims = await verified(lab, pending.registration, tokens.id_token)
  const ownNonce = claims.nonce === pending.nonce
  // no_pkce: nothing ties the code to this sign-in. The nonce would do, too, and is not compared.
  if (!lab.weak('no_pkce') && !ownNonce) throw new Refused('nonce', 'The ID Token answers another request')

  lab.note({ what: 'client signed in', sub: claims.sub, ownSignIn, ownNonce })
  return { claims, idToken: tokens.id_token, accessToken: tokens.access_token, prove }
}

interface Tokens {
  access_token: string
  id_token: string
}

async function redeem(lab: Lab, pending: Pending, code: string, prove: Prove): Promise<Tokens> {
  const { registration, verifier } = pending
  const url = `${registration.issuer}/token`
  const request = tokenRequest(registration, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: `${lab.at.client}/callback`,
    ...(!lab.weak('no_pkce') && { code_verifier: verifier }),
  })
  const response = await fetch(url, {
    ...request,
    headers: { ...request.headers, ...(await prove('POST', url)) },
  })
  const body = (await response.json()) as Tokens & { error?: string; error_description?: string }
  if (!response.ok) throw new Refused('token endpoint', `${body.error}: ${body.error_description}`)
  return body
}
