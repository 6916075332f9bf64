/** Keeps tokens until shortly before they expire, so that not every request asks the provider. */
import { createHash } from 'node:crypto'
import type { Token } from './token_client.ts'

export interface TokenCache {
  /** The token of this key, or what `get` gets. Requests that come at the same time get one together. */
  tokenFor(key: string, get: () => Promise<Token>): Promise<string>
  /** After a service refused the token that was kept. */
  forget(key: string): void
}

interface Times {
  /** Milliseconds before its end in which a token is no longer sent: it must be good when it arrives. */
  unused: number
  /** Milliseconds before its end from which another one is got, beside the requests. */
  early: number
  /** Milliseconds between two tries of that. */
  pause: number
}

const usual: Times = { unused: 5_000, early: 60_000, pause: 5_000 }
const most = 10_000

/** Two tokens have never the same key, and no token lies in the memory as a key. */
export const cacheKey = (...parts: string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url')

export function createTokenCache({ unused, early, pause }: Times = usual, now = Date.now): TokenCache {
  const kept = new Map<string, Token & { askedAt: number }>()
  const asking = new Map<string, Promise<Token>>()

  /** One request to the provider for each key at one time. A failure is not kept. */
  function ask(key: string, get: () => Promise<Token>): Promise<Token> {
    const known = asking.get(key)
    if (known) return known
    const asked = get()
      .then((token) => {
        kept.delete(key) // so that it moves to the end
        kept.set(key, { ...token, askedAt: now() })
        const [oldest] = kept.keys()
        if (kept.size > most && oldest !== undefined) kept.delete(oldest)
        return token
      })
      .finally(() => asking.delete(key))
    asking.set(key, asked)
    return asked
  }

  return {
    async tokenFor(key, get) {
      const known = kept.get(key)
      if (!known || known.until - now() <= unused) return (await ask(key, get)).token
      if (known.until - now() <= early && now() - known.askedAt >= pause) {
        known.askedAt = now()
        ask(key, get).catch(() => {}) // the token that is kept is good for a while, and so is another try
      }
      return known.token
    },
    forget: (key) => void kept.delete(key),
  }
}
