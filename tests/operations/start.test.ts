/** Starting where something is in the way: the message says what to do. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

async function failToStart(env: Record<string, string>): Promise<{ code: number; words: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-start-'))
  const child = Bun.spawn([...latchkeyCommand, 'serve'], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const killer = setTimeout(() => child.kill('SIGKILL'), 50_000)
  const [code, words] = await Promise.all([child.exited, new Response(child.stderr).text()])
  clearTimeout(killer)
  rmSync(cwd, { recursive: true, force: true })
  return { code, words }
}

test('a second server on one port is refused, and told which port to try', async () => {
  const first = await spawnProvider()
  try {
    const { port } = new URL(first.issuer)
    const { code, words } = await failToStart({ PORT: port })
    expect(code).toBe(2)
    expect(words).toContain(`port ${port} of localhost is in use`)
    expect(words).toContain(`PORT=${Number(port) + 1}`)
    expect((await fetch(`${first.issuer}/health`)).status).toBe(200)
  } finally {
    await first.stop()
  }
}, 60_000)

test('a Redis that is not there is named by its variable', async () => {
  const { code, words } = await failToStart({
    PORT: `${freePort()}`,
    REDIS_URL: `redis://127.0.0.1:${freePort()}`,
  })
  expect(code).toBe(1)
  expect(words).toContain('REDIS_URL')
}, 60_000)
