/** This version reads what former versions wrote: each store of tests/fixtures/data, with all that End-Users and clients of then still have. Issue 10, section 6. */
import { describe, expect, test } from 'bun:test'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKeys } from '../../src/cli/open.ts'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/lib/log.ts'
import { openBirth } from '../../src/models/birth.ts'
import { openLastingRoot } from '../../src/models/lasting_root.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { redisStore } from '../../src/store/redis.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { featureEntries } from '../../src/table.ts'
import { freshCode, pageOf, pathOf, withPassword } from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import { browser, demo, introspect, outcome, post, refresh, tokensOf, userinfo } from '../support/flow.ts'
import { keptCredential, type Known } from '../support/kept_data.ts'
import { signInWith } from '../support/passkeys.ts'
import { bob, type Person } from '../support/person.ts'
import { startPostgres } from '../support/postgres.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'
import { manage } from '../support/registration.ts'

const root = join(import.meta.dir, '../fixtures/data')
const minute = 60_000

interface Opened {
  store: Store
  stop(): Promise<void>
}
type Clock = ReturnType<typeof turnableClock>

/** A copy of the store of `folder`, opened by this version. */
const backends: Record<string, (folder: string, clock: Clock) => Promise<Opened>> = {
  async sqlite(folder, clock) {
    const own = mkdtempSync(join(tmpdir(), 'latchkey-kept-'))
    copyFileSync(join(folder, 'store.sqlite'), join(own, 'store.db'))
    const store = sqliteStore(join(own, 'store.db'), clock)
    const stop = async () => (await store.close(), rmSync(own, { recursive: true, force: true }))
    return { store, stop }
  },
  async redis(folder) {
    const own = mkdtempSync(join(tmpdir(), 'latchkey-kept-'))
    copyFileSync(join(folder, 'redis.rdb'), join(own, 'dump.rdb'))
    const server = await startRedis({ args: ['--dir', own] })
    const store = redisStore(server.url, { timeoutMs: 30_000 })
    const stop = async () => {
      await store.close()
      await server.stop()
      rmSync(own, { recursive: true, force: true })
    }
    return { store, stop }
  },
  async postgres(folder, clock) {
    const server = await startPostgres()
    const url = server.database('kept')
    const sql = Bun.gunzipSync(readFileSync(join(folder, 'postgres.sql.gz')))
    const script = join(server.directory, 'kept.sql')
    writeFileSync(script, `SET ROLE latchkey;\n${Buffer.from(sql).toString()}`)
    server.psql(`\\i ${script}`, 'kept')
    const store = await postgresStore(url, clock, { timeoutMs: 30_000, poolSize: 2 })
    return { store, stop: async () => (await store.close(), await server.stop()) }
  },
}

