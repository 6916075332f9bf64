/** `latchkey classroom` on the command line: what it takes, what it refuses, and a classroom for servers that share a store. */
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../../support/command.ts'
import { spawnProvider } from '../../support/provider.ts'
import { freePort } from '../../support/free_port.ts'

const line = commandLine()
const lasting = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
const production = commandLine({ STORE_URL: 'sqlite:latchkey.db', LAB: 'false' })
const named = commandLine({ ISSUER_URL: 'http://class.example', PORT: '5999' })
afterAll(() => {
  for (const each of [line, lasting, production, named]) each.remove()
})

const mistakes: readonly (readonly [typeof line, string[], string])[] = [
  [line, ['--students', '0'], '--students: expected a number from 1 to 1000, got 0'],
  [line, ['--students', '2.5'], '--students: expected a whole number'],
  [line, ['--students', '1001'], '--students: expected a number from 1 to 1000'],
  [line, ['--hours', '1e9'], '--hours: expected a number from 0.1 to 168'],
  [line, ['--lesson', 'history'], '--lesson: expected one of redirects, code-flow, pkce'],
  [line, ['--port', '70000'], '--port: expected a number from 1 to 65535'],
  [named, ['--host', 'other.example'], '--host and ISSUER_URL: give one of them'],
  [named, ['--port', '6000'], '--port and PORT: give one of them'],
  [lasting, ['--port', '6000'], 'with STORE_URL the servers that use the store listen'],
  [production, [], 'a classroom needs LAB=true and REALMS=true'],
  [lasting, ['--realm', 'a'], 'each of its students gets a realm of the server'],
]

test.each(mistakes.map(([at, args, words]) => [args.join(' '), at, args, words] as const))(
  '%s is refused with what was expected',
  async (_, at, args, words) => {
    const { code, stdout, stderr } = await at.latchkey(['classroom', ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(words)
  },
)

test('a classroom for servers with a shared store: each of them opens its links', async () => {
  const port = freePort()
  const env = {
    STORE_URL: `sqlite:${lasting.folder}/latchkey.db`,
    PORT: `${port}`,
    SECRET_KEY: 'a-secret-that-all-servers-share-1234',
  }
  const server = await spawnProvider(env)
  try {
    const shared = commandLine({ ...env, ISSUER_URL: server.issuer })
    const made = await shared.json<{ join: string; board: string; code: string }>(
      'classroom',
      '--students',
      '2',
      '--json',
    )
    shared.remove()
    expect(made.join).toBe(`${server.issuer}/classroom/join?code=${made.code}`)
    const board = await fetch(made.board, { redirect: 'manual' })
    expect(board.status).toBe(303)
    expect((await fetch(made.join)).status).toBe(200)
  } finally {
    await server.stop()
  }
})
