/** An authenticator app: it knows the key that the page showed, and tells codes by the clock of the test. */
import { generateSync } from 'otplib/functional'
import { expect } from 'bun:test'
import { alice as aliceAccount, type Landing, type Page, type Person } from './person.ts'
import type { Provider } from './provider.ts'

const stepMs = 30_000

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

/** Set the app up on the account of somebody who has just signed in; its key. */
export async function setUpApp(op: Provider, who: Person): Promise<string> {
  const page = pageOf(await who.open('/account/factors/totp'))
  const seed = seedOn(page)
  const after = await who.press(page, 'verify', { code: codeOf(op, seed) })
  expect(pageOf(after).url).toEndWith('/account/factors?done=totp_added')
  return seed
}
