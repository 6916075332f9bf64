/** The pages of recorded flows in a browser: what axe finds, new flows without a reload, a comparison by keyboard. docs/lab.md */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { launchChromium, openTab } from '../support/chromium.ts'
import { demo } from '../support/client.ts'
import { authorize, browser as person, post, redeem, tokensOf } from '../support/flow.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
let browser: Browser

beforeAll(async () => {
  ;[op, browser] = await Promise.all([serveProvider({ LAB: 'true' }), launchChromium()])
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

test('the pages of flows', async () => {
  await tokensOf(op, person(op), demo, { scope: 'openid profile offline_access' })
  const authorized = await authorize(op, person(op))
  await redeem(op, demo, authorized, { code_verifier: 'x'.repeat(43) })
  const tab = await openTab(browser)
  const problems: string[] = []
  const look = async (path: string) => {
    await tab.page.waitForURL((url) => url.pathname === path)
    problems.push(...(await accessibilityProblems(tab.page)).map((each) => `${path}: ${each}`))
  }
  await tab.page.goto(`${op.issuer}/lab/flows`)
  await look('/lab/flows')
  await tab.page.click('.data tbody tr:first-child th a')
  expect(await tab.page.textContent('details.lab_exchange[open]')).toContain('RFC 7636 §4.6')
  await look('/lab/flow')
  await tab.page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)))
  await look('/lab/flow')
  await tab.page.goto(`${op.issuer}/lab/flows?outcome=succeeded`)
  expect(await tab.page.locator('.data tbody tr').count()).toBe(1)
  await tab.page.goto(`${op.issuer}/lab/flows`)
  await tab.page.focus('.data tbody tr:nth-child(1) input[name=a]')
  await tab.page.keyboard.press('Space')
  await tab.page.focus('.data tbody tr:nth-child(2) input[name=b]')
  await tab.page.keyboard.press('Space')
  await tab.page.keyboard.press('Enter')
  await look('/lab/compare')
  expect(await tab.page.textContent('tr.lab_first')).toContain('RFC 7636 §4.6')
  const complaints = [...problems, ...tab.complaints]
  await tab.close()
  expect(complaints).toEqual([])
})

test('a new flow appears on an open page, and without JavaScript after a reload', async () => {
  const tab = await openTab(browser)
  const still = await openTab(browser, { javaScriptEnabled: false })
  for (const { page } of [tab, still]) await page.goto(`${op.issuer}/lab/flows`)
  const before = await tab.page.locator('.data tbody tr').count()
  await post(op, '/token', demo, { grant_type: 'unknown' })
  await tab.page.locator('.data tbody tr').nth(before).waitFor()
  expect(await still.page.locator('.data tbody tr').count()).toBe(before)
  await still.page.reload()
  expect(await still.page.locator('.data tbody tr').count()).toBe(before + 1)
  await tab.close()
  await still.close()
})

test('on a phone the page stands still, and the diagram scrolls in its box by keyboard', async () => {
  await tokensOf(op, person(op))
  const { id } = op.context.recorder!.flows.list()[0]!
  const tab = await openTab(browser, { viewport: { width: 360, height: 740 } })
  await tab.page.goto(`${op.issuer}/lab/flow?id=${id}`)
  await tab.page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)))
  const widths = await tab.page.evaluate(() => [document.scrollingElement!.scrollWidth, innerWidth])
  expect(widths).toEqual([360, 360])
  const box = tab.page.locator('.lab_diagram')
  await box.focus()
  expect(await box.evaluate((each) => each.scrollWidth > each.clientWidth)).toBe(true)
  await tab.page.keyboard.press('ArrowRight')
  await tab.page.waitForFunction(() => document.querySelector('.lab_diagram')!.scrollLeft > 0)
  expect(tab.complaints).toEqual([])
  await tab.close()
})
