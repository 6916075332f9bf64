/** Requests of one service to the next one: with a token that is narrower than the one that came, in the trace, and with a limit of time. */
import type { JWK } from 'jose'
import { Unavailable } from '../api/ask.ts'
import { tokenOf } from '../api/guard.ts'
import { createProvingFetch } from '../api/proving_fetch.ts'
import { Refused } from '../api/refusal.ts'
import { again } from './again.ts'
import { cacheKey, createTokenCache } from './token_cache.ts'
import { createTokenClient, exchangeOf, TokenRefused } from './token_client.ts'
import { traceHeaders } from './trace.ts'

interface Target {
  /** The URI of the other service: `aud` of the token. */
  resource: string
  /** What this request needs, and no more. */
  scope: string
}

interface Send extends Target {
  /** PUT and GET alone: they may be sent again. */
  method: 'GET' | 'PUT'
  path: string
  body?: object
}

export interface Calls {
  /** For the End-User of the request that came, whose token was checked before. */
  onBehalfOf(incoming: Request, send: Send): Promise<Response>
  /** For this program itself: there is no End-User. */
  forItself(send: Send): Promise<Response>
}

export async function createCalls(issuer: string, clientId: string, key: JWK): Promise<Calls> {
  const send = await createProvingFetch()
  const tokens = createTokenClient({ issuer, clientId, key, send })
  const cache = createTokenCache()

  async function sendWith(
    cached: string,
    get: () => Promise<string>,
    { method, resource, path, body }: Send,
  ) {
    const once = async () => {
      const token = await get()
      return again((signal) =>
        send(`${resource}${path}`, {
          method,
          token,
          headers: { 'content-type': 'application/json', ...traceHeaders() },
          ...(body && { body: JSON.stringify(body) }),
          signal,
        }),
      ).catch((error: Error) => {
        throw new Unavailable(`${resource}: ${error.message}`, { cause: error })
      })
    }
    const answer = await once()
    if (answer.status !== 401) return answer
    // The token that was kept may have been revoked, or signed by a key that has gone.
    cache.forget(cached)
    return once()
  }

  return {
    onBehalfOf(incoming, request) {
      const subjectToken = tokenOf(incoming)?.token ?? ''
      const cached = cacheKey('exchange', subjectToken, request.resource, request.scope)
      const exchange = () =>
        tokens(exchangeOf(subjectToken, request.resource, request.scope)).catch(asRefusal)
      return sendWith(cached, () => cache.tokenFor(cached, exchange), request)
    },
    forItself(request) {
      const { resource, scope } = request
      const cached = cacheKey('own', resource, scope)
      const get = () => tokens({ grant_type: 'client_credentials', resource, scope })
      return sendWith(cached, () => cache.tokenFor(cached, get), request)
    },
  }
}

/** The provider refuses to exchange a token that has ended since: that is for the client which sent it. */
function asRefusal(error: unknown): never {
  if (error instanceof TokenRefused && error.code === 'invalid_request')
    throw new Refused(401, 'invalid_token', 'the provider does not exchange it')
  throw error
}
