/** Two providers on one host, each with a path, had the same cookies: a sign-in at one ended the session at the other. */
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

interface Kept {
  name: string
  value: string
  path: string
}

/** One browser for all providers of a host: it sends each cookie to its path and below, RFC 6265 §5.1.4. */
function oneBrowser() {
  const jar: Kept[] = []
  const lines: string[] = []
  const reaches = (path: string, of: string) =>
    path === of || path.startsWith(of.endsWith('/') ? of : `${of}/`)
  const at = (op: Provider) =>
    person(op.issuer, async (url, init) => {
      const { pathname } = new URL(url, op.issuer)
      const headers = new Headers(init?.headers)
      const cookies = jar.filter(({ path }) => reaches(pathname, path))
      headers.set('cookie', cookies.map(({ name, value }) => `${name}=${value}`).join('; '))
      const answer = await op.fetch(url, { ...init, headers })
      for (const line of answer.headers.getSetCookie()) {
        lines.push(line)
        const [, name, value, path] = /^([^=]+)=([^;]*); Path=([^;]+)/.exec(line)!
        const at = jar.findIndex((each) => each.name === name && each.path === path)
        if (at >= 0) jar.splice(at, 1)
        if (!line.includes('Max-Age=0')) jar.push({ name: name!, value: value!, path: path! })
      }
      return answer
    })
  return { at, lines, names: () => jar.map(({ name }) => name) }
}

const issuers = (paths: readonly string[], origin: string) =>
  Promise.all(paths.map((path) => provider({ env: { ISSUER_URL: `${origin}${path}`, LOG_LEVEL: 'error' } })))

/** Where a request without a page leads: with a code, or `login_required`. */
async function isSignedIn(op: Provider, browser: ReturnType<typeof oneBrowser>): Promise<boolean> {
  const { url } = authorizationUrl(op.issuer, demo, { prompt: 'none' })
  const { location } = await browser.at(op).open(url)
  return location!.searchParams.has('code')
}

describe.each([
  ['side by side', ['/one', '/two']],
  ['of which one path begins as the other', ['/id', '/identity']],
  ['one below the other', ['/a', '/a/b']],
  ['at the root and below it', ['', '/tenant']],
])('two providers %s', (_, paths) => {
  test.each(['https://id.example', 'http://localhost:5000'])('of %s are two sign-ins', async (origin) => {
    const [one, other] = (await issuers(paths, origin)) as [Provider, Provider]
    const browser = oneBrowser()
    await browser.at(one).goThrough(authorizationUrl(one.issuer, demo).url)
    expect([await isSignedIn(one, browser), await isSignedIn(other, browser)]).toEqual([true, false])
    await browser.at(other).goThrough(authorizationUrl(other.issuer, demo).url)
    expect([await isSignedIn(one, browser), await isSignedIn(other, browser)]).toEqual([true, true])
    const { page } = await browser.at(other).open(`${other.issuer}/logout`)
    await browser.at(other).press(page!, 'logout')
    expect([await isSignedIn(one, browser), await isSignedIn(other, browser)]).toEqual([true, false])
  })
})

test.each([
  ['https://id.example/tenant', '/tenant', '__Secure-latchkey_'],
  ['https://id.example/a/b/', '/a/b', '__Secure-latchkey_'],
  ['https://id.example', '/', '__Host-latchkey_'],
  ['https://id.example/a;b', '/', '__Host-latchkey_'], // an attribute cannot hold that path
  ['http://localhost:5000/tenant', '/tenant', 'latchkey_'],
])('all cookies of %s have the path %s', async (issuer, path, prefix) => {
  const op = await provider({ env: { ISSUER_URL: issuer, LOG_LEVEL: 'error' } })
  const browser = oneBrowser()
  await browser.at(op).goThrough(authorizationUrl(op.issuer, demo).url)
  await browser.at(op).open(`${op.issuer}/?lang=de`)
  expect(browser.lines.length).toBeGreaterThan(3)
  for (const line of browser.lines) {
    expect(line).toStartWith(prefix)
    expect(/; Path=([^;]+)(?:;|$)/.exec(line)?.[1]).toBe(path)
    expect(/(?:^|; )Domain=/i.test(line)).toBe(false)
    expect(line.includes('; Secure')).toBe(issuer.startsWith('https:'))
  }
})

test('what scripts read and write is named by the page', async () => {
  const [op] = (await issuers(['/tenant'], 'https://id.example')) as [Provider]
  const frame = await (await op.fetch('/tenant/check_session')).text()
  expect(frame).toContain('data-cookie="__Secure-latchkey_browser_state_tenant"')
  const begun = await op.fetch(authorizationUrl(op.issuer, demo).url)
  const cookie = begun.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const page = await (await op.fetch(begun.headers.get('location')!, { headers: { cookie } })).text()
  expect(page).toContain(
    'data-able="__Secure-latchkey_passkey_able_tenant=1; Path=/tenant; SameSite=Lax; Secure; Max-Age=3600"',
  )
})
