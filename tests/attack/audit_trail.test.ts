/** The audit trail under attack: what it must not say, who may flood it, two processes of one name, a store that goes away. */
import { expect, test } from 'bun:test'
import { createFold } from '../../src/models/audit/fold.ts'
import { misfit, readLine } from '../../src/models/audit/entry.ts'
import { exportLines } from '../../src/models/audit/export_lines.ts'
import { macKeysOf } from '../../src/models/audit/audit.ts'
import { hasUnsafe } from '../../src/lib/unsafe_text.ts'
import { note } from '../../src/models/audit/note.ts'
import { createLog } from '../../src/lib/log.ts'
import { batchKey } from '../../src/models/audit/stored.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { instancesOnRedis } from '../support/instances.ts'
import { auditKey, trail, words } from '../support/audit_trail.ts'
import { alice, browser, demo, tokensOf } from '../support/flow.ts'
import { User } from '../../src/models/user.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const env = { AUDIT_SIGNING_KEY: auditKey, REGISTRATION: 'open' }
const macKeys = macKeysOf([auditKey])
const silent = createLog('silent', 'text', () => {})

async function entriesOf(op: Provider) {
  const { audit, store, config } = op.context
  await audit!.flush()
  const newest = await audit!.checkpoints.extend(audit)
  const lines = await Array.fromAsync(exportLines({ store, issuer: config.issuer }, newest))
  return lines.flatMap((line) => readLine(line)?.entry ?? [])
}

const register = (op: Provider, name = 'An app') =>
  op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'Canary/1.0' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], client_name: name }),
  })

test('a sign-in is said, without name, address of mail, password, code or sub', async () => {
  const op = await provider({ env })
  const tokens = await tokensOf(op, browser(op), demo, { scope: 'openid offline_access' })
  const user = (await User.findByUsername(op.context, alice.username))!
  const entries = await entriesOf(op)
  const signedIn = entries.find(({ kind }) => kind === 'signed_in')!
  expect(signedIn).toMatchObject({
    outcome: 'success',
    actor: 'person',
    address: '127.0.0.1',
    details: { amr: 'pwd' },
  })
  expect(signedIn.request_id).toBeString()
  const text = JSON.stringify(entries)
  const secrets = Object.values(tokens).filter((value) => typeof value === 'string' && value.length > 43)
  expect(secrets.length).toBeGreaterThan(1)
  for (const canary of [alice.username, alice.password, user.sub, user.claims.email, ...secrets])
    expect(text).not.toContain(String(canary))
  expect(signedIn.subject).toBe(op.context.audit!.pseudonym(user.sub))
  expect(entries.find(({ kind }) => kind === 'tokens_issued')).toMatchObject({
    subject: signedIn.subject,
    client_id: 'client123',
    details: { grant_type: 'authorization_code' },
  })
  for (const entry of entries) expect(misfit(entry), entry.kind).toBeUndefined()
})

test('a refusal is an entry with its reason; many alike are ten entries and a number', async () => {
  const op = await provider({ env })
  const body = () =>
    new URLSearchParams({ grant_type: 'client_credentials', client_id: 'nobody', client_secret: 'x' })
  for (let i = 0; i < 50; i += 1) await op.fetch('/token', { method: 'POST', body: body() })
  await op.fetch('/token', { method: 'POST', body: body() }, '192.0.2.7')
  await op.fetch('/nothing')
  op.clock.advance(61_000)
  await op.context.audit!.tick(60)
  const entries = await entriesOf(op)
  const refused = entries.filter(({ kind }) => kind === 'refused')
  expect(refused).toHaveLength(11)
  expect(refused[0]).toMatchObject({
    outcome: 'refused',
    reason: 'invalid_client',
    client_id: 'nobody',
    address: '127.0.0.1',
  })
  const counted = entries.filter(({ kind }) => kind === 'refusals_counted')
  expect(counted).toHaveLength(1)
  expect(counted[0]).toMatchObject({ reason: 'invalid_client', details: { count: 40 } })
})

test('all addresses of one IPv6 network are one stranger', async () => {
  const op = await provider({ env })
  for (let i = 1; i <= 40; i += 1)
    await op.fetch(
      '/token',
      {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: 'nobody',
          client_secret: 'x',
        }),
      },
      `2001:db8:1:2::${i.toString(16)}`,
    )
  const entries = await entriesOf(op)
  expect(entries.filter(({ kind }) => kind === 'refused')).toHaveLength(10)
})

