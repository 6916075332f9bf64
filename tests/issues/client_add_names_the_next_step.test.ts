/** A refusal of `client add` says what the operator can do. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each<[string, string[], string]>([
  ['an application without redirect URI', [], '--redirect-uri'],
  ['an API without grant type', ['--resource-server'], 'client_credentials'],
  ['a scope of an own API', ['--grant-type', 'client_credentials', '--scope', 'reports.read'], 'SCOPES'],
])('%s', async (_, options, step) => {
  const line = commandLine({ STORE_URL: `sqlite:${join(folder, 'store.db')}` })
  const { code, stderr } = await line.latchkey(['client', 'add', 'Client', ...options])
  expect(stderr).toContain(step)
  expect(code).toBe(1)
})
