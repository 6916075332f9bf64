/**
 * `bun scripts/keep_data.ts [--from FOLDER]` keeps what a server of this version, or of a checkout in FOLDER, writes
 * into each store: tests/fixtures/data/VERSION. tests/operations/data_of_before.test.ts starts each later version on it. A
 * release needs it (scripts/release.ts). docs/upgrading.md, "Data"
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { codeOf, seedOn, showsCodes, withPassword } from '../tests/support/authenticator.ts'
import { demo } from '../tests/support/client.ts'
import { tokensOf, refresh, post } from '../tests/support/flow.ts'
import { keepCredential, type Known } from '../tests/support/kept_data.ts'
import { addPasskey, pageOf } from '../tests/support/passkeys.ts'
import { bob, person, type Person } from '../tests/support/person.ts'
import { startPostgres } from '../tests/support/postgres.ts'
import { type Provider, spawnProvider } from '../tests/support/provider.ts'
import { redisCli, startRedis } from '../tests/support/redis.ts'
import { asClient, registered } from '../tests/support/registration.ts'

const root = join(import.meta.dir, '..')
const { values } = parseArgs({ options: { from: { type: 'string', default: root } } })
const from = resolve(values.from)
const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string }
const target = join(root, 'tests/fixtures/data', version)

/** As a browser would; the clock is that of this machine. */
function visit(issuer: string): Provider {
  const fetched = (path: string, init?: RequestInit) =>
    fetch(new URL(path, `${issuer}/`), { redirect: 'manual', ...init })
  const parts = { issuer, fetch: fetched, clock: { now: Date.now, advance: () => {} } }
  return parts as unknown as Provider
}

const browser = (op: Provider): Person => person(op.issuer, op.fetch)

/** Sets an authenticator app up for Bob; the codes are on the page that follows. */
async function withApp(op: Provider): Promise<Pick<Known, 'seed' | 'recovery_codes'>> {
  const who = browser(op)
  await withPassword(who, bob)
  const page = pageOf(await who.open('/account/factors/totp'))
  const seed = seedOn(page)
  let codes = pageOf(await who.press(page, 'verify', { code: codeOf(op, seed) }))
  if (!showsCodes(codes.html)) {
    // An older version makes them on a page of their own, behind a code of the next step.
    const make = async () => pageOf(await who.press(pageOf(await who.open('/account/factors')), 'make'))
    codes = await make()
    if (codes.forms.some(({ buttons }) => buttons.includes('verify'))) {
      await who.press(codes, 'verify', { code: codeOf(op, seed, 1) })
      codes = await make()
    }
  }
  const found = [...codes.html.matchAll(/<code>((?:[a-z2-7]{4}-){5}[a-z2-7]{4})<\/code>/g)]
  if (found.length === 0) throw new Error(`no recovery codes on ${codes.url}:\n${codes.html}`)
  return { seed, recovery_codes: found.map(([, code]) => code!) }
}

async function live(op: Provider, env: Record<string, string>): Promise<Known> {
  const alice = browser(op)
  const offline = { scope: 'openid profile email offline_access', prompt: 'consent' }
  const unused = await tokensOf(op, alice, demo, offline)
  const used = await tokensOf(op, alice, demo, offline)
  const next = await refresh(op, demo, used.refresh_token)
  const revoked = await tokensOf(op, alice, demo, offline)
  await post(op, '/revoke', demo, { token: revoked.refresh_token })
  const passkey = await addPasskey(op.issuer, alice)
  const ended = browser(op)
  await withPassword(ended)
  const ended_cookies = Object.fromEntries(ended.cookies)
  await ended.press(pageOf(await ended.open('/logout')), 'logout')
  const client = await registered(op, {
    redirect_uris: ['https://registered.example/cb'],
    client_name: 'Registered',
  })
  return {
    version,
    stopped_at: Date.now(),
    env,
    cookies: Object.fromEntries(alice.cookies),
    ended_cookies,
    refresh_token: unused.refresh_token,
    used_refresh_token: used.refresh_token,
    next_refresh_token: String(next.body.refresh_token),
    revoked_refresh_token: revoked.refresh_token,
    access_token: unused.access_token,
    id_token: unused.id_token,
    passkey: keepCredential(passkey),
    ...(await withApp(op)),
    registered: asClient(client),
    registration_access_token: String(client.registration_access_token),
  }
}

/** What is in each store after one life: `keep` runs when the server has ended. */
async function lifeOn(store: string, url: string, keep: () => Promise<void> | void): Promise<void> {
  const env = {
    ISSUER_URL: 'http://localhost:5000',
    SECRET_KEY: `the-secret-of-data-that-version-${version}-wrote`,
    REGISTRATION: 'open',
    LOG_LEVEL: 'error',
  }
  const port = '5000'
  const command = ['bun', join(from, 'src/main.ts'), 'serve']
  const server = await spawnProvider({ ...env, STORE_URL: url, PORT: port }, command)
  let known: Known
  try {
    known = await live(visit(env.ISSUER_URL), env)
  } finally {
    await server.stop()
  }
  await keep()
  writeFileSync(join(target, `${store}.json`), `${JSON.stringify(known, null, 2)}\n`)
  process.stdout.write(`${join(target, store)}\n`)
}

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'latchkey-data-'))
try {
  const file = join(folder, 'store.sqlite')
  await lifeOn('sqlite', `sqlite:${file}`, () => copyFileSync(file, join(target, 'store.sqlite')))

  const redis = await startRedis()
  await lifeOn('redis', redis.url, () => {
    // Records say themselves when they end, against the clock of the test.
    for (const key of redisCli(redis.port, 'keys', '*').split('\n').filter(Boolean))
      redisCli(redis.port, 'persist', key)
    redisCli(redis.port, 'save')
    copyFileSync(join(redis.directory, 'dump.rdb'), join(target, 'redis.rdb'))
  })
  await redis.stop()

  if (existsSync(join(from, 'src/store/postgres.ts'))) {
    const postgres = await startPostgres()
    const url = postgres.database('kept')
    await lifeOn('postgres', url, () => {
      const never = `${Number.MAX_SAFE_INTEGER}`
      for (const table of ['entries', 'indexes'])
        postgres.psql(`UPDATE latchkey.${table} SET expires_at = ${never}`, 'kept')
      const dump = Bun.spawnSync([
        ...postgres.asUser,
        join(postgres.programs, 'pg_dump'),
        '-h',
        postgres.directory,
        '-p',
        `${postgres.port}`,
        '--no-owner',
        '--no-privileges',
        'kept',
      ])
      if (dump.exitCode !== 0) throw new Error(`pg_dump: ${dump.stderr}`)
      writeFileSync(join(target, 'postgres.sql.gz'), Bun.gzipSync(new Uint8Array(dump.stdout)))
    })
    await postgres.stop()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
