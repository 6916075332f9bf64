/** What documents point at is there: files, headings, paths in the text, decisions by number. */
import { expect, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { methodsOf } from '../../src/lib/http_method.ts'
import { buildTable } from '../../src/table.ts'
import {
  anchorsOf,
  blocksOf,
  document,
  isShell,
  reasonNotToRun,
  root,
  withoutBlocks,
} from '../support/document.ts'

const decisions = readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`)
const documents = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  ...['docs', 'docs/clients', 'docs/course'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
  ...decisions,
]

test.each(documents)('%s: links lead somewhere', (path) => {
  const markdown = withoutBlocks(document(path))
  for (const [, target = ''] of markdown.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue
    const [file, anchor] = target.split('#')
    const found = file === '' ? path : normalize(join(dirname(path), file!))
    expect(existsSync(join(root, found)), `${path}: ${target}`).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(document(found)), `${path}: ${target}`).toContain(anchor)
  }
})

/** A path in backquotes that begins with one of our folders. Folders to make, and patterns, are not paths. */
const mentioned = /`((?:src|tests|scripts|docs|views|examples|postman|bench|keys)\/[A-Za-z0-9_./-]*)`/g
/** Made on the first start, or in an example of what one would add. */
const notInTheTree = /^keys\/(private|public)\.pem$|^src\/[a-z]+\/(example|hello)[a-z_]*(\.ts|\/.*)?$/

test.each(documents)('%s: paths in the text are there', (path) => {
  for (const [, mention = ''] of document(path).matchAll(mentioned))
    if (!notInTheTree.test(mention)) expect(existsSync(join(root, mention)), `${path}: ${mention}`).toBe(true)
})

test.each(documents)('%s: a block that is not run says why, and a test it names is there', (path) => {
  for (const block of blocksOf(document(path)).filter(isShell)) {
    if (!block.note.startsWith('not-run')) continue
    expect(reasonNotToRun(block), `${path}: line ${block.line}`).toBeString()
    for (const [named] of block.note.matchAll(/\btests\/[\w/.-]*\w/g))
      expect(existsSync(join(root, named)), `${path}: ${named}`).toBe(true)
  }
})

test('the table of endpoints in the walkthrough is the table of the core', () => {
  const markdown = document('docs/walkthrough.md')
  const from = markdown.indexOf('. Endpoints\n')
  const section = markdown.slice(from, markdown.indexOf('\n## ', from))
  const written = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, paths = '', methods = ''] = line.split('|')
      return [...paths.matchAll(/`([^`]+)`/g)].map(([, path]) => `${path} ${methods.trim()}`)
    })
  const served = buildTable([]).endpoints.flatMap((endpoint) =>
    [endpoint.path, ...(endpoint.aliases ?? [])].map((each) => `${each} ${methodsOf(endpoint).join(', ')}`),
  )
  expect(
    written.sort(),
    'the table below "Endpoints" in docs/walkthrough.md has a row for each path',
  ).toEqual(served.sort())
})

test('decisions have numbers of their own and say context, decision, alternatives and consequence', () => {
  const numbers = decisions.map((name) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]))
  // A number is given when the work begins, so the last ones may have gaps.
  expect(numbers.filter((each) => !(each > 0))).toEqual([])
  expect(new Set(numbers).size).toBe(numbers.length)
  for (const name of decisions)
    for (const part of ['Context', 'Decision', 'Alternatives', 'Consequence'])
      expect(document(name), name).toContain(`\n**${part}.**`)
})
