/** Lesson 1 of the attack lab in a real browser, which decides itself about cookies of other sites, and what the browser sees of the programs. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { createBrowser } from '../../examples/attack_lab/browser.ts'
import { lessons } from '../../examples/attack_lab/lessons.ts'
import type { RunningLab } from '../../examples/attack_lab/running.ts'
import { accessibilityProblems } from '../browser/accessibility.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { bob } from '../support/person.ts'
import { startOnFreePorts } from './lab.ts'

setDefaultTimeout(120_000)

let lab: RunningLab
let chromium: Browser
beforeAll(async () => {
  ;[lab, chromium] = await Promise.all([startOnFreePorts(), launchChromium()])
})
afterAll(async () => {
  await chromium.close()
  await lab.stop()
})

const lesson = lessons[0]!

/** Bob's web site leads to an answer that was made for Bob's browser. */
async function bait(): Promise<void> {
  const browser = createBrowser([lab.at.provider], bob)
  const { url } = await browser.visit(`${lab.at.client}/login`, { stopAt: '/callback' })
  await fetch(`${lab.at.attacker}/bait`, { method: 'POST', body: url })
}

test("Bob's link signs Alice in as Bob at the weak client, and not at the strong one", async () => {
  const { page, close } = await openTab(chromium)
  lab.journal.set('no_state', true)
  await bait()
  await page.goto(`${lab.at.attacker}/kittens`)
  expect(await page.textContent('#status')).toBe('You are Bob Brown')
  expect(lab.journal.progress(lesson).state).toBe('attack succeeded')

  lab.journal.set('no_state', false)
  await page.context().clearCookies()
  // A sign-in of her own, which she has not finished, does not make Bob's answer good.
  for (const begun of [false, true]) {
    if (begun) await page.goto(`${lab.at.client}/login`)
    await bait()
    await page.goto(`${lab.at.attacker}/kittens`)
    expect(await page.textContent('#status')).toContain('You are not signed in')
  }
  expect(lab.journal.progress(lesson).state).toBe('defended')
  await page.goto(lab.at.client)
  expect(await page.textContent('#status')).toBe('You are signed out')
  await close()
})

test('the pages of the client and of the toy provider are accessible', async () => {
  const { page, complaints, close } = await openTab(chromium)
  await page.goto(lab.at.client)
  expect(await accessibilityProblems(page)).toEqual([])
  await page.goto(`${lab.at.client}/login`)
  await fillLogin(page)
  await page.waitForURL(`${lab.at.client}/`)
  await page.fill('input[name=text]', 'A note')
  await page.click('button[name=keep]')
  await page.waitForSelector('text=A note')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.goto(`${lab.at.client}/login?then=welcome`)
  await page.waitForURL(`${lab.at.client}/welcome`)
  expect(await accessibilityProblems(page)).toEqual([])
  lab.journal.set('silent_consent', true)
  await page.goto(`${lab.at.door}/account`)
  expect(await accessibilityProblems(page)).toEqual([])
  expect(complaints).toEqual([])
  await close()
})

test('the board shows what an attack came to without a reload', async () => {
  const { page, close } = await openTab(chromium)
  const second = lessons[1]!
  await page.goto(`${lab.at.board}/lessons/${second.number}`)
  expect(await page.textContent('[data-live=state]')).toBe('not yet')
  await page.locator('summary').first().click()
  lab.journal.note({ what: 'client signed in', sub: 'user-alice', ownSignIn: true, ownNonce: false })
  await page.waitForSelector('[data-live=state] >> text=attack succeeded')
  expect(await page.locator('details').first().getAttribute('open')).toBe('')
  await close()
})