test('very many strangers at once are counted together', () => {
  const fold = createFold<string>(turnableClock())
  let alone = 0
  for (let i = 0; i < 100_000; i += 1) if (fold.admits(`stranger ${i % 20_000}`, 'like')) alone += 1
  expect(alone).toBeLessThanOrEqual(10_010)
})

test('a write whose answer was lost is one entry, although more have come since', async () => {
  const inner = memoryStore(turnableClock())
  let lost = 0
  const store: Store = new Proxy(inner, {
    get: (target, verb: keyof Store) =>
      verb === 'create'
        ? async (...args: Parameters<Store['create']>) => {
            const isNew = await target.create(...args)
            if (args[0].startsWith('audit:') && lost++ === 0)
              throw new StoreUnavailable('the answer was lost')
            return isNew
          }
        : (target[verb] as (...all: unknown[]) => unknown)?.bind(target),
  })
  const one = await trail({ store })
  await expect(one.write(1)).rejects.toThrow(StoreUnavailable)
  await one.write(2)
  await one.audit.flush()
  await one.sign()
  const clients = (await one.lines()).flatMap((line) => readLine(line)?.entry?.client_id ?? [])
  expect(clients).toEqual(['client 1', 'client 2'])
  expect(words(await one.verify(undefined, { macKeys }))).toEqual([])
})

test('texts of strangers end no line and are bounded', async () => {
  const op = await provider({ env })
  const name = 'Evil"}\n{"v":1,"chain":"test","seq":1}\u2028'
  expect((await register(op, name)).status).toBeLessThan(500)
  await op.fetch('/token', { method: 'POST', headers: { 'user-agent': 'Mozilla \u009b31m \u0085 \u00adx' } })
  const long = await op.fetch('/token', {
    method: 'POST',
    headers: {
      'user-agent': 'x'.repeat(10_000),
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'y'.repeat(5_000),
      client_secret: 'x',
    }),
  })
  expect(long.status).toBeGreaterThanOrEqual(400)
  const entries = await entriesOf(op)
  expect(entries.some(({ device }) => device === 'Mozilla \u009b31m \u0085 \u00adx')).toBe(true)
  const { store, config } = op.context
  for await (const line of exportLines({ store, issuer: config.issuer }, undefined))
    expect(hasUnsafe(line, 'line')).toBe(false)
  const last = entries.findLast(({ kind }) => kind === 'refused')!
  expect(JSON.stringify(last).length).toBeLessThan(4_000)
  expect(last.trace_id).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
})

test('HEAD writes no entry', async () => {
  const op = await provider({ env })
  await op.fetch('/userinfo', { method: 'HEAD' })
  const before = (await entriesOf(op)).length
  await op.fetch('/authorize?client_id=client123', { method: 'HEAD' })
  expect((await entriesOf(op)).filter(({ kind }) => kind !== 'refused').length).toBeLessThanOrEqual(before)
})

