/** The board of the attack lab in Chromium: without scripts, accessible at each width and in both schemes, and deaf to other sites. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { lessons } from '../../examples/attack_lab/lessons.ts'
import type { RunningLab } from '../../examples/attack_lab/running.ts'
import { accessibilityProblems } from '../browser/accessibility.ts'
import { launchChromium, openTab } from '../support/chromium.ts'
import { reader } from '../support/document.ts'
import { documentFor, startOnFreePorts } from './lab.ts'

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

test('every page is accessible, and its commands name the ports of this lab', async () => {
  const { page, complaints, close } = await openTab(chromium)
  await page.goto(lab.at.board)
  expect(await page.locator('ol.lessons a').count()).toBe(lessons.length)
  expect(await accessibilityProblems(page)).toEqual([])
  for (const { number, title } of lessons) {
    await page.goto(`${lab.at.board}/lessons/${number}`)
    expect(await page.textContent('h1')).toBe(`${number}. ${title}`)
    for (const summary of await page.locator('summary').all()) await summary.click()
    expect(await accessibilityProblems(page)).toEqual([])
    const text = (await page.textContent('main'))!
    expect(text).toContain(`${lab.at.board}/switch`)
    expect(text).not.toMatch(/:880\d\b/)
  }
  expect(complaints).toEqual([])
  await close()
})

test('without JavaScript: hints open, the switch turns, the state is shown after a reload', async () => {
  const { page, close } = await openTab(chromium, { javaScriptEnabled: false })
  await page.goto(`${lab.at.board}/lessons/1`)
  const hint = page.locator('details').first()
  expect(await hint.locator('p, :scope > :not(summary)').first().isVisible()).toBe(false)
  await hint.locator('summary').click()
  expect(await hint.locator(':scope > :not(summary)').first().isVisible()).toBe(true)
  await page.click('text=Switch the defence off')
  expect(lab.journal.weak('no_state')).toBe(true)
  expect(await page.textContent('form.switch')).toContain('is weak')
  lab.journal.note({ what: 'client signed in', sub: 'user-bob', ownSignIn: false, ownNonce: true })
  expect(await page.textContent('.badge')).toBe('not yet')
  await page.click('text=Look again')
  expect(await page.textContent('.badge')).toBe('attack succeeded')
  await page.click('text=Switch the defence on')
  expect(lab.journal.weak('no_state')).toBe(false)
  await close()
})

test('a page of another site, and another name for this machine, cannot turn a switch or open pages as Alice', async () => {
  const body = 'name=no_state&value=weak'
  const send = (path: string, headers: Record<string, string>, text = body) =>
    fetch(`${lab.at.board}${path}`, { method: 'POST', body: text, headers })
  const visit = JSON.stringify({ person: 'alice', url: `${lab.at.client}/` })
  for (const headers of [
    { origin: lab.at.attacker },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    expect((await send('/switch', headers)).status).toBe(403)
    expect((await send('/browse', headers, visit)).status).toBe(403)
  }
  expect((await send('/switch', { host: 'attacker.example' })).status).toBe(421)
  expect(lab.journal.weak('no_state')).toBe(false)
  expect((await send('/switch', {})).status).toBe(200)
  expect(lab.journal.weak('no_state')).toBe(true)
  expect((await send('/switch', {}, 'name=toString&value=weak')).status).toBe(400)
  expect((await send('/switch', {}, 'name=no_state&value=off')).status).toBe(400)
})

test('what others write is text on the board', async () => {
  lab.journal.note({ what: 'client refused', because: 'answer', detail: '<script>alert(1)</script>' })
  const html = await (await fetch(`${lab.at.board}/lessons/1`)).text()
  expect(html).toContain('&lt;script&gt;')
  expect(html).not.toContain('<script>')
})

test('a request of the browser command that is not in shape is told so', async () => {
  for (const body of [
    '',
    '[]',
    '{"person":"mallory","url":"http://localhost/"}',
    '{"person":"alice","url":"nowhere"}',
  ])
    expect((await fetch(`${lab.at.board}/browse`, { method: 'POST', body })).status).toBe(400)
})

test('the commands of the README do what it says', async () => {
  const shell = reader()
  const { beginning, text } = documentFor(lab, 'README.md')
  expect(await shell.read(beginning + text, lab.at.provider)).toHaveLength(3)
  shell.remove()
})
