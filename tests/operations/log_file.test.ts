/** LOG_FILE, its rotation and its faults; LOG_LEVELS. Issue 10, section 3. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linesFileProblem, openLogFile } from '../../src/cli/log_file.ts'
import { endsWithinLine, type Rotation } from '../../src/lib/rotating_file.ts'
import { createLog } from '../../src/lib/log.ts'
import { clientCredentials, good } from '../support/journey.ts'
import { spawnProvider, turnableClock } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

setDefaultTimeout(240_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let made = 0
function opened(rotation: Partial<Rotation> = {}, path?: string) {
  const own = join(folder, `${made++}`)
  mkdirSync(own)
  const file = path ?? join(own, 'log')
  const clock = turnableClock()
  const elsewhere: string[] = []
  const other = { write: (line: string) => void elsewhere.push(line) }
  const log = openLogFile(
    file,
    { size: 100, age: 0, keep: 2, ...rotation },
    clock,
    other,
    (problem) => `told ${problem}`,
  )
  let done = 0
  return {
    file,
    clock,
    elsewhere,
    log,
    write: (...lines: string[]) => lines.forEach((line) => log.write(`${line}\n`, () => done++)),
    done: () => done,
    files: () =>
      Object.fromEntries(
        readdirSync(own)
          .toSorted()
          .map((name) => [name, readFileSync(join(own, name), 'utf8')]),
      ),
  }
}

describe('the file', () => {
  test('rotates by size, keeps so many, and loses no line before that', () => {
    const { write, files, done } = opened()
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(60))
    write(a!)
    expect(files()).toEqual({ log: `${a}\n` })
    write(b!, c!)
    expect(files()).toEqual({ log: `${c}\n`, 'log.1': `${b}\n`, 'log.2': `${a}\n` })
    write(d!)
    expect(files()).toEqual({ log: `${d}\n`, 'log.1': `${c}\n`, 'log.2': `${b}\n` })
    expect(done()).toBe(4)
  })

  test('counts what was in it before, and a line longer than the size is written', () => {
    const { write, files, file } = opened()
    writeFileSync(file, `${'x'.repeat(90)}\n`)
    write('y'.repeat(300), 'z')
    expect(Object.values(files()).map(({ length }) => length)).toEqual([2, 301, 91])
  })

  test('rotates by age at the next line', () => {
    const { write, files, clock } = opened({ size: 10_000, age: 3600 })
    write('one')
    clock.advance(3_599_000)
    write('two')
    expect(files()).toEqual({ log: 'one\ntwo\n' })
    clock.advance(1_000)
    write('three', 'four')
    expect(files()).toEqual({ log: 'three\nfour\n', 'log.1': 'one\ntwo\n' })
  })

  test('goes on under its name after another program has renamed it', () => {
    const { write, files, file, log } = opened()
    write('before')
    renameSync(file, `${file}-2026`)
    write('between')
    log.reopen()
    write('after')
    expect(files()).toEqual({ log: 'after\n', 'log-2026': 'before\nbetween\n' })
  })

  test('a full disk: lines go elsewhere, which is said once, and the file is tried again', () => {
    const { write, clock, elsewhere, done, log } = opened({}, '/dev/full')
    write('one', 'two')
    expect(elsewhere).toEqual([expect.stringMatching(/^told ENOSPC/), 'one\n', 'two\n'])
    expect(done()).toBe(0)
    clock.advance(5_000)
    write('three')
    expect(elsewhere.slice(3)).toEqual(['three\n'])
    expect(() => log.reopen()).not.toThrow()
  })

  test('a folder that is gone, and back', () => {
    const { write, clock, elsewhere, file, files, log } = opened()
    rmSync(join(file, '..'), { recursive: true })
    write('one')
    expect(elsewhere).toHaveLength(2)
    mkdirSync(join(file, '..'))
    write('two')
    expect(elsewhere).toHaveLength(3)
    clock.advance(5_000)
    write('three')
    expect(files()).toEqual({ log: 'three\n' })
    log.reopen()
  })

  test('a path that cannot be one is refused at the start, with what to do', () => {
    expect(linesFileProblem(folder)).toContain('expected a file, got the folder')
    expect(linesFileProblem(join(folder, 'no/such/log'))).toContain('make it')
    expect(linesFileProblem(join(folder, 'new'))).toBeUndefined()
    expect(linesFileProblem(undefined)).toBeUndefined()
    expect(linesFileProblem('/dev/null')).toContain('expected a file, got the device or pipe')
  })

  test('a pipe that another account puts there stops nothing, and gets no line', () => {
    const { write, clock, elsewhere, file, log } = opened()
    write('one')
    rmSync(file)
    expect(Bun.spawnSync(['mkfifo', file]).exitCode).toBe(0)
    log.reopen()
    write('two')
    expect(elsewhere).toEqual([expect.stringMatching(/^told /), 'two\n'])
    const reader = openSync(file, 'r+')
    clock.advance(5_000)
    write('three')
    closeSync(reader)
    expect(elsewhere.at(-1)).toBe('three\n')
    expect(endsWithinLine(file)).toBe(false)
  })
})

test('levels of some events: the longest name that fits counts, and they change while it runs', () => {
  const lines: string[] = []
  const log = createLog('info', 'text', (line) => lines.push(line.split(' ')[2]!), {
    mail: 'error',
    mail_delivered: 'debug',
    refused: 'debug',
  })
  const say = () => {
    lines.length = 0
    log.debug('refused')
    log.debug('mail_delivered')
    log.warn('mail_postponed')
    log.info('mailbox_full')
    log.debug('other')
    return [...lines]
  }
  expect(say()).toEqual(['refused', 'mail_delivered', 'mailbox_full'])
  log.setLevel('info', { mailbox: 'silent' })
  expect(say()).toEqual(['mail_postponed'])
  log.setLevel('error')
  expect(say()).toEqual([])
})

test('a provider writes its log there, opens it again at SIGHUP, and changes levels', async () => {
  const own = join(folder, 'served')
  mkdirSync(own)
  const [file, env] = [join(own, 'log'), join(own, '.env')]
  const settings = (levels: string) =>
    writeFileSync(env, `LOG_FILE=${file}\nLOG_FORMAT=json\nLOG_LEVELS=${levels}\n`)
  settings('tokens_issued=silent')
  const op = await spawnProvider({}, ['sh', '-c', 'cd "$0" && exec "$@"', own, ...latchkeyCommand, 'serve'])
  try {
    const text = (path = file) => readFileSync(path, 'utf8')
    const issue = () => good(clientCredentials({ issuer: op.issuer, fetch }))
    await issue()
    expect(text()).toContain('"event":"started"')
    expect(text()).not.toContain('tokens_issued')
    expect(op.output()).not.toContain('"event"')
    renameSync(file, `${file}.old`)
    settings('refused=silent')
    op.signal('SIGHUP')
    await until(
      () => readdirSync(own).includes('log') && text().includes('"event":"reloaded"'),
      'the file again',
    )
    expect(text()).toContain('LOG_LEVELS')
    await issue()
    await fetch(`${op.issuer}/nothing`)
    expect(text()).toContain('tokens_issued')
    expect(text()).not.toContain('"event":"refused"')
  } finally {
    await op.stop()
  }
})
