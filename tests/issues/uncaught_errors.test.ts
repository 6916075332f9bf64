/** A rejection or an exception that no code caught ended the process at once, with text that is no log line. Issue 8, 70; ASVS 16.5.4 */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { fromSource } from '../support/latchkey_command.ts'

/** Loaded before the server: signals make it fail as a fault of any library would. */
const faults = `
process.on('SIGUSR1', () => void Promise.reject(new Error('a rejected\\npromise')))
process.on('SIGUSR2', () => setTimeout(() => { throw new TypeError('thrown in a timer') }, 0))
process.on('SIGWINCH', () => void Promise.reject('no error object'))
`

async function withFaults(work: (served: Awaited<ReturnType<typeof spawnProvider>>) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-faults-'))
  const preload = join(folder, 'faults.ts')
  writeFileSync(preload, faults)
  const served = await spawnProvider(
    { LOG_FORMAT: 'json', SIGNING_ALGS: 'ES256', ACCESS_TOKEN_ALG: 'ES256' },
    [...fromSource('--preload', preload), 'serve'],
  )
  try {
    await work(served)
  } finally {
    await served.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const linesOf = (output: string, event: string) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line.event === event)
const healthy = async (issuer: string) => (await fetch(`${issuer}/health`)).status

test(
  'rejections are one line each, and the server goes on',
  () =>
    withFaults(async ({ issuer, signal, output }) => {
      signal('SIGUSR1')
      await until(() => linesOf(output(), 'unhandled_rejection').length === 1, 'the first line')
      signal('SIGWINCH')
      await until(() => linesOf(output(), 'unhandled_rejection').length === 2, 'the second line')
      expect(linesOf(output(), 'unhandled_rejection')).toMatchObject([
        {
          level: 'error',
          problem: 'a rejected\npromise',
          stack: expect.stringContaining('faults.ts') as string,
        },
        { level: 'error', problem: 'no error object' },
      ])
      const about = output()
        .split('\n')
        .filter((line) => /a rejected|no error object/.test(line))
      expect(about).toHaveLength(2)
      expect(await healthy(issuer)).toBe(200)
    }),
  60_000,
)

test(
  'an exception is one line, and the server ends as after SIGTERM, with an exit code that restarts it',
  () =>
    withFaults(async ({ signal, output, exited }) => {
      signal('SIGUSR2')
      expect(await exited).toBe(1)
      expect(linesOf(output(), 'uncaught_exception')).toMatchObject([
        {
          level: 'error',
          problem: 'thrown in a timer',
          stack: expect.stringContaining('faults.ts') as string,
        },
      ])
      expect(linesOf(output(), 'stopping')).toMatchObject([{ signal: 'uncaughtException' }])
      expect(
        output()
          .split('\n')
          .filter((line) => line.includes('thrown in a timer')),
      ).toHaveLength(1)
    }),
  60_000,
)
