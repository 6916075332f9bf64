/**
 * Issue 8, A.22: a binary whose settings were missing started as development, with accounts whose passwords are public;
 * `.env` that could not be read was taken for absent, and `$` in its values was replaced. `config check` said ok.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDotenv } from '../../src/config/dotenv.ts'
import { freePort } from '../support/free_port.ts'
import { fromSource, latchkeyBinary } from '../support/latchkey_command.ts'

const source = fromSource()
let folder: string
let binary: string[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-accident-'))
  binary = [await latchkeyBinary(folder)]
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs in a folder of its own, which `prepare` fills. A server that starts is stopped after a few seconds, code 143. */
async function run(
  command: string[],
  env: Record<string, string> = {},
  prepare: (cwd: string) => void = () => {},
): Promise<Ran> {
  const cwd = mkdtempSync(join(folder, 'work-'))
  prepare(cwd)
  const child = Bun.spawn(command, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, PORT: `${freePort()}`, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 20_000,
  })
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code: await child.exited, stdout, stderr }
}

const dotenv = (text: string | Uint8Array) => (cwd: string) => writeFileSync(join(cwd, '.env'), text)

/** What `config check` shows for the names, and where each comes from. */
async function settings(command: string[], env: Record<string, string>, text: string): Promise<Ran> {
  return await run([...command, 'config', 'check'], env, dotenv(text))
}

for (const args of [[], ['serve'], ['config', 'check'], ['user', 'list'], ['keys', 'generate'], ['jwks']])
  for (const [what, env] of [
    ['no NODE_ENV', {}],
    ['an empty NODE_ENV', { NODE_ENV: '' }],
    ['all of production but NODE_ENV', { ISSUER_URL: 'https://id.example.com', SECRET_KEY: 'x'.repeat(40) }],
  ] as const)
    test(`the binary refuses ${args.join(' ') || 'to start'} with ${what}, and says how to go on`, async () => {
      const { code, stdout, stderr } = await run([...binary, ...args], env)
      expect(code).toBe(2)
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^NODE_ENV: .*production.*NODE_ENV=development latchkey serve/m)
      expect(stderr.match(/^[A-Z_.]+(?=: )/gm)).toEqual(['NODE_ENV'])
    })

test('commands that need no settings need no NODE_ENV', async () => {
  for (const args of [['version'], ['help'], ['help', 'user'], ['pkce']])
    expect((await run([...binary, ...args])).code).toBe(0)
})

test('the binary is development where it is told so, and the sources without being told', async () => {
  const told = await run([...binary, 'config', 'check'], { NODE_ENV: 'development' })
  expect(told.stdout).toMatch(/^NODE_ENV +development +environment$/m)
  const inFile = await settings(binary, {}, '\uFEFFNODE_ENV=development\n') // as editors of Windows write it
  expect(inFile.stdout).toMatch(/^NODE_ENV +development +\.env$/m)
  const sources = await run([...source, 'config', 'check'])
  expect(sources.stdout).toMatch(/^NODE_ENV +development +default$/m)
})

const unreadable: [string, (cwd: string) => void, remedy?: string][] = [
  ['a folder', (cwd) => mkdirSync(join(cwd, '.env')), 'it is a folder'],
  ['a link that leads nowhere', (cwd) => symlinkSync('/nowhere/settings', join(cwd, '.env')), 'it is a link'],
  ['text in UTF-16', dotenv(Buffer.from('\uFEFFNODE_ENV=production\n', 'utf16le')), 'save it as UTF-8'],
  ['UTF-16 without a mark', dotenv(Buffer.from('NODE_ENV=production\n', 'utf16le'))],
  ['a line that is no assignment', dotenv('NODE_ENV=development\nSECRET_KEY hidden-secret\n')],
  ['a colon for the equals sign', dotenv('NODE_ENV=development\nSECRET_KEY: hidden-secret\n')],
  ['a quote that is not closed', dotenv('NODE_ENV=development\nSECRET_KEY="hidden-secret\n')],
  ['text after the quote', dotenv('NODE_ENV=development\nSECRET_KEY="hidden"-secret\n')],
]
for (const [what, prepare, remedy] of unreadable)
  for (const command of ['serve', 'config check'])
    test(`.env is ${what}: ${command} stops, from the sources and as a binary`, async () => {
      for (const program of [source, binary]) {
        const { code, stdout, stderr } = await run(
          [...program, ...command.split(' ')],
          { NODE_ENV: 'development' },
          prepare,
        )
        expect([code, stdout]).toEqual([2, ''])
        expect(stderr).toMatch(/^\.env: /m)
        if (remedy !== undefined) expect(stderr).toContain(`): ${remedy}`)
        expect(stderr).not.toContain('hidden')
      }
    }, 30_000)

