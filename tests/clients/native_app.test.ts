/** examples/native_app at work, and attacked by other programs and pages of the same machine. https://www.rfc-editor.org/rfc/rfc8252#section-8 */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { client } from '../../examples/native_app/client.ts'
import { startWithApi, type Surroundings } from '../../examples/start/with_api.ts'
import { claimsOf } from '../support/client.ts'
import { freePort } from '../support/free_port.ts'
import { alice, person } from '../support/person.ts'
import { until } from '../support/until.ts'
import { type NativeApp, nativeApp } from './native_app.ts'

setDefaultTimeout(120_000)

let provider: Surroundings
beforeAll(async () => {
  const ports = { provider: freePort(), api: freePort() }
  provider = await startWithApi(
    ports,
    { ...client, lab_client: true },
    { DEVICE_POLL_INTERVAL: '1', REFRESH_TOKEN_GRACE: '0' },
  )
})
afterAll(() => provider.stop())

let apps: NativeApp[] = []
afterEach(() => {
  for (const app of apps) app.remove()
  apps = []
})

function newApp(env: Record<string, string> = {}): NativeApp {
  const app = nativeApp({ ISSUER: provider.issuer, API: provider.api, ...env })
  apps.push(app)
  return app
}

const files = ({ folder }: NativeApp) => readdirSync(folder).filter((name) => name.endsWith('.json'))
const fileOf = (app: NativeApp) => join(app.folder, files(app)[0]!)
interface Kept {
  refreshToken: string
  accessTokens: Record<string, { token: string; expiresAt: number }>
}
const keptBy = (app: NativeApp) => JSON.parse(readFileSync(fileOf(app), 'utf8')) as Kept
const tokenOf = (app: NativeApp, resource = provider.issuer) => keptBy(app).accessTokens[resource]!.token
/** The next command finds its access tokens expired. */
function expire(app: NativeApp): void {
  const kept = keptBy(app)
  for (const each of Object.values(kept.accessTokens)) each.expiresAt = 0
  writeFileSync(fileOf(app), JSON.stringify(kept))
}

/** Goes to the provider with the URL that the command prints, and comes back to its port. */
async function signIn(app: NativeApp) {
  const command = app.run('sign-in', '--no-browser')
  const visitor = person(provider.issuer, fetch)
  const answer = await visitor.goThrough((await command.url).href)
  const page = await fetch(answer)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('signed in as Alice Adams')
  expect(await command.said).toContain('Signed in as Alice Adams')
  expect(await command.exited).toBe(0)
  return { answer, visitor }
}

test('signs in, calls UserInfo and the API, refreshes, signs out', async () => {
  const app = newApp()
  expect(await app.run('whoami').said).toContain('no person is signed in')
  const { answer } = await signIn(app)
  expect(answer.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await app.run('whoami').said).toContain('Alice Adams, user-alice at http://localhost')
  expect(await app.run('notes').said).toContain('notes')

  const first = keptBy(app)
  expect(claimsOf(tokenOf(app, provider.api)).aud).toBe(provider.api) // of no use at another API, UserInfo included
  expect(claimsOf(tokenOf(app)).aud).toBe(provider.issuer)
  expire(app)
  expect(await app.run('whoami').said).toContain('Alice Adams')
  const second = tokenOf(app)
  expect(keptBy(app).refreshToken).not.toBe(first.refreshToken)
  expect(second).not.toBe(first.accessTokens[provider.issuer]!.token)

  expect(await app.run('sign-out').said).toContain('Signed out')
  expect(files(app)).toEqual([])
  const info = await fetch(`${provider.issuer}/userinfo`, {
    headers: { authorization: `Bearer ${second}` },
  })
  expect(info.status).toBe(401)
})

test('on another device, where this machine has no browser', async () => {
  const app = newApp()
  const command = app.run('sign-in', '--device')
  await command.url
  const visitor = person(provider.issuer, fetch)
  await until(() => command.printed().includes('compare the code'), 'the second URL, with the code in it')
  const [, complete] = /open (\S+user_code\S+)/.exec(command.printed()) ?? []
  let landing = await visitor.open(complete!)
  for (let pages = 0; pages < 5 && landing.page; pages++) {
    const buttons = landing.page.forms.flatMap((form) => form.buttons)
    const button = ['login', 'allow', 'confirm', 'continue'].find((each) => buttons.includes(each))
    if (button === undefined) break
    landing = await visitor.press(landing.page, button, button === 'login' ? alice : {})
  }
  expect(await command.said).toContain('Signed in as Alice Adams')
  expect(await app.run('whoami').said).toContain('user-alice')
})

test('only this user can read the tokens; a file that others can read is refused, and can be signed out', async () => {
  const app = newApp()
  await signIn(app)
  expect(statSync(fileOf(app)).mode & 0o777).toBe(0o600)
  expect(statSync(app.folder).mode & 0o777).toBe(0o700)
  chmodSync(fileOf(app), 0o644)
  const refused = app.run('whoami')
  expect(await refused.said).toContain('other users can read')
  expect(await refused.exited).toBe(1)
  const accessToken = tokenOf(app)
  await app.run('sign-out').exited
  const info = await fetch(`${provider.issuer}/userinfo`, {
    headers: { authorization: `Bearer ${accessToken}` },
  })
  expect(info.status).toBe(401)
})

