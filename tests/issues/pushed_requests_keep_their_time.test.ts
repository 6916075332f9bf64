/** Issue 9, line 55: when a pushed request was pushed was computed from PAR_TTL, which a SIGHUP may have changed since. */
import { expect, test } from 'bun:test'
import { authorizationUrl, formPost, type Json } from '../support/client.ts'
import { alice, browser, demo } from '../support/flow.ts'
import { pageOf } from '../support/authenticator.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { provider, turnableClock } from '../support/provider.ts'

/** The answer at an instance with another PAR_TTL and a store that lost its lists at `lostAt` after the push. */
async function answered(PAR_TTL: string, lostAt: number): Promise<string> {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const before = await provider({ clock, store, env: { PAR_TTL: '90' } })
  const { params } = authorizationUrl(before.issuer, demo)
  const pushed = await before.fetch('/par', formPost(demo, params as Record<string, string>))
  const { request_uri } = (await pushed.json()) as Json
  const dated = Math.floor(clock.now() / 1000) + lostAt
  const birth = { since: async () => ({ dated, undated: 0 }), beat: async () => {}, renew: async () => {} }
  const after = await provider({ clock, store, env: { PAR_TTL }, birth })
  const who = browser(after)
  const query = new URLSearchParams({ client_id: demo.client_id, request_uri: String(request_uri) })
  const login = pageOf(await who.open(`${after.issuer}/authorize?${query}`))
  const consent = pageOf(await who.press(login, 'login', alice))
  const { location, page } = await who.press(consent, 'allow')
  return location?.searchParams.get('error') ?? (page ? 'page' : 'code')
}

test.each(['5', '90', '600'])(
  'PAR_TTL=%s: pushed before the loss is refused, after it is not',
  async (ttl) => {
    expect(await answered(ttl, 30)).not.toBe('code')
    expect(await answered(ttl, -30)).toBe('code')
  },
)
