/** `bun run test` itself: a failure of any kind in a test file is not counted as passed. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseFiles, longest, processes } from '../../../scripts/test_files.ts'
import { progress } from '../../../scripts/test_progress.ts'
import { runFiles } from '../../../scripts/test_run.ts'

let root = ''
const start = "import { expect, test } from 'bun:test'\n"
const files = {
  'good.test.ts': `${start}console.log('a mail'); test('a', () => {}); test('b', () => {})`,
  'bad.test.ts': `${start}console.log('a mail'); test('a', () => {}); test('broken', () => expect(1).toBe(2))`,
  'skips.test.ts': `${start}test('a', () => {}); test.skip('b', () => {})`,
  'crashes.test.ts': `${start}test('a', () => process.exit(3))`,
  'unloadable.test.ts': "import './absent.ts'",
  'empty.test.ts': '',
  'late.test.ts': `${start}test('a', () => void setTimeout(() => { throw new Error('late') }, 1)); test('b', () => Bun.sleep(50))`,
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-suite-'))
  mkdirSync(join(root, 'tests'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'tests', name), text)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const run = (...names: (keyof typeof files)[]) =>
  runFiles(
    names.map((name) => `tests/${name}`),
    { root, folder: root },
  )

describe('a result', () => {
  test('of passed tests has no text, whatever they printed', async () => {
    expect(await run('good.test.ts')).toEqual({
      files: ['tests/good.test.ts'],
      passed: 2,
      failed: 0,
      problems: '',
    })
  })

  test('of a failed test shows the failure without what the file printed', async () => {
    const { passed, failed, problems } = await run('bad.test.ts')
    expect([passed, failed]).toEqual([1, 1])
    expect(problems).toContain('(fail) broken')
    expect(problems).toContain('Expected: 2')
    expect(problems).toContain('bun test tests/bad.test.ts')
    expect(problems).not.toContain('a mail')
    expect(problems).not.toContain('1 pass')
  })

  test.each([
    ['skips.test.ts', 1, 'skipped'],
    ['crashes.test.ts', 0, 'ended with 3 and no report'],
    ['unloadable.test.ts', 0, 'absent.ts'],
    ['empty.test.ts', 0, 'no report'],
    ['late.test.ts', undefined, 'late'],
  ] as const)('of %s is a failure', async (name, passes, words) => {
    const { passed, failed, problems } = await run(name)
    if (passes !== undefined) expect(passed).toBe(passes)
    expect(failed).toBeGreaterThan(0)
    expect(problems).toContain(words)
  })

  test('of several files in one process names the one that is missing in the report', async () => {
    const { passed, failed, problems } = await run('good.test.ts', 'empty.test.ts')
    expect([passed, failed]).toEqual([2, 1])
    expect(problems).toContain('tests/empty.test.ts: could not be loaded')
  })
})

describe('the choice of files', () => {
  const top = join(import.meta.dir, '../../..')

  test('without arguments has all of them, and a part of a path chooses', () => {
    const all = chooseFiles(top, { quick: false, patterns: [] })
    expect(all.length).toBeGreaterThan(150)
    expect(chooseFiles(top, { quick: false, patterns: ['./tests/golden'] })).toEqual([
      'tests/golden/golden.test.ts',
    ])
    expect(chooseFiles(top, { quick: false, patterns: ['no such file'] })).toEqual([])
  })

  test('begins with the longest files, and each of them exists', () => {
    const all = chooseFiles(top, { quick: false, patterns: [] })
    expect(all.slice(0, longest.length)).toEqual([...longest])
  })

  test('quick: rules, golden files and flows, but no process, server or waiting', () => {
    const quick = chooseFiles(top, { quick: true, patterns: [] })
    for (const file of [
      'tests/architecture.test.ts',
      'tests/golden/golden.test.ts',
      'tests/flows/userinfo.test.ts',
    ])
      expect(quick).toContain(file)
    expect(quick.filter((file) => /\/(?:browser|operations|clients|store|documents)\//.test(file))).toEqual(
      [],
    )
    expect(quick).not.toContain('tests/flows/mail.test.ts')
  })

  test('each file runs once, alone unless it is quick', () => {
    const names = Array.from({ length: 20 }, (_, i) => `${i}`)
    expect(processes(names, false)).toEqual(names.map((name) => [name]))
    expect(processes(names, true).flat()).toEqual(names)
  })
})

test('progress: failures at once, a line at each tenth part, one line written over at a terminal', () => {
  const outcome = { files: ['a'], passed: 2, failed: 0, problems: '' }
  const shown = (terminal: boolean) => {
    let text = ''
    const seen = progress(40, terminal, (more) => void (text += more))
    for (let i = 0; i < 5; i++) seen.finished(outcome)
    seen.finished({ ...outcome, failed: 1, problems: '(fail) broken' })
    return { text, total: seen.total() }
  }
  const log = shown(false)
  expect(log.total).toEqual({ passed: 12, failed: 1 })
  expect(log.text).toBe(
    '4 of 40 files, 8 passed, 0 failed\n\n(fail) broken\n6 of 40 files, 12 passed, 1 failed\n',
  )
  expect(shown(true).text).toStartWith('\r\x1b[K1 of 40 files, 2 passed, 0 failed\r\x1b[K2 of 40')
})

test('tests start the command by `latchkeyCommand`, so that a run can give them a binary', () => {
  const top = join(import.meta.dir, '../../..')
  const starts = [...new Bun.Glob('tests/**/*.ts').scanSync({ cwd: top })].filter((file) =>
    /\.\/src\/main\.ts|\(root, 'src\/main\.ts'/.test(readFileSync(join(top, file), 'utf8')),
  )
  expect(starts).toEqual(['tests/support/latchkey_command.ts'])
})
