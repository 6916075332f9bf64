/** The provider goes on when the program that reads its output ends, as in `serve | head`. Issue 9, 62. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineWriter, mostWaiting } from '../../src/cli/log_writer.ts'
import { freePort } from '../support/free_port.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand, latchkeyWords } from '../support/latchkey_command.ts'

test('serve 2>&1 | head', async () => {
  const port = freePort()
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-reader-'))
  const server = `echo $$; exec ${latchkeyWords} serve`
  const child = Bun.spawn(['sh', '-c', 'sh -c "$0" 2>&1 | head -2', server], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, PORT: `${port}`, LOG_LEVEL: 'debug' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let said = ''
  const reading = (async () => {
    for await (const chunk of child.stdout) said += new TextDecoder().decode(chunk)
  })()
  try {
    await until(() => said.split('\n').length > 2, 'two lines of the start')
    const pid = Number(said.split('\n')[0])
    // Each request is a line of the log at this level.
    const statuses: number[] = []
    for (let n = 0; n < 20; n++)
      statuses.push((await fetch(`http://localhost:${port}/token`, { method: 'POST' })).status)
    expect(new Set(statuses)).toEqual(new Set([400]))
    expect((await fetch(`http://localhost:${port}/health`)).status).toBe(200)
    process.kill(pid, 'SIGTERM')
    await child.exited
    await reading
  } finally {
    const pid = Number(said.split('\n')[0])
    if (pid > 0 && child.exitCode === null) process.kill(pid, 'SIGKILL')
    rmSync(cwd, { recursive: true, force: true })
  }
}, 60_000)

test('a reader that stops reading costs bounded memory, and the log says what it lacks', () => {
  const taken: string[] = []
  const waiting: (() => void)[] = []
  const stream = { write: (line: string, done: () => void) => (taken.push(line), waiting.push(done)) }
  const write = lineWriter(stream, (lines) => `dropped ${lines}`)
  const line = 'x'.repeat(1_048_576)
  const fit = mostWaiting / line.length
  for (let n = 0; n < fit + 3; n++) write(line)
  expect(taken).toHaveLength(fit)
  for (const done of waiting.splice(0)) done()
  write('next')
  expect(taken.slice(fit)).toEqual(['dropped 3\n', 'next\n'])
  write('after')
  expect(taken.at(-1)).toBe('after\n')
})

test('while nothing reads the pipe of the log, requests are answered and the process ends as asked', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-stalled-'))
  const port = freePort()
  const child = Bun.spawn([...latchkeyCommand, 'serve'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, PORT: `${port}`, LOG_LEVEL: 'debug' },
    stdout: 'ignore',
    stderr: 'pipe', // and not read: a pipe of the system holds 64 kB
  })
  const ask = () =>
    fetch(`http://localhost:${port}/${'a'.repeat(2000)}`).then(
      ({ status }) => status,
      () => 0,
    )
  try {
    await until(async () => (await ask()) === 404, 'the start')
    const statuses = new Set<number>()
    for (let n = 0; n < 300; n++) statuses.add(await ask())
    expect([...statuses]).toEqual([404])
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  } finally {
    child.kill('SIGKILL')
    rmSync(cwd, { recursive: true, force: true })
  }
}, 60_000)
