/** `latchkey secrets reseal` while a server runs: killed in the middle, run again; afterwards the former value opens nothing. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { generateSync } from 'otplib/functional'
import { openBackend } from '../../src/cli/open_store.ts'
import { secretOf } from '../../src/clients/client_secret.ts'
import { loadConfig } from '../../src/config.ts'
import type { Context } from '../../src/contracts/context.ts'
import { Totp } from '../../src/features/second_factor/totp.ts'
import { Links, openTokens } from '../../src/features/upstream/links.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { deriveKey } from '../../src/lib/hash.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { unseal } from '../../src/lib/seal.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { Outbox } from '../../src/models/outbox.ts'
import { User } from '../../src/models/user.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { clientCredentials, codeFor, good, redeem, refresh, visitor } from '../support/journey.ts'
import { openContext } from '../support/opened.ts'
import { spawnProvider } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const a = 'the-value-of-before-5fQ0zLxWv3nRk6YbUe2HsJp9McFd'
const b = 'the-value-from-now-on-8Zt1KmWv3nRk6YbUe2HsJp9McFd'
const many = 1_500

let redis: Awaited<ReturnType<typeof startRedis>>
beforeAll(async () => void (redis = await startRedis()), 60_000)
afterAll(() => redis.stop())

interface Report {
  counts: Record<string, { moved: number; current: number; unreadable: number }>
  left: number
  unreadable: number
}

/** What one value of SECRET_KEY opens in the store. */
async function opened(
  env: Record<string, string>,
  check: (context: Context) => Promise<void>,
): Promise<void> {
  const { context, close } = await openContext(env)
  await check(context).finally(close)
}

const mailId = async ({ store }: Context) => (await store.range('mail_outbox'))[0]!.member
const totpOf = async ({ store }: Context) => {
  const text = await store.get('totp:user-alice')
  return text === undefined ? undefined : (JSON.parse(text) as { seed: string })
}

