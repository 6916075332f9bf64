/** Redis or PostgreSQL stops answering, or is gone: an honest 503 everywhere, no false success, and recovery by itself. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { authorizationUrl, demo, formPost } from '../support/client.ts'
import { alice } from '../support/person.ts'
import { clientCredentials, codeFor, good, isActive, redeem, refresh, visitor } from '../support/journey.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

type Server = Pick<PostgresServer, 'pause' | 'resume' | 'kill' | 'restart' | 'stop'>

const stores: Record<string, () => Promise<{ server: Server; env: Record<string, string> }>> = {
  async Redis() {
    const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    return { server, env: { REDIS_URL: server.url } }
  },
  async PostgreSQL() {
    const server = await startPostgres({ settings: { fsync: 'on' } })
    return { server, env: { STORE_URL: server.database() } }
  },
}

describe.each(Object.entries(stores))('%s', (_, open) => {
  let server: Server
  let op: SpawnedProvider

  beforeAll(async () => {
    const opened = await open()
    server = opened.server
    op = await spawnProvider({
      ...opened.env,
      RATE_LIMITING_ENABLED: 'true',
      RATE_LIMIT_PER_MINUTE: '100000',
    })
  }, 60_000)
  afterAll(async () => {
    await op?.stop()
    await server?.stop()
  })

  const outages = [
    ['hangs (SIGSTOP)', async () => server.pause(), async () => server.resume()],
    ['is killed (SIGKILL)', () => server.kill(), () => server.restart()],
  ] as const

  for (const [what, fail, repair] of outages)
    describe(what, () => {
      test('every endpoint that remembers answers 503 with Retry-After, and recovers', async () => {
        const journey = { issuer: op.issuer, fetch }
        const who = visitor(journey)
        const tokens = await good(
          redeem(journey, await codeFor(journey, who, { scope: 'openid offline_access' })),
        )
        const unused = await codeFor(journey, who)
        const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const stranger = visitor(journey)
        const signIn = (await stranger.open(authorizationUrl(op.issuer, demo).url)).page!
        expect(signIn.status).toBe(200)

        await fail()
        try {
          const bearer = { authorization: `Bearer ${tokens.access_token}` }
          const asks: Record<string, () => Promise<Response>> = {
            authorize: () =>
              fetch(authorizationUrl(op.issuer, demo).url, { headers: { cookie }, redirect: 'manual' }),
            'token, code': () => redeem(journey, unused),
            'token, refresh': () => refresh(journey, tokens.refresh_token),
            'token, client_credentials': () => clientCredentials(journey),
            userinfo: () => fetch(`${op.issuer}/userinfo`, { headers: bearer }),
            introspect: () =>
              fetch(`${op.issuer}/introspect`, formPost(demo, { token: `${tokens.access_token}` })),
            revoke: () => fetch(`${op.issuer}/revoke`, formPost(demo, { token: `${tokens.refresh_token}` })),
            register: () =>
              fetch(`${op.issuer}/register`, {
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify({ redirect_uris: ['https://app.example/callback'] }),
              }),
            health: () => fetch(`${op.issuer}/health`),
          }
          for (const [name, ask] of Object.entries(asks)) {
            const answer = await ask()
            const text = await answer.text()
            expect([name, answer.status], text).toEqual([name, 503])
            if (name !== 'health')
              expect([name, answer.headers.get('retry-after')]).toEqual([
                name,
                expect.stringMatching(/^\d+$/),
              ])
          }
          const page = (await stranger.press(signIn, 'login', alice)).page!
          expect(page.status).toBe(503)
          expect(page.headers.get('retry-after')).toMatch(/^\d+$/)
          expect(page.html).toContain('<h1')

          for (const path of ['/jwks.json', '/.well-known/openid-configuration'])
            expect((await fetch(`${op.issuer}${path}`)).status).toBe(200) // these need no memory
        } finally {
          await repair()
        }

        await until(async () => (await fetch(`${op.issuer}/health`)).ok, 'health after the repair')
        // The revocation was refused, and the grant lives.
        expect(await isActive(journey, tokens.access_token)).toBe(true)
        await good(clientCredentials(journey))
        await good(refresh(journey, tokens.refresh_token))
        expect((await who.goThrough(authorizationUrl(op.issuer, demo).url)).searchParams.has('code')).toBe(
          true,
        )
      }, 60_000)
    })
})
