/** `latchkey try-client` as an author runs it: what it wants, what it prints, and its exit codes. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { commandLine } from '../../support/command.ts'
import { freePort } from '../../support/free_port.ts'
import { relyingParty, signedInText } from '../../support/relying_party.ts'

setDefaultTimeout(120_000)

const line = commandLine()
afterAll(line.remove)

/** Runs the command against a client that listens already. */
async function attempt(careless: readonly string[], ...more: string[]) {
  const [port, own] = [freePort(), freePort()]
  const client = { client_id: 'try-client', client_secret: 'try-client-secret' }
  const rp = relyingParty(port, client, () => `http://localhost:${own}`, { careless })
  const start = ['--start', rp.start, '--redirect-uri', `http://localhost:${port}/callback`]
  try {
    return await line.latchkey([
      'try-client',
      ...start,
      '--signed-in',
      signedInText,
      '--port',
      `${own}`,
      ...more,
    ])
  } finally {
    await rp.stop()
  }
}
const only = ['--only', 'aud', '--only', 'nonce']

test('a client that passes: exit code 0', async () => {
  const { code, stdout, stderr } = await attempt([], ...only)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/aud +refused/)
  expect(stdout).toMatch(/nonce +refused/)
  expect(stdout).toEndWith('PASSED (exit code 0): 2 refused.\n')
})

test('a client that does not: exit code 1, the fault, what a good client does, and the rule', async () => {
  const { code, stdout, stderr } = await attempt(['aud'], ...only)
  expect(code).toBe(1)
  expect(stderr).toContain('the client fails on aud')
  expect(stdout).toEndWith('FAILED (exit code 1) on aud: 1 refused, 1 swallowed.\n')
  expect(stdout).toMatch(/aud +SWALLOWED/)
  expect(stdout).toContain('Requires its own client_id in aud.')
  expect(stdout).toContain('OpenID Connect Core §3.1.3.7: https://openid.net/specs/')
})

test('JSON, for a pipeline: the exit code is the same', async () => {
  const { code, stdout } = await attempt(['aud'], ...only, '--json')
  expect(code).toBe(1)
  const { passed, outcomes } = JSON.parse(stdout) as {
    passed: boolean
    outcomes: { fault: string; result: string }[]
  }
  expect(passed).toBe(false)
  expect(outcomes.map(({ fault, result }) => [fault, result])).toEqual([
    ['aud', 'swallowed'],
    ['nonce', 'refused'],
  ])
})

test.each([
  [['--redirect-uri', 'http://localhost/', '--signed-in', 'x'], '--start is required'],
  [
    ['--start', 'localhost:8080', '--redirect-uri', 'http://localhost/', '--signed-in', 'x'],
    '--start: expected',
  ],
  [['--start', 'http://localhost/', '--signed-in', 'x'], '--redirect-uri is required'],
  [['--start', 'http://localhost/', '--redirect-uri', 'http://localhost/'], '--signed-in is required'],
])('%j is a mistake of the command line', async (args, problem) => {
  const { code, stderr } = await line.latchkey(['try-client', ...args])
  expect([code, stderr.includes(problem)]).toEqual([2, true])
})

test('a fault that there is not, and a client that is not there', async () => {
  const unknown = await attempt([], '--only', 'everything')
  expect([unknown.code, unknown.stderr.includes('--only: expected one of iss, aud')]).toEqual([2, true])
  const absent = await line.latchkey(startAt(`http://localhost:${freePort()}`))
  expect([absent.code, absent.stderr.includes('does not answer')]).toEqual([1, true])
})

const startAt = (start: string) => [
  ...['try-client', '--start', start, '--redirect-uri', start],
  ...['--signed-in', 'x', '--port', '0', '--wait', '0'],
]

test('a client that takes the connection and never answers is given up', async () => {
  const hung = createServer().listen(0, '127.0.0.1')
  await once(hung, 'listening')
  const { port } = hung.address() as AddressInfo
  const { code, stderr } = await line.latchkey(startAt(`http://127.0.0.1:${port}/`))
  hung.close()
  expect([code, stderr.includes('does not answer')]).toEqual([1, true])
})

test('a proxy of the environment does not answer in place of the client', async () => {
  let asked = 0
  const proxy = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch() {
      asked++
      return new Response('x')
    },
  })
  const behind = commandLine({ HTTP_PROXY: `http://127.0.0.1:${proxy.port}` })
  const { code, stderr } = await behind.latchkey(startAt(`http://127.0.0.1:${freePort()}/`))
  behind.remove()
  await proxy.stop(true)
  expect([code, stderr.includes('does not answer'), asked]).toEqual([1, true, 0])
})

test('a program that listens already is not tried in place of that of --run', async () => {
  const { code, stderr } = await attempt([], ...only, '--run', 'bun -e 0')
  expect([code, stderr.includes('another program listens')]).toEqual([1, true])
})

test('a program of --run that does not start', async () => {
  const nothing = `http://localhost:${freePort()}`
  const args = ['--start', nothing, '--redirect-uri', nothing, '--signed-in', 'x', '--port', '0']
  for (const run of ['no-such-program-here', 'bun -e process.exit(3)']) {
    const { code, stderr } = await line.latchkey(['try-client', ...args, '--run', run])
    expect([code, stderr.includes('did not start')]).toEqual([1, true])
  }
})
