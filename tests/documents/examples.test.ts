/** The READMEs of the applications in examples/: the one command that starts each, and every other block in another terminal. */
import { afterAll, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { carryOut } from '../clients/example_readme.ts'
import { root } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-browser-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The program that opens addresses on the machine of the reader: it signs alice in. */
const browser = join(folder, 'browser')
const program = join(root, 'tests/clients/browser_of_alice_process.ts')
writeFileSync(browser, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$1"\n`)
chmodSync(browser, 0o755)

test('examples/native_app/README.md does what it says', async () => {
  const ports = [
    ['PROVIDER_PORT', 5000, freePort()],
    ['API_PORT', 9000, freePort()],
  ] as const
  const { runs } = await carryOut('native_app', ports, { BROWSER: browser })
  const said = runs.map(({ stdout }) => stdout).join('')
  expect(said).toContain('Signed in as Alice Adams')
  expect(said).toContain('user-alice at http://localhost:')
  expect(said).toContain('"notes"')
  expect(said).toContain('Signed out')
}, 120_000)

test('examples/services/README.md does what it says', async () => {
  const services = { GATEWAY_PORT: freePort(), ORDERS_PORT: freePort(), STOCK_PORT: freePort() }
  const own = Object.entries(services).map(([variable, port]) => [variable, port, port] as const)
  const ports = [['PROVIDER_PORT', 5000, freePort()] as const, ...own]
  const variables = Object.fromEntries(Object.entries(services).map(([name, port]) => [name, `${port}`]))
  const { output } = await carryOut('services', ports, { BROWSER: browser, ...variables })
  expect(output.match(/"event":"tokens_issued"/g)).toHaveLength(4)
}, 120_000)

test('examples/web_app/README.md does what it says', async () => {
  const ports = [
    ['PROVIDER_PORT', 5000, freePort()],
    ['API_PORT', 9000, freePort()],
    ['PORT', 8080, freePort()],
  ] as const
  const { runs } = await carryOut('web_app', ports)
  const [first] = runs.map(({ stdout }) => stdout)
  expect(first).toStartWith('You are signed out\n{"error":"signed_out"} 401\n')
  expect(first).toMatch(/\n303 http:\/\/localhost:\d+\/authorize\?\S*request_uri\n$/)
}, 120_000)

test('examples/websocket/README.md does what it says', async () => {
  const ports = [
    ['PORT', 9300, freePort()],
    ['PROVIDER_PORT', 5000, freePort()],
  ] as const
  const { runs } = await carryOut('websocket', ports)
  expect(runs.map(({ stdout }) => stdout).join('')).toContain('The server says: reading')
}, 120_000)

test('examples/single_page_app/README.md does what it says', async () => {
  const ports = [
    ['PROVIDER_PORT', 5000, freePort()],
    ['API_PORT', 9000, freePort()],
    ['PORT', 3000, freePort()],
  ] as const
  const { runs } = await carryOut('single_page_app', ports)
  expect(runs).toHaveLength(1) // its answer is compared with the one written
}, 120_000)

test('examples/mcp_server/README.md does what it says', async () => {
  const ports = [
    ['PORT', 9100, freePort()],
    ['PROVIDER_PORT', 5000, freePort()],
  ] as const
  const { runs } = await carryOut('mcp_server', ports)
  const said = runs.map(({ stdout }) => stdout).join('')
  expect(said).toContain('scope="profile", resource_metadata=')
  expect(said).toContain('"authorization_servers":["http://localhost:')
}, 120_000)
