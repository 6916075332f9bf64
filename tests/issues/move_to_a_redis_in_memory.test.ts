/** `latchkey migrate` to a Redis that keeps nothing on disk says so before all data is there alone. Issue 10 */
import { expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'
import { startRedis } from '../support/redis.ts'

const settings = { SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx' }

test.each([
  ['nothing on disk', [], true],
  ['an append-only file', ['--appendonly', 'yes'], false],
])('a Redis with %s', async (_, args, isWarned) => {
  const redis = await startRedis({ args })
  const cli = commandLine({ ...settings, STORE_URL: 'sqlite:./from.db' })
  try {
    await cli.latchkey(['user', 'add', 'carol', '--password-stdin'], 'a passphrase of four words\n')
    const moved = await cli.latchkey([
      'migrate',
      '--from',
      `sqlite:${cli.folder}/from.db`,
      '--to',
      redis.url,
      '--json',
    ])
    expect([moved.code, moved.stderr.includes('warning: --to: appendonly is off')], moved.stderr).toEqual([
      0,
      isWarned,
    ])
    expect(moved.stderr).not.toContain('which may run every command') // every start is quiet about that, and so is a move
    expect(JSON.parse(moved.stdout)).toMatchObject({ to: expect.stringContaining('redis') })
  } finally {
    cli.remove()
    await redis.stop()
  }
})
