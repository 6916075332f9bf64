/** The keys of the provider: a new key needs no restart, and an outage of the provider stops no token that can still be checked. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { askJson, metadataOf, Unavailable } from './ask.ts'

const minute = 60_000

export interface KeyTimes {
  /** Milliseconds after which the keys are fetched again, beside the requests: a key that the provider withdrew ends then. */
  fresh: number
  /** Milliseconds between two fetches: tokens that name made-up keys cause no more requests than this. */
  pause: number
  /** Milliseconds for which the last keys are used when none can be fetched. */
  stale: number
}

const usual: KeyTimes = { fresh: 10 * minute, pause: 10_000, stale: 24 * 60 * minute }

export function keysOf(issuer: string, times: KeyTimes = usual, now = Date.now): JWTVerifyGetKey {
  const metadata = metadataOf(issuer)
  let known: { find: JWTVerifyGetKey; at: number } | undefined
  let asked = -Infinity
  let failed = false
  let asking: Promise<void> | undefined

  async function load(): Promise<void> {
    asked = now()
    try {
      const { jwks_uri } = await metadata()
      const set = (await askJson(String(jwks_uri))) as unknown as JSONWebKeySet
      known = { find: createLocalJWKSet(set), at: now() }
      failed = false
    } catch {
      failed = true
    }
  }
  const mayAsk = () => asking !== undefined || now() - asked >= times.pause
  const refresh = () => (asking ??= load().finally(() => (asking = undefined)))

  return async (header, token) => {
    const isOld = known !== undefined && now() - known.at > times.fresh
    if (isOld && mayAsk()) void refresh() // no request waits for it
    if (known === undefined && mayAsk()) await refresh()
    if (known === undefined || now() - known.at > times.stale)
      throw new Unavailable('no keys of the provider')
    try {
      return await known.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // The provider may have a new key.
      if (mayAsk()) await refresh()
      if (failed)
        throw new Unavailable('the key may be new, and the keys cannot be fetched', { cause: error })
      return known.find(header, token)
    }
  }
}
