/** What another account of the machine, or a server that a command asks, writes into the terminal and the memory of an operator. */
import { afterAll, expect, test } from 'bun:test'
import { symlinkSync, writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine } from '../support/command.ts'

const escapes = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202etxt'
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/

/** Stands where the server of this machine is expected. */
const answers = {
  '/health': () => Response.json({ status: `healthy${escapes}` }),
  '/sick/health': () => Response.json({ status: `unhealthy${escapes}` }, { status: 503 }),
  '/endless/health': () => new Response(endless(), { headers: { 'content-type': 'application/json' } }),
}
let sent = 0
const piece = new Uint8Array(1_048_576).fill(0x20)
const endless = () =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += piece.length
      if (sent > 600 * piece.length) controller.close()
      else controller.enqueue(piece)
    },
  })
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/v1/'))
      return Response.json({ errors: [escapes, 'permission denied'] }, { status: 403 })
    return answers[pathname as keyof typeof answers]?.() ?? new Response(null, { status: 404 })
  },
})
afterAll(() => server.stop(true))

const settings = (path: string) => ({
  HOST: '127.0.0.1',
  PORT: `${server.port}`,
  ISSUER_URL: `http://127.0.0.1:${server.port}${path}`,
})

test('latchkey health shows no control characters of what listens at the port', async () => {
  for (const [path, code] of [
    ['', 0],
    ['/sick', 1],
  ] as const) {
    const line = commandLine(settings(path))
    const ran = await line.latchkey(['health'])
    line.remove()
    expect(ran.code).toBe(code)
    const shown = `${ran.stdout}${ran.stderr}`
    expect(shown).toContain('owned')
    expect(shown).not.toMatch(unsafe)
  }
})

test('latchkey health reads a bounded answer', async () => {
  const line = commandLine(settings('/endless'))
  const ran = await line.latchkey(['health'])
  line.remove()
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain('answered more than')
  expect(sent).toBeLessThan(100 * piece.length)
})

test('a place of secrets writes no control characters into the terminal', async () => {
  const line = commandLine({
    SECRET_KEY: 'vault:secret/latchkey#key',
    VAULT_ADDR: `http://127.0.0.1:${server.port}`,
    VAULT_TOKEN: 'a token',
    STORE_URL: 'sqlite:latchkey.db',
  })
  const ran = await line.latchkey(['client', 'list'])
  line.remove()
  expect(ran.code).not.toBe(0)
  expect(ran.stderr).toContain('permission denied')
  expect(ran.stderr).not.toMatch(unsafe)
})

test('a report follows no link that another account put there', async () => {
  const line = commandLine({})
  const precious = join(line.folder, 'precious')
  writeFileSync(precious, 'kept')
  symlinkSync(precious, join(line.folder, 'report.html'))
  const ran = await line.latchkey([
    'monitor',
    'report',
    '--issuer',
    'https://id.example',
    '--html',
    'report.html',
  ])
  expect(readFileSync(precious, 'utf8')).toBe('kept')
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain('symbolic link')
  line.remove()
})