test('config check --json tells of the .env that cannot be read', async () => {
  const { code, stdout } = await run([...binary, 'config', 'check', '--json'], {}, (cwd) =>
    mkdirSync(join(cwd, '.env')),
  )
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toEqual({
    ok: false,
    problems: [expect.stringMatching(/^\.env: .*\(EISDIR\): it is a folder/)],
  })
})

const asWritten: [written: string, value: string][] = [
  ['a$HOME', 'a$HOME'],
  ['a${HOME}b', 'a${HOME}b'],
  ['a$$b', 'a$$b'],
  ['a$', 'a$'],
  ['${NOT_SET:-x}', '${NOT_SET:-x}'],
  ['a\\$HOME', 'a\\$HOME'],
  ['"a$HOME"', 'a$HOME'],
  ["'a$HOME'", 'a$HOME'],
  ['a#b', 'a#b'],
  ['a$b # a comment', 'a$b'],
  ['  spaced$HOME  ', 'spaced$HOME'],
  ['"a#b" # a comment', 'a#b'],
  ['{"a":"$HOME"}', '{"a":"$HOME"}'],
]
for (const [written, value] of asWritten)
  test(`.env: ${written} comes out as written`, async () => {
    for (const program of [source, binary]) {
      const { stdout, stderr } = await settings(
        program,
        {},
        `# settings\r\n\nexport NODE_ENV = development\r\nMAIL_REPLY_TO=\nACCESS_TOKEN_AUDIENCE=${written}\r\n`,
      )
      const [, shown] = /^ACCESS_TOKEN_AUDIENCE +(.*?) +\.env$/m.exec(stdout) ?? [undefined, stderr]
      expect(shown).toBe(value)
    }
  }, 30_000)

test('.env: blanks, quotes, backslashes and several lines stay in a value', () => {
  const text = `A=Acme $ Co\nB="a # b" # c\nC='\\n"$x'\nD="one\n$two # three\n"\nE=\nF= # none\nG=a=b==\n__proto__=x\nA=last`
  const { values, problems } = parseDotenv(text)
  expect(problems).toEqual([])
  expect(Object.entries(values)).toEqual([
    ['A', 'last'],
    ['B', 'a # b'],
    ['C', '\\n"$x'],
    ['D', 'one\n$two # three\n'],
    ['E', ''],
    ['F', ''],
    ['G', 'a=b=='],
    ['__proto__', 'x'],
  ])
})

test('the environment comes before .env, and an empty variable is none', async () => {
  const text = 'NODE_ENV=development\nACCESS_TOKEN_AUDIENCE=of$file\nRESOURCES=https://x.example/\n'
  for (const program of [source, binary]) {
    const set = await settings(program, { ACCESS_TOKEN_AUDIENCE: 'of-environment' }, text)
    expect(set.stdout).toMatch(/^ACCESS_TOKEN_AUDIENCE +of-environment +environment$/m)
    const empty = await settings(program, { ACCESS_TOKEN_AUDIENCE: '' }, text)
    expect(empty.stdout).toMatch(/^ACCESS_TOKEN_AUDIENCE +of\$file +\.env$/m)
  }
}, 30_000)

test('the binary reads .env alone: no .env.development or .env.local beside it', async () => {
  const { code, stderr } = await run([...binary, 'config', 'check'], {}, (cwd) => {
    writeFileSync(join(cwd, '.env.local'), 'NODE_ENV=development\n')
    writeFileSync(join(cwd, '.env.development'), 'NODE_ENV=development\n')
  })
  expect(code).toBe(2)
  expect(stderr).toMatch(/^NODE_ENV: /m)
})
