/** The registration endpoint of the toy provider. A line that a switch makes weak names the switch. https://www.rfc-editor.org/rfc/rfc7591 */
import type { Routes } from '../serve.ts'
import { random, type Toy } from './toy.ts'

interface Metadata {
  client_name?: string
  redirect_uris?: string[]
  jwks_uri?: string
}

export function toyRegister({ clients }: Toy): Routes {
  async function register(request: Request): Promise<Response> {
    const { client_name = '', redirect_uris = [], jwks_uri } = (await request.json()) as Metadata
    const problem = jwks_uri === undefined ? undefined : await problemOf(jwks_uri)
    if (problem !== undefined)
      return Response.json({ error: 'invalid_client_metadata', error_description: problem }, { status: 400 })
    const client_id = random()
    clients.set(client_id, { name: client_name, redirectUri: redirect_uris[0] ?? '' })
    return Response.json({ client_id, client_name, redirect_uris }, { status: 201 })
  }
  return { '/register': { POST: register } }
}

/** curious_registration: the provider opens any address, from where it stands, and tells what it found there. */
async function problemOf(jwksUri: string): Promise<string | undefined> {
  const answer = await fetch(jwksUri, { headers: { 'user-agent': 'toy provider' } }).catch(() => undefined)
  const text = (await answer?.text()) ?? ''
  return text.startsWith('{"keys":') ? undefined : `jwks_uri is no JWK Set, but: ${text.trim()}`
}
