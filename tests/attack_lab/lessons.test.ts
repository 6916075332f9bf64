/** Each lesson of the attack lab, carried out as its text says: the attack succeeds on the weak program and fails on the strong one. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { hintsOf, lessonText } from '../../examples/attack_lab/board/lesson_text.ts'
import { lessons } from '../../examples/attack_lab/lessons.ts'
import type { RunningLab } from '../../examples/attack_lab/running.ts'
import { weaknesses } from '../../examples/attack_lab/weaknesses.ts'
import { launchChromium, openTab, type Tab } from '../support/chromium.ts'
import { blocksOf, isShell, reader, reasonNotToRun, root } from '../support/document.ts'
import { carryOut, documentFor, startOnFreePorts } from './lab.ts'

setDefaultTimeout(60_000)

let lab: RunningLab
let chromium: Browser
const shell = reader()
beforeAll(async () => {
  ;[lab, chromium] = await Promise.all([startOnFreePorts(), launchChromium()])
})
afterAll(async () => {
  await chromium.close()
  await lab.stop()
  shell.remove()
})

test('lessons are numbered, each has a text of the one shape and a switch of its own', async () => {
  for (const { number, file } of lessons) expect(Number(file.slice(0, 2))).toBe(number)
  const files = readdirSync(join(root, 'examples/attack_lab/lessons')).sort()
  expect(lessons.map(({ file }) => `${file}.md`)).toEqual(files)
  expect(lessons.map(({ weakness }) => weakness)).toEqual(
    Object.keys(weaknesses) as (keyof typeof weaknesses)[],
  )
  for (const lesson of lessons) {
    const text = await lessonText(lesson, lab.at)
    expect(hintsOf(text).length, lesson.file).toBeGreaterThanOrEqual(2)
    expect(text.Rule, lesson.file).toMatch(/\]\(https:\/\/[^)]+\)/)
  }
})

test('each weak line says the name of its switch', async () => {
  const code = await Promise.all(
    ['client', 'api', 'stand_ins'].flatMap((folder) =>
      readdirSync(join(root, 'examples/attack_lab', folder)).map((name) =>
        Bun.file(join(root, 'examples/attack_lab', folder, name)).text(),
      ),
    ),
  )
  for (const weakness of Object.keys(weaknesses))
    expect(
      code.filter((text) => new RegExp(`^ *(//|/\\*\\*|\\?? ?//).*\\b${weakness}:`, 'm').test(text)),
      weakness,
    ).not.toEqual([])
})

// The last one first: no lesson needs another.
describe.each(lessons.toReversed())('$number. $title', (lesson) => {
  test('falls when weak, holds when strong, and the lab notices both', async () => {
    expect(lab.journal.progress(lesson).state).toBe('not yet')
    const path = `lessons/${lesson.file}.md`
    let tab: Tab | undefined
    const page = async () => (tab ??= await openTab(chromium)).page
    const { runs, clicks } = await carryOut(lab, path, { shell, page })
    await tab?.close()
    const { text } = documentFor(lab, path)
    expect(runs).toBe(blocksOf(text).filter((block) => isShell(block) && !reasonNotToRun(block)).length)
    expect(clicks).toBe(text.match(/^\d+\. /gm)?.length ?? 0)
    const { state, seen } = lab.journal.progress(lesson)
    expect([...seen]).toEqual(['attack succeeded', 'defended'])
    expect(state).toBe('defended')
    expect(lab.journal.weak(lesson.weakness)).toBe(false)
  })
})
