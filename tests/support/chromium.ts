/** A real Chromium for the tests, and what it complains about. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { alice } from './person.ts'

const path = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

function requireChromium(): void {
  if (!existsSync(path))
    throw new Error(
      `no Chromium at ${path}: install it (apt-get install chromium), or name another in CHROMIUM_PATH`,
    )
}

/**
 * One browser for a test file; without Chromium an error that says what to install. `keepsPages`: with the cache of whole
 * pages for the Back button, which Playwright turns off by itself.
 */
export function launchChromium({ keepsPages = false } = {}): Promise<Browser> {
  requireChromium()
  const ignoreDefaultArgs = keepsPages ? ['--disable-back-forward-cache'] : []
  return chromium.launch({ executablePath: path, args, ignoreDefaultArgs })
}

export interface Tab {
  page: Page
  /** Console errors, uncaught errors and refused content, as the browser words them. */
  complaints: string[]
  close(): Promise<void>
}

/** A fresh browser profile with one page. */
export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(60_000)
  const complaints: string[] = []
  const page = await context.newPage()
  listen(page, complaints)
  return { page, complaints, close: () => context.close() }
}

/** A browser of its own that lets frames of other sites have their cookies, as Chromium by itself no longer does. */
export const openLenientTab = (options: BrowserContextOptions = {}): Promise<Tab> =>
  openWith({ cookie_controls_mode: 0, block_third_party_cookies: false }, options)

/** A browser of its own that blocks all cookies. */
export const openBlockingTab = (options: BrowserContextOptions = {}): Promise<Tab> =>
  openWith({ default_content_setting_values: { cookies: 2 } }, options)

async function openWith(profile: Record<string, unknown>, options: BrowserContextOptions): Promise<Tab> {
  requireChromium()
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-chromium-'))
  const preferences = { profile }
  mkdirSync(join(folder, 'Default'))
  writeFileSync(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(folder, { executablePath: path, args, ...options })
  const complaints: string[] = []
  const page = await context.newPage()
  listen(page, complaints)
  const close = async () => {
    await context.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { page, complaints, close }
}

/** Another tab of the same profile, complaining into the same list. */
export async function openSibling({ page, complaints }: Tab): Promise<Page> {
  const sibling = await page.context().newPage()
  listen(sibling, complaints)
  return sibling
}

function listen(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
}

/** Types a name and a password and presses the button. */
export async function fillLogin(page: Page, who = alice): Promise<void> {
  await page.fill('input[name=username]', who.username)
  await page.fill('input[name=password]', who.password)
  await page.click('button[name=login]')
}

/** Signs in and allows, until the browser is at `redirectUri`. */
export async function goThrough(page: Page, url: string, redirectUri: string, who = alice): Promise<URL> {
  await page.goto(url)
  for (let pages = 0; pages < 4 && !page.url().startsWith(redirectUri); pages++) {
    if (await page.isVisible('button[name=login]')) await fillLogin(page, who)
    else if (await page.isVisible('button[name=allow]')) await page.click('button[name=allow]')
    await page.waitForLoadState()
  }
  if (!page.url().startsWith(redirectUri))
    throw new Error(`stuck at ${page.url()}:\n${await page.textContent('main')}`)
  return new URL(page.url())
}
