/** Any access token, opaque ones too: one request to the provider each, and revocation is noticed at once. https://www.rfc-editor.org/rfc/rfc7662 */
import { Refused, type Verify } from './refusal.ts'

type Ask = (url: string, init: RequestInit) => Promise<Response>

interface Introspection {
  active: boolean
  token_type?: string
  sub?: string
  client_id?: string
  scope?: string
  auth_time?: number
  acr?: string
}

export async function byIntrospection(
  issuer: string,
  clientId: string,
  secret: string,
  ask: Ask,
): Promise<Verify> {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  const { introspection_endpoint } = (await discovery.json()) as { introspection_endpoint: string }
  return async (token) => {
    const response = await ask(introspection_endpoint, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`)}`,
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    })
    if (!response.ok) throw new Error(`introspection answered ${response.status}`)
    const { active, token_type, sub, client_id, scope, auth_time, acr } =
      (await response.json()) as Introspection
    // A refresh token is active too, but it has no token_type: it is not for an API.
    if (!active || token_type !== 'Bearer' || sub === undefined || client_id === undefined)
      throw new Refused(401, 'invalid_token')
    return { sub, client_id, scope: scope ?? '', auth_time, acr }
  }
}
