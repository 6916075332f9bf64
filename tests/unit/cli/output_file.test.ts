/** Files that commands write for the operator: what another account has prepared there gets nothing. */
import { afterAll, expect, test } from 'bun:test'
import {
  chmodSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeLines } from '../../../src/cli/output_file.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-output-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

async function* lines() {
  yield 'one'
  yield 'two'
}
const modeOf = (path: string) => statSync(path).mode & 0o777

test('a new file, and one that everyone could read and that had another name', async () => {
  expect(await writeLines(at('new'), lines())).toBe(2)
  expect([readFileSync(at('new'), 'utf8'), modeOf(at('new'))]).toEqual(['one\ntwo\n', 0o600])
  writeFileSync(at('open'), 'theirs')
  chmodSync(at('open'), 0o666)
  linkSync(at('open'), at('second name'))
  await writeLines(at('open'), lines())
  expect([readFileSync(at('open'), 'utf8'), modeOf(at('open'))]).toEqual(['one\ntwo\n', 0o600])
  expect(readFileSync(at('second name'), 'utf8')).toBe('theirs')
})

test('a symbolic link is refused, also one that leads nowhere yet', async () => {
  writeFileSync(at('target'), 'precious')
  for (const target of ['target', 'nothing']) {
    symlinkSync(at(target), at(`link to ${target}`))
    await expect(writeLines(at(`link to ${target}`), lines())).rejects.toThrow('got the symbolic link')
  }
  expect(readFileSync(at('target'), 'utf8')).toBe('precious')
})

test('a fault in between leaves nothing behind, and what was there stays', async () => {
  writeFileSync(at('kept'), 'before')
  async function* broken() {
    yield 'one'
    throw new Error('the store went away')
  }
  await expect(writeLines(at('kept'), broken())).rejects.toThrow('went away')
  expect(readFileSync(at('kept'), 'utf8')).toBe('before')
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('a terminal or pipe is written to', async () => {
  expect(await writeLines('/dev/null', lines())).toBe(2)
  expect(statSync('/dev/null').isFile()).toBe(false)
})
