/** STORE_URL=sqlite::memory: left an empty file `:memory:` in the working directory. */
import { expect, test } from 'bun:test'
import { existsSync, rmSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'

test('a SQLite store in memory makes no file', async () => {
  rmSync(':memory:', { force: true })
  const store = sqliteStore(':memory:', systemClock)
  await store.put('key', 'value')
  expect(await store.get('key')).toBe('value')
  expect(existsSync(':memory:')).toBe(false)
  await store.close()
})
