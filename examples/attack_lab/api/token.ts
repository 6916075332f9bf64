/** Which access tokens the API accepts. A line that a switch makes weak names the switch. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Lab } from '../lab.ts'

export interface Access {
  sub: string
}

/** The person of the token, or the refusal (RFC 6750 §3.1). */
export async function accessOf(lab: Lab, request: Request): Promise<Access | Response> {
  const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  const keys = createRemoteJWKSet(new URL(`${lab.at.provider}/jwks.json`))
  try {
    const { payload } = await jwtVerify<{ sub: string; scope?: string }>(token, keys, {
      issuer: lab.at.provider,
      audience: lab.at.notes,
      typ: 'at+jwt',
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'sub'],
    })
    if (!payload.scope?.split(' ').includes('notes')) return refusal(403, 'insufficient_scope')
    return { sub: payload.sub }
  } catch {
    return refusal(401, 'invalid_token')
  }
}

const refusal = (status: number, error: string): Response =>
  Response.json({ error }, { status, headers: { 'www-authenticate': `Bearer error="${error}"` } })
