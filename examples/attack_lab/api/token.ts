/** Which access tokens the API accepts. A line that a switch makes weak names the switch. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Lab } from '../lab.ts'
import { requireProof } from './proof.ts'
import { Refused } from './refused.ts'

interface Claims extends JWTPayload {
  sub: string
  scope?: string
  cnf?: { jkt?: string }
}

/** What the API remembers of tokens and proofs. */
export interface Memory {
  seenProofs: Set<string>
  /** Which program came with a token first. */
  firstAgent: Map<string, string>
}

/** The person of the token. Throws `Refused`. */
export async function subOf(lab: Lab, request: Request, scope: string, memory: Memory): Promise<string> {
  const [, token = ''] = /^(?:Bearer|DPoP) (\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  const { payload, typ } = await verified(lab, token)
  // id_token_as_access_token: an ID Token has no scope, and so there is nothing to ask of it.
  const scopes = payload.scope ?? (lab.weak('id_token_as_access_token') ? scope : '')
  if (!scopes.split(' ').includes(scope)) throw new Refused('scope', `The token has no scope ${scope}`, 403)
  if (payload.cnf?.jkt !== undefined)
    await requireProof(request, { token, jkt: payload.cnf.jkt, htu: lab.at.notes, seen: memory.seenProofs })

  const agent = request.headers.get('user-agent') ?? ''
  const firstAgent = memory.firstAgent.get(token) ?? agent
  memory.firstAgent.set(token, firstAgent)
  lab.note({
    what: 'api accepted a token',
    sub: payload.sub,
    typ: String(typ),
    aud: [payload.aud ?? []].flat().join(' '),
    ownAudience: [payload.aud].flat().includes(lab.at.notes),
    sameAgent: agent === firstAgent,
  })
  return payload.sub
}

async function verified(lab: Lab, token: string): Promise<{ payload: Claims; typ: string | undefined }> {
  const keys = createRemoteJWKSet(new URL(`${lab.at.provider}/jwks.json`))
  const options = { issuer: lab.at.provider, algorithms: ['RS256'], requiredClaims: ['exp', 'sub'] }
  // any_audience: a token for any other API will do. id_token_as_access_token: one for the client, too.
  const audience = lab.weak('id_token_as_access_token') ? [lab.at.notes, 'notes'] : lab.at.notes
  const checks = {
    ...(!lab.weak('any_audience') && { audience }),
    ...(!lab.weak('id_token_as_access_token') && { typ: 'at+jwt' }),
  }
  try {
    const { payload, protectedHeader } = await jwtVerify<Claims>(token, keys, { ...options, ...checks })
    return { payload, typ: protectedHeader.typ }
  } catch (error) {
    const because = error instanceof errors.JWTClaimValidationFailed ? error.claim : 'token'
    throw new Refused(because, (error as Error).message)
  }
}
