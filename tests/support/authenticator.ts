/** An authenticator app: it knows the key that the page showed, and tells codes by the clock of the test. */
import { generateSync } from 'otplib/functional'
import { expect } from 'bun:test'
import { authorizationUrl, claimsOf, demo, type Json, type TestClient } from './client.ts'
import { redeem } from './flow.ts'
import { alice as aliceAccount, type Landing, type Page, person, type Person } from './person.ts'
import { type Provider, provider, type ProviderOptions } from './provider.ts'

const stepMs = 30_000

/** Where a sign-in at the page itself ends. */
export const home = '/account'

/** The key on a page that sets the app up. */
export function seedOn(page: Page): string {
  const [, text] = /<p class="seed">\s*<code>([A-Z2-7 ]+)<\/code>/.exec(page.html) ?? []
  if (text === undefined) throw new Error(`no key on ${page.url} (${page.status}):\n${page.html}`)
  return text.replaceAll(' ', '')
}

/** The code that the app shows, `drift` steps from now. */
export const codeOf = (op: Provider, seed: string, drift = 0): string =>
  generateSync({ secret: seed, epoch: Math.floor(op.clock.now() / 1000) + drift * 30 })

/** The next code: none of it was used before. */
export function freshCode(op: Provider, seed: string): string {
  op.clock.advance(stepMs)
  return codeOf(op, seed)
}

export function pageOf(landing: Landing): Page {
  if (!landing.page) throw new Error(`left for ${landing.location}`)
  return landing.page
}

export const pathOf = (landing: Landing): string => new URL(pageOf(landing).url).pathname

/** Sign in with the password at the page itself; where that leads. */
export async function withPassword(who: Person, account = aliceAccount, path = '/login'): Promise<Landing> {
  return who.press(pageOf(await who.open(path)), 'login', account)
}

/** Whether a page shows recovery codes. */
export const showsCodes = (html: string): boolean => html.includes('class="recovery_codes"')

/** Where the page with recovery codes leads. */
export function afterCodes({ html, url }: Page): string {
  const [, path] = /href="([^"]+)">I’ve saved these codes</.exec(html) ?? []
  if (path === undefined) throw new Error(`no recovery codes on ${url}:\n${html}`)
  return path.replaceAll('&amp;', '&')
}

/** Sets the app up for an End-User who has just signed in, and returns its key. */
export async function setUpApp(op: Provider, who: Person): Promise<string> {
  const page = pageOf(await who.open('/account/factors/totp'))
  const seed = seedOn(page)
  const codes = pageOf(await who.press(page, 'verify', { code: codeOf(op, seed) }))
  const done = codes.url.includes('?done=') ? { page: codes } : await who.open(afterCodes(codes))
  expect(pageOf(done).url).toEndWith('/account/factors?done=totp_added')
  return seed
}

/** A provider where Alice has an authenticator app, and a browser with a session of one factor, from before. */
export async function stageWithApp(options: ProviderOptions = {}) {
  const op = await provider(options)
  const [alice, other] = [person(op.issuer, op.fetch), person(op.issuer, op.fetch)]
  await withPassword(alice)
  await withPassword(other)
  const seed = await setUpApp(op, other)
  await other.press(pageOf(await other.open('/logout')), 'logout')
  return { op, alice, seed }
}

/** Password and code, as far as the provider asks for them, and whatever the client asks; where it ends. */
export async function throughApp(
  op: Provider,
  who: Person,
  seed: string,
  url: string,
  fields: Record<string, string> = {},
): Promise<URL> {
  let landing = await who.open(url)
  for (let pages = 0; landing.page && pages < 6; pages++) {
    const { page } = landing
    const buttons = page.forms.flatMap((form) => form.buttons)
    if (buttons.includes('login')) landing = await who.press(page, 'login', aliceAccount)
    else if (buttons.includes('verify'))
      landing = await who.press(page, 'verify', { ...fields, code: freshCode(op, seed) })
    else if (buttons.includes('allow')) landing = await who.press(page, 'allow')
    else break
  }
  if (!landing.location)
    throw new Error(`stuck on ${landing.page.url} (${landing.page.status}):\n${landing.page.html}`)
  return landing.location
}

/** The claims of the ID Token that ends such a way. */
export async function idTokenThroughApp(
  op: Provider,
  who: Person,
  seed: string,
  more: Record<string, string | undefined> = {},
  fields: Record<string, string> = {},
  client: TestClient = demo,
): Promise<{ claims: Json; access_token: string }> {
  const { url, code_verifier } = authorizationUrl(op.issuer, client, more)
  const location = await throughApp(op, who, seed, url, fields)
  const code = location.searchParams.get('code')
  if (code === null) throw new Error(`no code: ${location}`)
  const { status, body } = await redeem(op, client, { code, code_verifier })
  if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`)
  return { claims: claimsOf(body.id_token), access_token: String(body.access_token) }
}
