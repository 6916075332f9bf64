/** docs/asvs.md: what it names exists, each requirement occurs once, and the summary counts what the tables have. */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { entries as coreEntries } from '../../src/config/variables.ts'
import { features } from '../../src/table.ts'
import { document, root } from '../support/document.ts'

const markdown = document('docs/asvs.md')
const verdicts = ['met', 'by setting', 'in part', 'not', 'not built']

interface Row {
  id: string
  level: number
  verdict: string
  shown: string
  setting: string
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

const lines = markdown.split('\n')
const rows = lines
  .filter((line) => /^\| \d+\.\d+\.\d+ /.test(line))
  .map((line): Row => {
    const [id = '', level = '', verdict = '', shown = '', setting = ''] = cellsOf(line)
    return { id, level: Number(level), verdict, shown, setting }
  })

/** The number of requirements of each section of ASVS 5.0. */
const official = {
  1: [2, 10, 12, 3, 3],
  2: [3, 3, 5, 2],
  3: [1, 3, 5, 8, 8, 1, 5],
  4: [5, 5, 2, 4],
  5: [1, 6, 3, 3],
  6: [3, 12, 8, 6, 8, 4, 2, 4],
  7: [3, 4, 2, 5, 3, 2],
  8: [4, 4, 3, 2],
  9: [3, 4],
  10: [2, 3, 5, 16, 5, 2, 3],
  11: [4, 5, 5, 4, 2, 2, 2],
  12: [5, 2, 5],
  13: [4, 6, 4, 7],
  14: [2, 8, 3],
  15: [5, 5, 7, 4],
  16: [1, 5, 4, 3, 4],
  17: [2, 8, 2],
}
const all = Object.entries(official).flatMap(([chapter, sections]) =>
  sections.flatMap((count, i) => Array.from({ length: count }, (_, n) => `${chapter}.${i + 1}.${n + 1}`)),
)

test('each requirement of the standard is judged once, or named among those that do not apply', () => {
  const excluded = markdown.slice(markdown.indexOf('## What does not apply'))
  const named = [...excluded.matchAll(/(?:V(\d+)|\b(\d+\.\d+(?:\.\d+)?))(?=[,:])/g)].map(
    (match) => match[1] ?? match[2]!,
  )
  const judged = rows.map(({ id }) => id)
  expect(new Set(judged).size).toBe(judged.length)
  const covered = (id: string) => named.some((each) => id === each || id.startsWith(`${each}.`))
  for (const id of all) expect([id, judged.includes(id) !== covered(id)]).toEqual([id, true])
  for (const id of judged) expect(all).toContain(id)
})

test('each row has a level, a verdict and a reason; a setting is a variable', () => {
  const variables = [...coreEntries, ...features.flatMap(({ env }) => env ?? [])].map(({ name }) => name)
  for (const { id, level, verdict, shown, setting } of rows) {
    expect([id, [1, 2, 3].includes(level), verdicts.includes(verdict)]).toEqual([id, true, true])
    expect([id, shown.length > 5]).toEqual([id, true])
    expect([id, setting !== '']).toEqual([id, verdict === 'by setting'])
    if (verdict === 'met') expect([id, /`[\w./-]+`|\]\(/.test(shown)]).toEqual([id, true])
    const variable = /^`([A-Z_]+?)(?:_FILE)?(?:=.*)?`$/.exec(setting)?.[1]
    if (setting !== '') expect([id, variables]).toEqual([id, expect.arrayContaining([variable])])
  }
})

test('each file that is named exists', () => {
  const paths = [
    ...markdown.matchAll(/`((?:src|tests|views|docs|scripts)\/[^` ]+|Dockerfile|[\w.]+\.(?:json|lock))`/g),
  ]
  expect(paths.length).toBeGreaterThan(150)
  for (const [, path] of paths) expect([path, existsSync(join(root, path!))]).toEqual([path, true])
})

test('the summary counts the rows', () => {
  const count = (verdict: string | undefined, ...levels: number[]) =>
    rows.filter((row) => (verdict === undefined || row.verdict === verdict) && levels.includes(row.level))
      .length
  for (const verdict of [...verdicts, undefined]) {
    const line = lines.find((each) => cellsOf(each)[0] === (verdict ?? 'all') && cellsOf(each).length === 4)
    expect([
      verdict,
      cellsOf(line ?? '')
        .slice(1)
        .map(Number),
    ]).toEqual([verdict, [count(verdict, 1, 2), count(verdict, 3), count(verdict, 1, 2, 3)]])
  }
})