/** This version on data of another, a minute after that was stopped. */
async function live(folder: string, kind: string) {
  const known = JSON.parse(readFileSync(join(folder, `${kind}.json`), 'utf8')) as Known
  const clock = turnableClock(known.stopped_at + minute)
  const { store: whole, stop } = await backends[kind]!(folder, clock)
  // The clock of the backend is that of today.
  const store: Store = new Proxy(whole, {
    get(target, name) {
      const value: unknown = name === 'time' ? undefined : Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const env = { LOG_LEVEL: 'error', ...known.env }
  const config = loadConfig({ ...env, STORE_URL: 'sqlite:kept.db' }, { featureEntries })
  const log = { ...createLog('error', 'json', (line) => lines.push(line)), setLevel() {} }
  const lines: string[] = []
  const keyRing = await openKeys({ config, clock, log, store })
  expect(keyRing.added).toEqual([])
  const birth = await openBirth({ store, clock, log }, Math.floor(clock.now() / 1000) - 3600)
  const lastingRoot = await openLastingRoot(store, config.secretKey)
  const op = await provider({ env, store, clock, keyRing, birth, lastingRoot })
  return { op, known, stop, lines }
}

function withCookies(op: Provider, cookies: Record<string, string>): Person {
  const who = browser(op)
  for (const [name, value] of Object.entries(cookies)) who.cookies.set(name, value)
  return who
}

const versions = readdirSync(root).toSorted()
const kinds = (version: string) =>
  ['sqlite', 'redis', 'postgres'].filter((kind) => existsSync(join(root, version, `${kind}.json`)))

test('the last released version is among them, in each store that it had', () => {
  const released = [
    ...readFileSync(join(root, '../../../CHANGELOG.md'), 'utf8').matchAll(/^## (\d+\.\d+\.\d+)/gm),
  ].map(([, version]) => version!)
  expect(versions).toContain(released[0]!)
  for (const version of versions) expect(kinds(version).length).toBeGreaterThanOrEqual(2)
})

describe.each(versions.flatMap((version) => kinds(version).map((kind) => [version, kind] as const)))(
  '%s on %s',
  (version, kind) => {
    test('sessions, tokens, clients, passwords, passkeys and second factors', async () => {
      const { op, known, stop, lines } = await live(join(root, version), kind)
      try {
        // The session, and the consent of then: no page comes up.
        const who = withCookies(op, known.cookies)
        expect(await outcome(op, who, { prompt: 'none' })).toBe('code')
        expect(pageOf(await who.open('/account')).html).toContain('Alice')
        const ended = withCookies(op, known.ended_cookies)
        expect(await outcome(op, ended, { prompt: 'none' })).toBe('error:login_required')

        // Tokens.
        expect((await userinfo(op, known.access_token)).body).toMatchObject({ sub: 'user-alice' })
        expect(await introspect(op, known.access_token)).toMatchObject({ active: true })
        expect((await refresh(op, demo, known.revoked_refresh_token)).body.error).toBe('invalid_grant')
        const refreshed = await refresh(op, demo, known.refresh_token)
        expect(refreshed).toMatchObject({ status: 200 })
        expect(claimsOf(refreshed.body.id_token).sub).toBe(claimsOf(known.id_token).sub)
        expect((await refresh(op, demo, String(refreshed.body.refresh_token))).status).toBe(200)
        // A token that was spent before is a replay now, and ends its family.
        op.clock.advance(10 * minute)
        expect((await refresh(op, demo, known.used_refresh_token)).body.error).toBe('invalid_grant')
        expect((await refresh(op, demo, known.next_refresh_token)).body.error).toBe('invalid_grant')

        // A client that registered itself, with its secret and its registration access token.
        const own = await manage(op, 'GET', known.registered, known.registration_access_token)
        expect(own).toMatchObject({ status: 200, body: { client_id: known.registered.client_id } })
        const redirect_uri = known.registered.redirect_uri
        const tried = {
          grant_type: 'authorization_code',
          code: 'none',
          code_verifier: 'v'.repeat(43),
          redirect_uri,
        }
        expect((await post(op, '/token', known.registered, tried)).body.error).toBe('invalid_grant')
        const wrong = { ...known.registered, client_secret: `${known.registered.client_secret}x` }
        expect((await post(op, '/token', wrong, tried)).body.error).toBe('invalid_client')

        // Passwords, the passkey, the authenticator app and a recovery code.
        expect((await tokensOf(op, browser(op))).access_token).toBeString()
        const byKey = browser(op)
        const credential = keptCredential(known.passkey)
        expect(
          pathOf(await signInWith(op.issuer, (url, init) => op.fetch(url, init), byKey, credential)),
        ).toBe('/account')
        const half = pageOf(await withPassword(browser(op), { ...bob, password: `${bob.password}x` }))
        expect(half.status).toBe(401)
        expect(await withApp(op, 'totp', freshCode(op, known.seed))).toBe('/account')
        const [code] = known.recovery_codes
        expect(await withApp(op, 'recovery', code!)).toBe('/account')
        expect(await withApp(op, 'recovery', code!)).not.toBe('/account')

        // The ID Token of then ends the session as a hint.
        const left = await who.open(
          `/logout?id_token_hint=${known.id_token}&post_logout_redirect_uri=http://localhost:8080/`,
        )
        expect(left.location?.href).toBe('http://localhost:8080/')
        expect(await outcome(op, who, { prompt: 'none' })).toBe('error:login_required')
        expect(lines.filter((line) => line.includes('record_unreadable'))).toEqual([])
      } finally {
        await stop()
      }
    }, 240_000)
  },
)

/** Bob's password, then `code` on the page of this factor; where that leads. */
async function withApp(op: Provider, factor: 'totp' | 'recovery', code: string): Promise<string> {
  const who = browser(op)
  const half = pageOf(await withPassword(who, bob))
  const page = pageOf(await who.open(`/second-factor/${factor}${new URL(half.url).search}`))
  return pathOf(await who.press(page, 'verify', { code }))
}
