/** Browsers as they name themselves, and people who use one. */
import { type Person, person } from './person.ts'
import type { Provider } from './provider.ts'

export const agents = {
  firefoxOnLinux: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  newerFirefoxOnLinux: 'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0',
  chromeOnWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  safariOnIphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  chromeOnAndroid:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
} as const

/** A new browser of that kind. */
export const personWith = (op: Provider, userAgent: string, address = '127.0.0.1'): Person =>
  person(op.issuer, (url, init) => {
    const headers = new Headers(init?.headers)
    headers.set('user-agent', userAgent)
    return op.fetch(url, { ...init, headers }, address)
  })

/** Another browser of whatever kind, with the cookies of `victim` as they are now. */
export function thiefOf(op: Provider, victim: Person, userAgent: string, address = '203.0.113.9'): Person {
  const thief = personWith(op, userAgent, address)
  for (const [name, value] of victim.cookies) thief.cookies.set(name, value)
  return thief
}
