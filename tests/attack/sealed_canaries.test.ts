/** A store with STORE_ENCRYPTION holds nothing that a reader understands: an account with something of everything, and the raw backend searched for each of its words. Issue 10, §4. */
import { createHash } from 'node:crypto'
import { afterAll, expect, test } from 'bun:test'
import { createNameCipher } from '../../src/lib/name_cipher.ts'
import { createLog } from '../../src/lib/log.ts'
import { activeIndex } from '../../src/models/audit/alerts/active.ts'
import { judgeSink } from '../../src/models/audit/alerts/judge.ts'
import { rulesOf } from '../../src/models/audit/alerts/rule.ts'
import { runStream } from '../../src/models/audit/stream/stream.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { encryptedPlace } from '../../src/store/named.ts'
import { sealedStore } from '../../src/store/sealed.ts'
import type { Backend } from '../../src/store/store.ts'
import { withPassword } from '../support/authenticator.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { liveRichly } from '../support/rich_life.ts'
import { secondLatchkey, upstreamEnv } from '../support/upstream.ts'

const up = await secondLatchkey('http://localhost:5000/upstream/callback/corp')
afterAll(() => up.stop())
const corp = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }

const herAddress = '198.51.100.77'
const userAgent = 'CanaryBrowser/7.1 (Canary OS)'
const canaries = [
  ...['alice', 'alice@example.com', 'alice@new.example', 'Alice Anders', 'anders', 'https://alice.example/'],
  ...['Canarystrasse 7', 'Canaryville', '+15550001234', 'Canarymiddle', '1990-07-07', 'canary.png'],
  ...[herAddress, userAgent, up.issuer, 'canary-guess'],
]

/** As it is, as part of a URL, and as every digest that a reader would try. */
const formsOf = (text: string): string[] => {
  const lower = text.toLowerCase()
  const digests = [text, lower].flatMap((each) => {
    const digest = createHash('sha256').update(each).digest()
    return [digest.toString('base64url').slice(0, 20), digest.toString('hex').slice(0, 20)]
  })
  return [lower, encodeURIComponent(text).toLowerCase(), Buffer.from(text).toString('base64url'), ...digests]
}

/** Everything that the backend has, as one line for each part. */
async function partsOf(backend: Backend): Promise<string[]> {
  const parts: string[] = []
  for await (const page of backend.scan())
    for (const found of page)
      parts.push(
        ...(found.kind === 'value'
          ? [found.key, found.value]
          : [found.index, found.member, `${found.score}`]),
      )
  return parts
}

const found = (parts: readonly string[]): string[] =>
  canaries.flatMap((canary) => {
    const forms = formsOf(canary)
    return (
      parts
        // The `sub` of a demo account has her name; that of others is random.
        .map((part) => part.replaceAll('user-alice', ''))
        .filter((part) => forms.some((form) => part.includes(form) || part.toLowerCase().includes(form)))
        .map((part) => `${canary} in ${part}`)
    )
  })

/** An alert of the audit trail counts by address, and is a member of an index. */
async function alertAbout(address: string, { context }: Provider): Promise<void> {
  const { store, clock, audit } = context
  const parts = { store, clock, audit: audit!, log: createLog('silent', 'text', () => {}) }
  const judge = async () => {
    while (await runStream(parts, judgeSink(parts, rulesOf({}))));
  }
  await judge()
  for (let i = 0; i < 60; i++)
    parts.audit.later({ kind: 'sign_in_failed', outcome: 'refused', actor: 'unproven', address })
  await parts.audit.flush()
  await judge()
  expect(await store.range(activeIndex)).toHaveLength(1)
}

async function life(encrypts: boolean) {
  const clock = turnableClock(Math.max(Date.now(), up.clock.now()))
  const backend = memoryStore(clock)
  const cipher = createNameCipher('a-secret-of-names-for-this-test-with-256-bits')
  const store = encrypts ? sealedStore(encryptedPlace(backend, cipher), new Uint8Array(32).fill(7)) : backend
  const env = { ...upstreamEnv([corp], [up]), AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test' }
  const op = await provider({ clock, store, env: { ...env, RATE_LIMITING_ENABLED: 'true' } })
  const from = (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set('User-Agent', userAgent)
    return op.fetch(url, { ...init, headers }, herAddress)
  }
  await liveRichly(op, person(op.issuer, from), up)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  await User.update(op.context, sub, (user) => ({
    ...user,
    claims: {
      ...user.claims,
      address: { street_address: 'Canarystrasse 7', locality: 'Canaryville' },
      phone_number: '+15550001234',
      middle_name: 'Canarymiddle',
      birthdate: '1990-07-07',
      picture: 'https://alice.example/canary.png',
    },
  }))
  await withPassword(person(op.issuer, from), { username: 'canary-guess', password: 'not hers' })
  for (const { run } of op.context.table.jobs) await run(op.context)
  await alertAbout(herAddress, op)
  return { op, sub, backend }
}

test('without encryption the canaries are found, so that they can be', async () => {
  const { backend } = await life(false)
  const lines = found(await partsOf(backend))
  for (const canary of canaries.filter((each) => each !== 'canary-guess'))
    expect([canary, lines.some((line) => line.startsWith(`${canary} in `))]).toEqual([canary, true])
}, 60_000)

test('with encryption no key, value, index, member or score has one, nor a digest that could be guessed', async () => {
  const { op, sub, backend } = await life(true)
  const parts = await partsOf(backend)
  const kinds = new Set(parts.flatMap((part) => /^~([a-z_]+):/.exec(part)?.[1] ?? []))
  expect(kinds.size).toBeGreaterThan(25)
  expect(found(parts)).toEqual([])
  expect((await User.find(op.context, sub))?.claims.middle_name).toBe('Canarymiddle')
  expect(await User.findByUsername(op.context, 'ALICE')).toMatchObject({ sub })
}, 60_000)
