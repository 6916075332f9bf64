/** A classroom in Chromium: joining by keyboard, the board while students work, the end; without JavaScript, narrow and wide, light and dark; axe finds nothing. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { launchChromium, openTab } from '../support/chromium.ts'
import { atRealm, classroomEnv, join, makeClassroom } from '../support/classroom.ts'
import { authorize, browser as person, demo, redeem } from '../support/flow.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
let browser: Browser
beforeAll(async () => {
  ;[op, browser] = await Promise.all([serveProvider(classroomEnv), launchChromium()])
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

test('a student joins by the keyboard and works; the board follows, and leads into the flow', async () => {
  const made = await makeClassroom(op)
  const student = await openTab(browser)
  await student.page.goto(`${op.issuer}/classroom/join?code=${made.classroom.code}`)
  expect(await accessibilityProblems(student.page)).toEqual([])
  await student.page.focus('#name')
  await student.page.keyboard.type('Ada')
  await student.page.keyboard.press('Enter')
  await student.page.waitForSelector('text=0 of 6 steps are done')
  const [issuer = ''] = /^.*\/realms\/[^/]+/.exec(student.page.url())!
  const teacher = await openTab(browser, { viewport: { width: 1280, height: 900 } })
  await teacher.page.goto(`${op.issuer}/classroom/board?key=${made.teacherKey}`)
  expect(teacher.page.url()).toBe(`${op.issuer}/classroom/board?room=${made.classroom.id}`)
  const at = atRealm(op, issuer)
  const authorized = await authorize(at, person(at))
  for (const _ of [1, 2]) await redeem(at, demo, authorized, { code_verifier: 'x'.repeat(43) })
  // Both by server-sent events.
  await student.page.waitForSelector('text=3 of 6 steps are done')
  await teacher.page.waitForSelector('text=Ada: invalid_grant')
  expect(await accessibilityProblems(teacher.page)).toEqual([])
  await teacher.page.click('text=Ada: invalid_grant')
  await teacher.page.waitForSelector('text=Who said what')
  expect(teacher.page.url()).toStartWith(`${issuer}/lab/flow?id=`)
  expect([...student.complaints, ...teacher.complaints]).toEqual([])
  await student.close()
  await teacher.close()
})

test('it works without JavaScript on a phone, to the end', async () => {
  const made = await makeClassroom(op)
  const phone = { viewport: { width: 360, height: 740 }, javaScriptEnabled: false }
  const { page, close } = await openTab(browser, phone)
  const narrow = async () =>
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
  await page.goto(`${op.issuer}/classroom/join`)
  await narrow()
  await page.fill('#code', made.classroom.code)
  await page.fill('#name', 'A name that is as long as a name may be')
  await page.click('button[name=join]')
  expect(await page.textContent('main')).toContain('0 of 6 steps are done')
  await join(op, made.classroom.code, 'محمد')
  await page.goto(`${op.issuer}/classroom/board?key=${made.teacherKey}`)
  await narrow()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.click('text=Download the results'),
  ])
  expect(download.suggestedFilename()).toMatch(/^classroom_[a-z2-7]{4}_code-flow\.csv$/)
  await page.click('a:has-text("link") >> nth=0')
  await narrow()
  await page.click('text=Back to the board')
  await page.click('a:has-text("remove") >> nth=0')
  await narrow()
  await page.click('button[name=remove]')
  expect(await page.textContent('.tiles')).toContain('1 of 3')
  await page.click('a:has-text("End the classroom")')
  await narrow()
  await page.click('button[name=end]')
  expect(await page.textContent('h1')).toBe('The classroom has ended')
  await close()
})

test('each page has nothing that axe finds', async () => {
  const made = await makeClassroom(op)
  await join(op, made.classroom.code, 'Ada')
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/classroom/board?key=${made.teacherKey}`)
  for (const more of ['&ask=link&student=1', '&ask=remove&student=1', '&ask=end']) {
    await page.goto(`${op.issuer}/classroom/board?room=${made.classroom.id}${more}`)
    expect(await accessibilityProblems(page)).toEqual([])
  }
  expect(complaints).toEqual([])
  await close()
})
