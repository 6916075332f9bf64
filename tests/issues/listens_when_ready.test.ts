/** An instance listens when it is ready, so that a load balancer sends it no request before. Issue 9, 59. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free_port.ts'
import { startRedis } from '../support/redis.ts'
import { slowLine } from '../support/slow_line.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

test('while the store does not answer yet, connections are refused; the first answer is a real one', async () => {
  const redis = await startRedis()
  const line = slowLine(redis.port)
  line.hold()
  const port = freePort()
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-ready-'))
  const child = Bun.spawn([...latchkeyCommand, 'serve'], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      PORT: `${port}`,
      REDIS_URL: `redis://127.0.0.1:${line.port}`,
      STORE_TIMEOUT_MS: '30000',
    },
    stdout: 'ignore',
    stderr: 'inherit',
  })
  const answer = () =>
    fetch(`http://localhost:${port}/.well-known/openid-configuration`).then(
      ({ status }) => status,
      () => 'refused' as const,
    )
  try {
    await until(() => line.sent() > 0, 'the instance to ask its store')
    expect(await answer()).toBe('refused')
    line.release()
    const answers: (number | 'refused')[] = []
    await until(async () => answers[answers.push(await answer()) - 1] !== 'refused', 'the first answer')
    expect(answers.at(-1)).toBe(200)
  } finally {
    child.kill('SIGKILL')
    await child.exited
    line.stop()
    await redis.stop()
    rmSync(cwd, { recursive: true, force: true })
  }
}, 60_000)
