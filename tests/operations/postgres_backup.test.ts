/** The backup and the restore of PostgreSQL, as docs/deployment.md says them: what was there is there, and what was issued before is refused after step 4. docs/decisions/0071-birth-marks.md */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine } from '../support/command.ts'
import { blocksOf, document } from '../support/document.ts'
import { clientCredentials, codeFor, good, isActive, redeem, refresh, visitor } from '../support/journey.ts'
import { freePort } from '../support/free_port.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

const [backup, restore] = ['pg_dump', 'pg_restore'].map(
  (program) =>
    blocksOf(document('docs/deployment.md')).find(({ text }) => text.includes(`${program} `))!.text,
) as [string, string]

const folder = mkdtempSync(join(tmpdir(), 'latchkey-backup-'))
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

function shell(script: string, url: string): void {
  const { exitCode, stderr } = Bun.spawnSync(['sh', '-ec', script], {
    cwd: folder,
    env: { PATH: `${server.programs}:${process.env.PATH}`, OWNER_URL: url },
  })
  expect(exitCode, stderr.toString()).toBe(0)
}

test('a dump that is made while the provider serves brings all back; tokens end with step 4', async () => {
  const url = server.database()
  const env = { STORE_URL: url, STORE_TIMEOUT_MS: '30000', PORT: `${freePort()}` }
  let op = await spawnProvider(env)
  const journey = { issuer: op.issuer, fetch }
  const who = visitor(journey)
  const spent = await codeFor(journey, who)
  const tokens = await good(redeem(journey, spent))
  const machine = (await good(clientCredentials(journey))).access_token
  const keys = await good(fetch(`${op.issuer}/jwks.json`))

  shell(backup, url)
  expect(statSync(join(folder, 'backup.dump')).mode & 0o077).toBe(0)
  await op.stop()
  shell(restore, url)

  op = await spawnProvider(env)
  expect(await good(fetch(`${op.issuer}/jwks.json`))).toEqual(keys)
  expect(await isActive(journey, tokens.access_token)).toBe(true)
  expect((await redeem(journey, spent)).status).toBe(400) // the dump knows that it was spent
  await op.stop()

  shell(restore, url)
  const ended = await commandLine({ NODE_ENV: 'development', ...env }).latchkey([
    'sessions',
    'end',
    '--everybody',
    '--yes',
  ])
  expect(ended.code, ended.stderr).toBe(0)
  op = await spawnProvider(env)
  expect((await refresh(journey, tokens.refresh_token)).status).toBe(400)
  expect(await isActive(journey, machine)).toBe(false)
  await op.stop()
}, 240_000)

test('an instance that serves during a restore makes no tables, and serves from those that it brings', async () => {
  const url = server.database()
  const env = { STORE_URL: url, STORE_TIMEOUT_MS: '30000' }
  const op = await spawnProvider(env)
  const journey = { issuer: op.issuer, fetch }
  shell(backup, url)
  const status = async () => (await fetch(`${op.issuer}/health`)).status
  server.psql('DROP SCHEMA latchkey CASCADE', new URL(url).pathname.slice(1))
  expect(await status()).toBe(503)
  shell(restore, url)
  await until(async () => (await status()) === 200, 'the tables to be used')
  await good(clientCredentials(journey))
  await op.stop()
}, 240_000)
