/** Any access token, opaque ones too: the provider is asked, and a revoked token ends within seconds. https://www.rfc-editor.org/rfc/rfc7662 */
import { createHash } from 'node:crypto'
import { type Ask, askJson, metadataOf, Unavailable } from './ask.ts'
import { type Caller, callerOf, isExpired, type Verify } from './caller.ts'
import { Refused } from './refusal.ts'

const longest = 8_192

interface Asking {
  issuer: string
  resource: string
  clientId: string
  secret: string
  /** Milliseconds for which an answer is used again: a revoked token is good for so long. 0 asks each time. */
  keepFor: number
  ask?: Ask
}

/** Answers that are kept, and requests at one time: neither grows with what an attacker sends. */
const most = { kept: 10_000, asking: 64 }

export function byIntrospection({ issuer, resource, clientId, secret, keepFor, ask }: Asking): Verify {
  const metadata = metadataOf(issuer)
  const credentials = btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`)
  /** By SHA-256, so that no token lies in the memory. `undefined` is a token that is not good: that is kept too. */
  const kept = new Map<string, { until: number; answer: Promise<Caller | undefined> }>()
  let asking = 0

  async function introspect(token: string): Promise<Caller | undefined> {
    if (asking >= most.asking) throw new Unavailable('too many introspections at one time')
    asking++
    try {
      const { introspection_endpoint } = await metadata()
      const body = new URLSearchParams({ token, token_type_hint: 'access_token' })
      const headers = { authorization: `Basic ${credentials}` }
      const said = await askJson(String(introspection_endpoint), { method: 'POST', headers, body }, ask)
      if (said.active !== true || said.iss !== issuer) return undefined
      // A refresh token is active too, but it has no token_type: it is not for an API.
      if (said.token_type !== 'Bearer' && said.token_type !== 'DPoP') return undefined
      // The provider says whether the token is active. Whether it is for this API, the API compares.
      return [said.aud].flat().includes(resource) ? callerOf(said) : undefined
    } finally {
      asking--
    }
  }

  /** Requests that come with one token at the same time ask once. */
  function remembered(token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64url')
    const known = kept.get(key)
    if (known && known.until > Date.now()) return known.answer
    const answer = introspect(token)
    answer.catch(() => kept.delete(key)) // an outage is not kept
    kept.delete(key) // so that it moves to the end
    if (keepFor > 0) kept.set(key, { until: Date.now() + keepFor, answer })
    const [oldest] = kept.keys()
    if (kept.size > most.kept && oldest !== undefined) kept.delete(oldest)
    return answer
  }

  return async (token) => {
    if (token.length > longest) throw new Refused(401, 'invalid_token', 'the token is too long')
    const caller = await remembered(token)
    if (!caller || isExpired(caller))
      throw new Refused(401, 'invalid_token', 'not active, or not for this API')
    return caller
  }
}