test('requests that are not the answer neither end the wait nor sign in', async () => {
  const app = newApp()
  const command = app.run('sign-in', '--no-browser')
  const url = await command.url
  const redirect = new URL(url.searchParams.get('redirect_uri')!)
  const state = url.searchParams.get('state')!
  const ask = async (path: string, init: RequestInit = {}) =>
    (await fetch(new URL(path, redirect), { redirect: 'manual', ...init })).status
  // A page of another site that guesses the port: it knows no state.
  expect(await ask('/callback?error=access_denied')).toBe(400)
  expect(await ask('/callback?code=stolen&state=guessed')).toBe(400)
  expect(await ask(`/callback?code=a&state=${state}`, { method: 'POST' })).toBe(404)
  expect(await ask('/')).toBe(404)
  // A name of the attacker that leads to this machine.
  expect(await ask(`/callback?code=a&state=${state}`, { headers: { host: 'attacker.example' } })).toBe(421)
  const visitor = person(provider.issuer, fetch)
  const answer = await visitor.goThrough(url.href)
  expect((await fetch(answer)).status).toBe(200)
  expect(await command.said).toContain('Signed in as Alice Adams')
})

test("an attacker's answer does not fit another sign-in", async () => {
  const [attacker, victim] = [
    newApp().run('sign-in', '--no-browser'),
    newApp().run('sign-in', '--no-browser'),
  ]
  const stolen = await person(provider.issuer, fetch).goThrough((await attacker.url).href)
  const there = new URL((await victim.url).searchParams.get('redirect_uri')!)
  there.search = stolen.search
  expect((await fetch(there)).status).toBe(400)
  // Even with the right state: the code was issued for another challenge, nonce and redirect URI.
  there.searchParams.set('state', (await victim.url).searchParams.get('state')!)
  const page = await fetch(there)
  expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('invalid_grant')])
  expect(await victim.said).toContain('sign-in did not work: invalid_grant')
  expect(await victim.exited).toBe(1)
  attacker.kill()
})

test('a denial is told with its cause, on the page and in the terminal', async () => {
  const command = newApp().run('sign-in', '--no-browser')
  const url = await command.url
  url.searchParams.set('prompt', 'none')
  const answer = await person(provider.issuer, fetch).goThrough(url.href)
  const page = await fetch(answer)
  expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('login_required')])
  expect(await command.said).toContain('login_required')
})

test('a sign-in again ends what the one before had', async () => {
  const app = newApp()
  await signIn(app)
  const before = tokenOf(app)
  await signIn(app)
  const [old, now] = await Promise.all(
    [before, tokenOf(app)].map((token) =>
      fetch(`${provider.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } }),
    ),
  )
  expect([old!.status, now!.status]).toEqual([401, 200])
})

test('processes that find the access token expired at once use one refresh token once', async () => {
  const app = newApp()
  await signIn(app)
  expire(app)
  // Slow, so that each process has started before the first one has its answer.
  const trouble = `${provider.issuer}/lab/api/trouble`
  const headers = { 'content-type': 'application/json' }
  const slow = { client_id: 'native-app', fault: 'token_slow', slow: 2, minutes: 1 }
  const begun = await fetch(trouble, { method: 'POST', headers, body: JSON.stringify(slow) })
  expect(begun.status).toBeLessThan(300)
  const said = await Promise.all(Array.from({ length: 4 }, () => app.run('whoami').said))
  await fetch(`${trouble}?client_id=native-app`, { method: 'DELETE' })
  for (const each of said) expect(each).toContain('Alice Adams')
  // The grant lives: no use was taken for that of a thief.
  expire(app)
  expect(await app.run('whoami').said).toContain('Alice Adams')
})

test('a session that the provider has ended is forgotten; a provider that is silent ends nothing', async () => {
  const app = newApp()
  await signIn(app)
  expire(app)
  const { refreshToken } = keptBy(app)
  const elsewhere = nativeApp({
    ISSUER: `http://localhost:${freePort()}`,
    XDG_STATE_HOME: join(app.folder, '..'),
  })
  apps.push(elsewhere)
  expect(await elsewhere.run('whoami').exited).toBe(1)
  expect(keptBy(app).refreshToken).toBe(refreshToken)
  const body = new URLSearchParams({ token: refreshToken, client_id: 'native-app' })
  await fetch(`${provider.issuer}/revoke`, { method: 'POST', body })
  expect(await app.run('whoami').said).toContain('the session has ended')
  expect(files(app)).toEqual([])
})

test('the refresh token goes to the issuer that issued it alone', async () => {
  const app = newApp()
  await signIn(app)
  const seen: string[] = []
  const other: Bun.Server<undefined> = Bun.serve({
    port: 0,
    async fetch(request) {
      seen.push(`${new URL(request.url).pathname} ${await request.text()}`)
      const issuer = `http://localhost:${other.port}`
      return Response.json({
        issuer,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
      })
    },
  })
  const evil = nativeApp({ ISSUER: `http://localhost:${other.port}`, XDG_STATE_HOME: join(app.folder, '..') })
  apps.push(evil)
  expect(await evil.run('whoami').said).toContain('no person is signed in')
  expect(await evil.run('sign-out').exited).toBe(0)
  expect(await app.run('whoami').said).toContain('user-alice') // its session is another
  await other.stop(true)
  expect(seen.join()).toContain('/.well-known/openid-configuration')
  expect(seen.filter((each) => !each.startsWith('/.well-known/'))).toEqual([])
})
