/** Each lesson of the attack lab, carried out as its text says: the attack succeeds on the weak program and fails on the strong one. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hintsOf, lessonText } from '../../examples/attack_lab/board/lesson_text.ts'
import { lessons } from '../../examples/attack_lab/lessons.ts'
import type { RunningLab } from '../../examples/attack_lab/running.ts'
import { weaknesses } from '../../examples/attack_lab/weaknesses.ts'
import { blocksOf, isShell, reader, reasonNotToRun, root } from '../support/document.ts'
import { documentFor, startOnFreePorts } from './lab.ts'

setDefaultTimeout(60_000)

let lab: RunningLab
const shell = reader()
beforeAll(async () => {
  lab = await startOnFreePorts()
})
afterAll(async () => {
  await lab.stop()
  shell.remove()
})

test('lessons are numbered, each has a text of the one shape and a switch of its own', async () => {
  expect(lessons.map(({ number }) => number)).toEqual(lessons.map((_, at) => at + 1))
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

// The last one first: no lesson needs another.
describe.each(lessons.toReversed())('$number. $title', (lesson) => {
  test('falls when weak, holds when strong, and the lab notices both', async () => {
    expect(lab.journal.progress(lesson).state).toBe('not yet')
    const markdown = documentFor(lab, `lessons/${lesson.file}.md`)
    const runs = await shell.read(markdown, lab.at.provider)
    expect(runs).toHaveLength(
      blocksOf(markdown).filter((block) => isShell(block) && !reasonNotToRun(block)).length,
    )
    const { state, seen } = lab.journal.progress(lesson)
    expect([...seen]).toEqual(['attack succeeded', 'defended'])
    expect(state).toBe('defended')
    expect(lab.journal.weak(lesson.weakness)).toBe(false)
  })
})