/** A store that refuses writes of the trail while `down`. */
function faulty(inner: Store) {
  const state = { down: false }
  const store: Store = new Proxy(inner, {
    get(target, verb: keyof Store) {
      if (target[verb] === undefined) return undefined
      return (...args: unknown[]) => {
        if (state.down && verb === 'create' && String(args[0]).startsWith('audit:'))
          return Promise.reject(new StoreUnavailable('down'))
        return (target[verb] as (...all: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  return { store, state }
}

test('while the trail cannot be written a change is not acknowledged, and is an entry afterwards', async () => {
  const clock = turnableClock()
  const { store, state } = faulty(memoryStore(clock))
  const op = await provider({ env, store, clock })
  state.down = true
  const refused = await register(op)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBeString()
  state.down = false
  expect((await register(op)).status).toBe(201)
  const made = (await entriesOf(op)).filter(({ kind }) => kind === 'client_registered')
  expect(made).toHaveLength(2)
})

test('too many that wait are counted, and the gap is an entry', async () => {
  const { store, state } = faulty(memoryStore(turnableClock()))
  const one = await trail({ store })
  state.down = true
  for (let i = 0; i < 20_010; i += 1)
    one.audit.later({ kind: 'signed_out', outcome: 'success', actor: 'person' })
  expect(one.audit.lost()).toBe(10)
  state.down = false
  await one.audit.flush()
  await one.sign()
  const gap = (await one.lines())
    .map((line) => readLine(line)?.entry)
    .findLast((entry) => entry?.kind === 'audit_gap')
  expect(gap).toMatchObject({ reason: 'too_many_waited', details: { lost: 10 } })
  expect(words(await one.verify(undefined, { macKeys }))).toEqual([])
})

test('two processes of one name continue one chain: nothing is overwritten', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [one, two] = [await trail({ store, clock }), await trail({ store, clock })]
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      note(undefined, { log: silent, audit: (i % 2 ? one : two).audit }, 'client_registered', {
        client_id: `${i}`,
      }),
    ),
  )
  await one.sign()
  const entries = (await one.lines()).flatMap((line) => readLine(line)?.entry ?? [])
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  expect(new Set(entries.map(({ client_id }) => client_id)).size).toBe(60)
  expect(words(await one.verify(undefined, { macKeys }))).toEqual([])
})

test('an instance that died is signed for by another one, and its next start says the gap', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const died = await trail({ store, clock, chain: 'died', isServer: true })
  await died.write(1, 2, 3)
  const other = await trail({ store, clock, chain: 'other' })
  await other.write(1)
  await other.audit.checkpoints.extend(other.audit) // the first look: it may still sign itself
  expect((await other.verify()).uncovered).toBe(3)
  await other.audit.checkpoints.extend(other.audit)
  expect((await other.verify()).uncovered).toBe(0)
  const again = await trail({ store, clock, chain: 'died', isServer: true })
  await again.sign()
  const kinds = (await again.lines()).flatMap((line) => readLine(line)?.entry ?? []).map(({ kind }) => kind)
  expect(kinds.slice(0, 4)).toEqual([
    'client_registered',
    'client_registered',
    'client_registered',
    'audit_gap',
  ])
  expect(words(await again.verify(undefined, { macKeys }))).toEqual([])
})

test('AUDIT_SIGNING_KEY is replaced: the new value signs, the old one verifies', async () => {
  const one = await trail()
  await one.write(1, 2)
  const fresh = 'another-audit-signing-key-of-the-tests'
  const two = await trail({ store: one.store, clock: one.clock, signingKeys: [fresh, auditKey] })
  await two.write(3, 4)
  await two.sign()
  expect(words(await two.verify(undefined, { macKeys: macKeysOf([fresh, auditKey]) }))).toEqual([])
  expect(words(await two.verify(undefined, { macKeys: macKeysOf([fresh]) }))[0]).toContain(
    'entry 1 of one was made with the key',
  )
})

test('a batch that a stranger put in the way is passed over and named; the chain goes on and is signed', async () => {
  const one = await trail()
  await one.write(1, 2)
  await one.store.create(batchKey('one', 3), 'garbage')
  await one.store.create(batchKey('one', 4), '{"v":1}')
  await one.write(3, 4)
  await one.sign()
  expect(one.logged.some((line) => line.includes('audit_trail_damaged'))).toBe(true)
  const found = await one.verify(undefined, { macKeys })
  expect(words(found)[0]).toContain('is not an entry: it was edited')
  expect(found).toMatchObject({ uncovered: 0 })
  const again = await trail({ store: one.store, clock: one.clock })
  await again.write(5)
  await again.sign()
  const seqs = (await again.lines()).flatMap((line) => readLine(line)?.seq ?? [])
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
})

test('two instances on one Redis: of one name or of two, all is in its chain and signed', async () => {
  const instances = await instancesOnRedis()
  try {
    for (const names of [
      ['same', 'same'],
      ['one', 'two'],
    ]) {
      const pair = await instances.pair()
      const trails = await Promise.all(
        pair.map(({ context }, i) => trail({ store: context.store, chain: names[i]! })),
      )
      await Promise.all(Array.from({ length: 40 }, (_, i) => trails[i % 2]!.write(i)))
      await Promise.all(trails.map((each) => each.sign()))
      await trails[0]!.sign()
      const found = await trails[0]!.verify(undefined, { macKeys })
      expect(words(found)).toEqual([])
      expect(found).toMatchObject({ entries: 40, uncovered: 0 })
    }
  } finally {
    await instances.stop()
  }
}, 240_000)
