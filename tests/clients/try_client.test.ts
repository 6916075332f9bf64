/** The examples of this repository pass `latchkey try-client`: the web application by the command, the single-page application in Chromium, the native application with a browser of the trial. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { type OwnProvider, startProvider } from '../../src/cli/try_client/own_provider.ts'
import { createBrowser, type Seen, type Visit } from '../../src/cli/try_client/browser.ts'
import { type FaultRow, type Outcome, tryFaults } from '../../src/cli/try_client/trial.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { startExample } from './example.ts'
import { nativeApp } from './native_app.ts'

setDefaultTimeout(300_000)

const line = commandLine({}, { timeoutMs: 240_000 })
afterAll(line.remove)

const swallowed = (outcomes: readonly Outcome[]) =>
  outcomes
    .filter(({ result }) => ['swallowed', 'broken', 'not_followed'].includes(result))
    .map(({ fault }) => fault)
const notTold = (outcomes: readonly Outcome[]) =>
  outcomes.filter(({ result }) => result === 'not_told').map(({ fault }) => fault)

test('examples/web_app passes, by the command', async () => {
  const port = freePort()
  const answer = await line.json<{ passed: boolean; outcomes: Outcome[] }>(
    'try-client',
    ...['--start', `http://localhost:${port}/login`],
    ...['--redirect-uri', `http://localhost:${port}/callback`],
    ...['--signed-in', 'You are Try Client'],
    ...['--run', `bun ${join(import.meta.dir, '../../examples/web_app/main.ts')}`],
    ...['--port', '0', '--slow', '1', '--json'],
  )
  expect(answer.passed).toBe(true)
  expect(swallowed(answer.outcomes)).toEqual([])
  expect(notTold(answer.outcomes)).toEqual([])
})

/** In the page: it says how the sign-in ended. Before that it says "Loading …", or that the person is signed out. */
function hasSaid(): boolean {
  const status = document.querySelector('#status')?.textContent ?? ''
  return status !== '' && status !== 'Signed out' && !status.startsWith('Loading')
}

/** A visit by Chromium: the button of the page, the sign-in at the provider, and what the page says then. */
const visitOf =
  (browser: Browser, op: OwnProvider, signsIn: boolean): Visit =>
  async (url): Promise<Seen> => {
    const { page, close } = await openTab(browser)
    const text = () => page.locator('#status').textContent()
    try {
      await page.goto(url)
      if (signsIn) {
        await page.click('#sign_in')
        const password = page.locator('[name=password]').waitFor()
        const said = page.waitForFunction(hasSaid)
        for (const each of [password, said]) each.catch(() => {}) // the one that does not come ends with the tab
        if ((await Promise.race([password.then(() => 'asked'), said.then(() => 'said')])) === 'asked')
          await fillLogin(page, op.account)
        await page.waitForFunction(hasSaid)
      }
      return { url: page.url(), status: 200, text: (await text()) ?? '' }
    } finally {
      await close()
    }
  }

test('examples/single_page_app passes, in Chromium', async () => {
  const PORT = `${freePort()}`
  const origin = `http://localhost:${PORT}`
  const client = { client_id: 'single-page', client_secret: undefined, redirect_uri: `${origin}/callback` }
  const op = await startProvider(0, { ...client, id_token_alg: undefined })
  const app = await startExample('single_page_app', { PORT, ISSUER: op.issuer, CLIENT_ID: client.client_id })
  const browser = await launchChromium()
  try {
    const { faults } = await op.lab<{ faults: FaultRow[] }>('GET', '/trouble')
    const outcomes = await tryFaults(
      {
        provider: op,
        clientId: client.client_id,
        start: `${origin}/`,
        isSignedIn: ({ text }) => text.includes('Signed in as'),
        newBrowser: () => visitOf(browser, op, true),
        stranger: () => visitOf(browser, op, false),
        slow: 1,
      },
      faults,
      () => {},
    )
    expect(swallowed(outcomes)).toEqual([])
    expect(notTold(outcomes)).toEqual([])
  } finally {
    await browser.close()
    await app.stop()
    await op.stop()
  }
})

test('examples/native_app passes', async () => {
  const client = {
    client_id: 'native-app',
    client_secret: undefined,
    redirect_uri: 'http://127.0.0.1/callback',
    id_token_alg: undefined,
  }
  const op = await startProvider(0, client)
  const visitBy =
    (...args: string[]): Visit =>
    async (url): Promise<Seen> => {
      const app = nativeApp({ ISSUER: op.issuer })
      try {
        const command = app.run(...args)
        const found = await command.url.catch(() => undefined)
        const seen = found && (await createBrowser(op.issuer, op.account, 30_000)(found.href))
        // An answer without the right state is not its answer: it waits for another.
        if (seen?.text.includes('not the answer')) command.kill()
        return { url, status: await command.exited, text: await command.said }
      } finally {
        app.remove()
      }
    }
  try {
    const { faults } = await op.lab<{ faults: FaultRow[] }>('GET', '/trouble')
    const outcomes = await tryFaults(
      {
        provider: op,
        clientId: client.client_id,
        start: 'bun examples/native_app/main.ts sign-in',
        isSignedIn: ({ text }) => text.includes('Signed in as Try Client'),
        newBrowser: () => visitBy('sign-in', '--no-browser'),
        stranger: () => visitBy('whoami'),
        slow: 1,
      },
      faults,
      () => {},
    )
    expect(swallowed(outcomes)).toEqual([])
    expect(notTold(outcomes)).toEqual([])
  } finally {
    await op.stop()
  }
})
