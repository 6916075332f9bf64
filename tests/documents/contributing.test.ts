/** CONTRIBUTING.md and CHANGELOG.md are true: the tables name what is there. */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json'
import { document } from '../support/document.ts'

const contributing = document('CONTRIBUTING.md')
/** First cells, without their marks, of the table below a heading. */
const firstCells = (heading: string): string[] => {
  const from = contributing.indexOf(`\n## ${heading}\n`)
  const section = contributing.slice(from, contributing.indexOf('\n## ', from + 1))
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell)
}

test('each run-time dependency has its reason', () => {
  expect(firstCells('Run-time dependencies').sort()).toEqual(Object.keys(manifest.dependencies).sort())
})

test('each test and file that it names exists', () => {
  const named = [...contributing.matchAll(/`((?:tests|src|scripts|languages)\/[\w/]+\.(?:ts|json))`/g)]
  expect(named.length).toBeGreaterThan(10)
  for (const [, path = ''] of named) expect(existsSync(join(import.meta.dir, '../..', path)), path).toBe(true)
})

test('the changelog has a part for what is not released, and one for a version below', () => {
  const parts = [...document('CHANGELOG.md').matchAll(/^## (.+)$/gm)].map(([, part = '']) => part)
  expect(parts[0]).toBe('Unreleased')
  for (const part of parts.slice(1)) expect(part).toMatch(/^\d+\.\d+\.\d+(?: \(\d{4}-\d\d-\d\d\))?$/)
  expect(parts.length).toBeGreaterThan(1)
})

test('what is not released stands once, under the sections of Keep a Changelog in their order', () => {
  const [, unreleased = ''] = document('CHANGELOG.md').split(/^## .+$/m)
  const known = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
  const sections = [...unreleased.matchAll(/^### (.+)$/gm)].map(([, name = '']) => name)
  expect(sections.length).toBeGreaterThan(1)
  expect(sections).toEqual(known.filter((name) => sections.includes(name)))
  // Two versions of one line have the same beginning: a merge has kept both.
  const beginnings = [...unreleased.matchAll(/^- (.{50}).*$/gm)].map(([, beginning = '']) => beginning)
  expect(beginnings.filter((each, at) => beginnings.indexOf(each) !== at)).toEqual([])
})