test('everything is moved while a server serves, in spite of kill -9, and nothing is lost', async () => {
  const base = {
    ISSUER_URL: `http://localhost:${freePort()}`,
    REDIS_URL: redis.url,
    STORE_TIMEOUT_MS: '30000',
    LOG_LEVEL: 'warn',
  }
  const env = (...values: string[]) => ({ ...base, SECRET_KEY: JSON.stringify(values) })
  const server = async (...values: string[]) => {
    const port = freePort()
    const running = await spawnProvider({ ...env(...values), PORT: `${port}` })
    const journey = {
      issuer: base.ISSUER_URL,
      fetch: (url: string, init?: RequestInit) =>
        fetch(url.replace(base.ISSUER_URL, `http://localhost:${port}`), init),
    }
    return { ...running, journey }
  }

  const first = await server(a)
  const alice = visitor(first.journey)
  const tokens = await good(redeem(first.journey, await codeFor(first.journey, alice)))
  let seed = ''
  const secrets = new Map<string, string>()
  await opened(env(a), async (context) => {
    for (let i = 0; i < many; i++) {
      const { client, secret } = makeClient(context, {
        client_id: `client-${i}`,
        redirect_uris: ['https://app.example/cb'],
      })
      secrets.set(client.client_id, secret!)
      await Client.create(context, client)
    }
    seed = await Totp.begin(context, 'owner', 'user-alice')
    const code = generateSync({ secret: seed, epoch: Math.floor(context.clock.now() / 1000) })
    expect(
      await Totp.confirm(context, { owner: 'owner', sub: 'user-alice', replaces: false }, code),
    ).toBeString()
    const upstream = { id: 'corp' } as Parameters<typeof Links.create>[1]
    const identity = { issuer: 'https://corp.example', subject: '1', claims: {} } as unknown as Parameters<
      typeof Links.create
    >[2]
    await Links.create(context, upstream, identity, 'user-alice', { access_token: 'of-corp' })
    await Outbox.add(context, systemRandom, context.secrets.mail, {
      to: 'alice@example.com',
      subject: 'a mail that waits',
      text: 'x',
      html: 'x',
    })
    // Nothing delivers it meanwhile.
    await context.store.link('mail_outbox', await mailId(context), context.clock.now() + 86_400_000)
    expect((await User.find(context, 'user-alice'))?.username).toBe('alice')
  })
  await first.stop()
  const running = await server(b, a)
  try {
    const cli = commandLine(env(b, a))
    const dry = await cli.json<Report>('secrets', 'reseal', '--dry-run', '--json')
    expect(dry.counts['client secrets']!.moved).toBeGreaterThanOrEqual(many)
    expect(dry.left).toBeGreaterThan(many)

    // Killed as soon as it has moved something, in the middle of the rest.
    const moved = async () => {
      let count = 0
      await opened(env(b), async (context) => {
        for (const id of ['client-0', 'client-1', 'client-2', 'client-1490'])
          if (secretOf((await Client.find(context, id))!, context) !== undefined) count++
      }).catch(() => undefined) // the keys are not moved yet
      return count
    }
    const killed = Bun.spawn([...latchkeyCommand, 'secrets', 'reseal'], {
      env: { PATH: process.env.PATH, ...env(b, a) },
      stdout: 'ignore',
      stderr: 'ignore',
    })
    await until(async () => (await moved()) > 0 || killed.exitCode !== null, 'the first record to be moved')
    killed.kill('SIGKILL')
    await killed.exited
    await opened(env(b, a), async (context) => {
      for (const [id, secret] of secrets)
        expect(secretOf((await Client.find(context, id))!, context)).toBe(secret)
      expect(openTokens(context, (await Links.listOfUser(context, 'user-alice'))[0]!)?.access_token).toBe(
        'of-corp',
      )
    })

    // The server goes on while the command runs again.
    const again = cli.json<Report>('secrets', 'reseal', '--json')
    for (let i = 0; i < 20; i++) await good(clientCredentials(running.journey))
    expect(await again).toMatchObject({ left: 0, unreadable: 0 })
    expect(await cli.json<Report>('secrets', 'reseal', '--dry-run', '--json')).toMatchObject({ left: 0 })
    const newest = (await good(refresh(running.journey, tokens.refresh_token))).refresh_token
    cli.remove()

    await opened(env(b), async (context) => {
      for (const [id, secret] of secrets)
        expect(secretOf((await Client.find(context, id))!, context)).toBe(secret)
      const later = generateSync({ secret: seed, epoch: Math.floor(context.clock.now() / 1000) + 30 })
      expect(await Totp.spend(context, 'user-alice', later)).toBe(true)
      expect(openTokens(context, (await Links.listOfUser(context, 'user-alice'))[0]!)?.access_token).toBe(
        'of-corp',
      )
      const id = await mailId(context)
      const record = JSON.parse((await context.store.get(`mail:${id}`))!) as { sealed: string }
      expect(Outbox.open(context.secrets.mail, id, record)?.subject).toBe('a mail that waits')
      expect(await totpOf(context)).toBeDefined()
    })

    const alone = await server(b)
    try {
      await good(refresh(alone.journey, newest))
      await good(clientCredentials(alone.journey))
      const { url, code_verifier } = authorizationUrl(base.ISSUER_URL, demo)
      const bob = { username: 'bob', password: 'bobpassword' } // alice is asked for a code of her app
      const code = (await visitor(alone.journey).goThrough(url, bob)).searchParams.get('code')!
      await good(redeem(alone.journey, { code, code_verifier }))
    } finally {
      await alone.stop()
    }

    // The former value, which may have leaked, opens nothing any more.
    const thief = commandLine(env(a))
    const refused = await thief.latchkey(['keys', 'list'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('not sealed with this SECRET_KEY')
    thief.remove()
    const { context, close } = await openContext(env(b))
    const { secretsOf } = await import('../../src/app.ts')
    const stolen = { ...context, secrets: secretsOf({ ...context.config, secretKey: [a] }) }
    for (const id of secrets.keys())
      expect(secretOf((await Client.find(context, id))!, stolen)).toBeUndefined()
    expect(openTokens(stolen, (await Links.listOfUser(context, 'user-alice'))[0]!)).toBeUndefined()
    const id = await mailId(context)
    const record = JSON.parse((await context.store.get(`mail:${id}`))!) as { sealed: string }
    expect(Outbox.open(stolen.secrets.mail, id, record)).toBeUndefined()
    await close()
  } finally {
    await running.stop()
  }
}, 400_000)

test('with STORE_ENCRYPTION every value is moved', async () => {
  const folder = commandLine()
  try {
    const base = { STORE_URL: `sqlite:${folder.folder}/latchkey.db`, STORE_ENCRYPTION: 'true' }
    const cli = (...values: string[]) => commandLine({ ...base, SECRET_KEY: JSON.stringify(values) })
    const [old, both, fresh] = [cli(a), cli(b, a), cli(b)]
    await old.json('keys', 'generate', '--json')
    const { client_secret } = await old.json<{ client_secret: string }>(
      ...['client', 'add', 'Shop', '--redirect-uri', 'https://shop.example/cb', '--json'],
    )
    expect(client_secret).toBeString()
    const report = await both.json<Report>('secrets', 'reseal', '--json')
    expect(report).toMatchObject({ left: 0, unreadable: 0 })
    expect(
      report.counts['values of the store']!.moved + report.counts['values of the store']!.current,
    ).toBeGreaterThan(2)
    expect(await fresh.json<{ client_name: string }[]>('client', 'list', '--json')).toMatchObject([
      { client_name: 'Shop' },
    ])
    expect((await old.latchkey(['client', 'list'])).code).not.toBe(0)
    const plain = await openBackend(loadConfig({ ...base, SECRET_KEY: b }), systemClock)
    let seen = 0
    for await (const page of plain.scan())
      for (const found of page)
        if (found.kind === 'value' && found.value.startsWith('s1.')) {
          seen++
          expect(unseal(deriveKey(a, 'store'), found.value, found.key), found.key).toBeUndefined()
          expect(unseal(deriveKey(b, 'store'), found.value, found.key), found.key).toBeString()
        }
    expect(seen).toBeGreaterThan(2)
    await plain.close()
    for (const each of [old, both, fresh]) each.remove()
  } finally {
    folder.remove()
  }
}, 240_000)
