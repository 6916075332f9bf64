/** Issue 8, line 72: a client gets the scopes that it needs, and the operator reads which. OWASP ASVS 5.0, 10.4.11 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function add(...options: string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(
    [...latchkeyCommand, 'client', 'add', 'Client', ...options],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, STORE_URL: `sqlite:${join(folder, 'latchkey.db')}` },
    },
  )
  // The one line is that of the change, as of every command of an operator.
  expect([stderr.toString(), exitCode]).toEqual([
    expect.stringMatching(/^\S+ warn changed_by_operator change=client_added client_id=\S+ changed=.+\n$/),
    0,
  ])
  return stdout.toString()
}

const service = ['--grant-type', 'client_credentials']
const device = ['--grant-type', 'urn:ietf:params:oauth:grant-type:device_code']
const app = ['--redirect-uri', 'https://app.example/cb']

test.each<[string, string[]]>([
  ['a service', service],
  ['a service that is an API', [...service, '--resource-server', '--resource-uri', 'https://api.example']],
])('%s gets no scope, and the output says so', (_, options) => {
  const said = add(...options)
  expect(said).toContain('It may request no scope')
  expect(said).not.toContain('profile')
  expect(JSON.parse(add(...options, '--json')).scope).toBe('')
})

test('a device signs End-Users in, so it gets the scopes of a sign-in (issue 9, line 37)', () => {
  expect(add(...device)).toContain('It may request these scopes: openid profile email offline_access.')
})

test('a client of End-Users gets few, and the output names them', () => {
  expect(add(...app)).toContain('It may request these scopes: openid profile email offline_access.')
  for (const scope of ['address', 'phone'])
    expect(JSON.parse(add(...app, '--json')).scope).not.toContain(scope)
})

test('--scope chooses', () => {
  expect(add(...app, '--scope', 'openid', '--scope', 'phone')).toContain('these scopes: openid phone.')
})
