/** A relative `sqlite:` path names another database in another folder: the server says the whole path, and a command that finds none warns. Issue 10. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-relative-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the line of a start has the whole path', async () => {
  const op = await spawnProvider({ STORE_URL: 'sqlite:./own.db', LOG_FORMAT: 'json' })
  try {
    const started = op
      .output()
      .split('\n')
      .filter((line) => line.includes('"event":"started"'))
      .map((line) => JSON.parse(line) as { database: string })
    expect(started[0]!.database).toMatch(/^\/.*\/own\.db$/)
  } finally {
    await op.stop()
  }
}, 60_000)

test('a command that makes a database at a relative path says which, once; one with a whole path says nothing', async () => {
  const relative = commandLine({ STORE_URL: 'sqlite:own.db' }, { asWritten: true })
  const first = await relative.latchkey(['user', 'list'])
  expect(first.code).toBe(0)
  expect(first.stderr).toContain('database_made')
  expect(first.stderr).toContain(join(realpathSync(relative.folder), 'own.db'))
  expect(first.stderr).toContain('name the whole path')
  expect((await relative.latchkey(['user', 'list'])).stderr).not.toContain('database_made')
  relative.remove()

  const whole = commandLine({ STORE_URL: `sqlite:${join(folder, 'whole.db')}` })
  expect((await whole.latchkey(['user', 'list'])).stderr).not.toContain('database_made')
  whole.remove()
}, 60_000)
