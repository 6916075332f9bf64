/** Bob's weather application. It does what it says, and keeps the token of each person that uses it. */
import { createHash, randomBytes } from 'node:crypto'
import type { Lab } from '../lab.ts'
import type { Routes } from '../serve.ts'
import type { Loot } from './loot.ts'

export function weather(lab: Lab, loot: Loot): Routes {
  const callback = `${lab.at.attacker}/weather/callback`
  /** By state. */
  const verifiers = new Map<string, string>()

  function begin(): Response {
    const [state, verifier] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
    verifiers.set(state, verifier)
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'weather',
      redirect_uri: callback,
      scope: 'openid read',
      resource: lab.at.weather,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    return Response.redirect(`${lab.at.provider}/authorize?${query}`)
  }

  async function finish(request: Request): Promise<Response> {
    const answer = new URL(request.url).searchParams
    const response = await fetch(`${lab.at.provider}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'weather',
        redirect_uri: callback,
        code: answer.get('code') ?? '',
        code_verifier: verifiers.get(answer.get('state') ?? '') ?? '',
      }),
    })
    const { access_token } = (await response.json()) as { access_token?: string }
    if (access_token === undefined) return new Response('No weather today\n', { status: 400 })
    loot.keep('weather', access_token)
    return new Response('Rain until four, then sun\n')
  }

  return { '/weather': begin, '/weather/callback': finish }
}
