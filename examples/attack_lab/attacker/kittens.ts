/** Bob's provider, "Kittens". It does not sign people in: it sends them on to Latchkey, and takes the code that comes of it. https://www.rfc-editor.org/rfc/rfc9700#section-4.4 */
import type { Lab } from '../lab.ts'
import type { Routes } from '../serve.ts'
import type { Loot } from './loot.ts'

export function kittens(lab: Lab, loot: Loot): Routes {
  /** The same request with the same state and code_challenge, for the client as Latchkey knows it. */
  function authorize(request: Request): Response {
    const query = new URL(request.url).searchParams
    query.set('client_id', 'notes')
    query.set('scope', 'openid profile email read write')
    query.set('resource', lab.at.notes)
    return Response.redirect(`${lab.at.provider}/authorize?${query}`)
  }

  /** The client believes that the code is of Kittens, and gives it to Kittens, with the verifier. */
  async function token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text())
    form.set('client_id', 'notes')
    const response = await fetch(`${lab.at.provider}/token`, { method: 'POST', body: form })
    const { access_token } = (await response.json()) as { access_token?: string }
    if (access_token !== undefined) {
      loot.keep('mix-up', access_token)
      lab.note({ what: 'attacker got a token', by: 'mix-up' })
    }
    return Response.json({ error: 'temporarily_unavailable' }, { status: 503 })
  }

  return { '/id/authorize': authorize, '/id/token': { POST: token } }
}
