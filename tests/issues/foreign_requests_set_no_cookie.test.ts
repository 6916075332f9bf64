/** A frame, an image, a fetch or a form of another site sets no cookie, whatever it asks for. A link that opens a page does. Issue 8, A.5 */
import { expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { alice, browser } from '../support/flow.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const issuer = 'http://localhost:5000'

/** What a browser sends for each, when the cookies of this provider stay away. */
const foreign: Record<string, RequestInit> = {
  frame: { headers: fetchMetadata('navigate', 'iframe') },
  object: { headers: fetchMetadata('navigate', 'object') },
  image: { headers: fetchMetadata('no-cors', 'image') },
  script: { headers: fetchMetadata('no-cors', 'script') },
  fetch: { headers: { ...fetchMetadata('cors', 'empty'), origin: 'https://evil.example' } },
  'fetch of an old browser': { headers: { origin: 'https://evil.example' } },
  form: {
    method: 'POST',
    body: 'a=b',
    headers: {
      ...fetchMetadata('navigate', 'document'),
      origin: 'https://evil.example',
      'content-type': 'application/x-www-form-urlencoded',
    },
  },
  'form without a referrer': {
    method: 'POST',
    body: 'a=b',
    headers: {
      ...fetchMetadata('navigate', 'document'),
      origin: 'null',
      'content-type': 'application/x-www-form-urlencoded',
    },
  },
}

function fetchMetadata(mode: string, dest: string, site = 'cross-site'): Record<string, string> {
  return { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }
}

const pagesOf = (op: Provider): string[] => [
  authorizationUrl(op.issuer, demo).url,
  ...op.context.table.endpoints.filter(({ page }) => page).map(({ path }) => path.replace('/*', '/x')),
  '/logout?client_id=unknown',
  '/language?language=de&back=/',
]

for (const [name, init] of Object.entries(foreign))
  test(`${name} of another site: no page sets a cookie`, async () => {
    const op = await provider({ env: { ISSUER_URL: issuer } })
    for (const path of pagesOf(op)) {
      const answer = await op.fetch(path, init)
      expect(answer.headers.getSetCookie(), path).toEqual([])
    }
  })

test('a frame of another site leaves the sign-in that is open in the browser', async () => {
  const op = await provider({ env: { ISSUER_URL: issuer } })
  const who = browser(op)
  const page = (await who.open(authorizationUrl(op.issuer, demo).url)).page!
  for (const path of ['/login', '/logout', authorizationUrl(op.issuer, demo).url]) {
    const answer = await op.fetch(path, foreign.frame)
    expect(answer.headers.getSetCookie()).toEqual([])
  }
  expect((await who.press(page, 'login', alice)).page?.status ?? 200).toBe(200)
})

test('a link or redirect of a client opens the sign-in of a new browser, and the answer comes', async () => {
  const op = await provider({ env: { ISSUER_URL: issuer } })
  const opens = fetchMetadata('navigate', 'document')
  const who = person(op.issuer, (path: string, init?: RequestInit) => {
    const headers = new Headers(init?.headers)
    if (init?.method !== 'POST') for (const [name, value] of Object.entries(opens)) headers.set(name, value)
    return op.fetch(path, { ...init, headers })
  })
  const location = await who.goThrough(authorizationUrl(op.issuer, demo).url)
  expect(location.searchParams.get('code')).toBeTruthy()
  for (const path of ['/account', '/device', '/login']) {
    const answer = await op.fetch(path, { headers: opens })
    expect(answer.headers.getSetCookie().join(), path).toContain('latchkey_browser=')
  }
})
