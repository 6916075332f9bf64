/** What was acknowledged survives kill -9 in the middle of everything, on SQLite, on Redis with an AOF and on PostgreSQL. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import {
  clientCredentials,
  type CodeInHand,
  codeFor,
  good,
  isActive,
  redeem,
  refresh,
  revoke,
  visitor,
} from '../support/journey.ts'
import { alice, bob, type Person } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'

interface Memory {
  env: Record<string, string>
  /** Loses power, as far as a process can. */
  crash(): Promise<void>
  remove(): Promise<void>
}

const memories: Record<string, () => Promise<Memory>> = {
  async SQLite() {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-durability-'))
    return {
      env: { STORE_URL: `sqlite:${join(folder, 'latchkey.db')}` },
      crash: async () => {},
      remove: async () => rmSync(folder, { recursive: true, force: true }),
    }
  },
  async 'Redis with appendfsync always'() {
    const redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    return { env: { REDIS_URL: redis.url }, crash: () => redis.restart(), remove: () => redis.stop() }
  },
  async PostgreSQL() {
    const server = await startPostgres({ settings: { fsync: 'on' } })
    const env = { STORE_URL: server.database(), STORE_TIMEOUT_MS: '30000' }
    return { env, crash: () => server.restart(), remove: () => server.stop() }
  },
}

/** Everything that was acknowledged, by the last word about it. */
interface Acknowledged {
  people: Person[]
  /** The newest refresh token of each family. */
  families: Map<CodeInHand, string>
  spent: CodeInHand[]
  revoked: string[]
  accessTokens: string[]
}

/** One person and their client, until the provider is gone: new grants, refreshes, now and then a revocation. */
async function live(op: SpawnedProvider, who: typeof alice, known: Acknowledged): Promise<void> {
  const journey = { issuer: op.issuer, fetch }
  const browser = visitor(journey)
  await browser.goThrough(authorizationUrl(op.issuer, demo).url, who)
  known.people.push(browser)
  for (let round = 0; ; round++) {
    const code = await codeFor(journey, browser)
    const first = await good(redeem(journey, code))
    known.spent.push(code)
    known.accessTokens.push(String(first.access_token))
    known.families.set(code, String(first.refresh_token))
    for (let i = 0; i < 3; i++) {
      const next = await good(refresh(journey, known.families.get(code)))
      known.families.set(code, String(next.refresh_token))
    }
    if (round % 3 !== 2) continue
    const token = known.families.get(code)!
    known.families.delete(code) // in doubt from here on, until the answer
    if ((await revoke(journey, token)).status === 200) known.revoked.push(token)
  }
}

for (const [name, open] of Object.entries(memories))
  describe(name, () => {
    test('kill -9 under load loses no session, consent, grant, token, revocation, spent code or key', async () => {
      const memory = await open()
      const env = { ...memory.env, PORT: `${freePort()}`, REFRESH_TOKEN_GRACE: '60' }
      let op = await spawnProvider(env)
      try {
        const known: Acknowledged = {
          people: [],
          families: new Map(),
          spent: [],
          revoked: [],
          accessTokens: [],
        }
        const lives = [alice, bob, alice, bob].map((who) =>
          live(op, who, known).catch(() => 'the provider is gone'),
        )
        const keysBefore = await good(fetch(`${op.issuer}/jwks.json`))
        while (known.revoked.length < 4 || known.families.size < 12) await Bun.sleep(20)
        op.signal('SIGKILL')
        await Promise.all(lives)
        await memory.crash()
        await op.stop()

        op = await spawnProvider(env)
        const journey = { issuer: op.issuer, fetch }
        expect(await good(fetch(`${op.issuer}/jwks.json`))).toEqual(keysBefore)
        expect(known.people).toHaveLength(4)
        for (const browser of known.people) {
          const landing = await browser.open(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url)
          expect(landing.location?.searchParams.get('error')).toBeNull() // neither login_required nor consent_required
          expect(landing.location?.searchParams.has('code')).toBe(true)
        }
        for (const token of known.revoked) {
          expect(await isActive(journey, token)).toBe(false)
          expect((await refresh(journey, token)).status).toBe(400)
        }
        // The newest token that was acknowledged; when a newer answer was lost on the way, this is the honest retry.
        for (const token of known.families.values()) await good(refresh(journey, token))
        for (const code of known.spent) {
          const replay = await redeem(journey, code)
          expect(replay.status).toBe(400)
        }
        await good(clientCredentials(journey))
      } finally {
        await op.stop()
        await memory.remove()
      }
    }, 60_000)
  })
