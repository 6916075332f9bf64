/** Whose turn a backup is: one of several processes, and another one when it was killed. */
import { expect, test } from 'bun:test'
import { type Due, whenDue } from '../../../src/cli/backup/schedule.ts'
import { loadConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/lib/log.ts'
import { LastBackup } from '../../../src/models/last_backup.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { turnableClock } from '../../support/provider.ts'

const hour = 3600
function scene() {
  const clock = turnableClock()
  const log = { ...createLog('silent', 'json', () => {}), setLevel() {} }
  const opened = { config: loadConfig({}), clock, log, plain: memoryStore(clock) }
  const made = () => ({ made_at: Math.floor(clock.now() / 1000), contents: 'everything' as const })
  const finish = () => LastBackup.put({ clock, log, store: opened.plain }, made())
  const due: Due = whenDue({ seconds: 24 * hour, contents: 'everything' })
  return { clock, opened, finish, due }
}

test('it is made when it is due, and not before', async () => {
  const { clock, opened, finish, due } = scene()
  const run = async () => (await finish(), 'made')
  expect(await due(opened, run)).toBe('made')
  expect(await due(opened, run)).toBeUndefined()
  clock.advance((24 * hour - 1) * 1000)
  expect(await due(opened, run)).toBeUndefined()
  clock.advance(2000)
  expect(await due(opened, run)).toBe('made')
})

test('while one makes it no other does; one that fails gives its turn back', async () => {
  const { opened, finish, due } = scene()
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = due(opened, async () => (await promise, await finish(), 'first'))
  await Promise.all(
    [1, 2, 3].map(async () => expect(await due(opened, async () => 'second')).toBeUndefined()),
  )
  resolve()
  expect(await first).toBe('first')

  const other = scene()
  const failing = other.due(other.opened, () => Promise.reject(new Error('S3 is down')))
  await expect(failing).rejects.toThrow('S3 is down')
  expect(await other.due(other.opened, async () => 'again')).toBe('again')
})

test('one that is killed holds its turn for minutes, and then another one makes it', async () => {
  const { clock, opened, due } = scene()
  await opened.plain.create('backup_turn', 'of a process that was killed', 120_000)
  expect(await due(opened, async () => 'made')).toBeUndefined()
  clock.advance(121_000)
  expect(await due(opened, async () => 'made')).toBe('made')
})
