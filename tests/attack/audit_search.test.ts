/** Looking entries up: the newest first over all chains, filters, pages, and a bound of what is read. */
import { expect, test } from 'bun:test'
import { createLog } from '../../src/lib/log.ts'
import { note } from '../../src/models/audit/note.ts'
import { batchKey } from '../../src/models/audit/stored.ts'
import { dropOld } from '../../src/models/audit/retention.ts'
import {
  type Filter,
  type Look,
  type Place,
  placeText,
  readPlace,
  searchTrail,
} from '../../src/models/audit/search.ts'
import { readLine } from '../../src/models/audit/entry.ts'
import { trail, type TestTrail } from '../support/audit_trail.ts'
import { countingStore } from '../support/counting_store.ts'

const silent = createLog('silent', 'text', () => {})

/** Two chains that write in turns, with some entries of the same time. */
async function two(): Promise<[TestTrail, TestTrail]> {
  const one = await trail()
  const other = await trail({ store: one.store, clock: one.clock, chain: 'two' })
  for (let i = 0; i < 60; i += 1) {
    const { audit } = i % 3 === 0 ? other : one
    if (i % 2 === 0) one.clock.advance(500)
    await note(undefined, { log: silent, audit }, i % 5 === 0 ? 'client_removed' : 'client_registered', {
      client_id: `client ${i % 4}`,
      address: `203.0.113.${i % 7}`,
    })
  }
  return [one, other]
}

const everything = { limit: 1000, most: 100_000 }
const look = async ({ store }: TestTrail, filter: Filter, how: Partial<Look> = {}) =>
  searchTrail(store, filter, { ...everything, ...how })
const ids = (entries: readonly { chain: string; seq: number }[]) =>
  entries.map(({ chain, seq }) => `${chain} ${seq}`)

/** What the answer must be: all lines, sorted, filtered. */
async function expected(
  one: TestTrail,
  fits: (entry: NonNullable<ReturnType<typeof readLine>>['entry'] & {}) => boolean,
) {
  const entries = (await one.lines()).flatMap((line) => readLine(line)?.entry ?? [])
  return ids(
    entries
      .filter(fits)
      .toSorted((a, b) =>
        a.time === b.time
          ? a.chain === b.chain
            ? b.seq - a.seq
            : a.chain < b.chain
              ? -1
              : 1
          : a.time < b.time
            ? 1
            : -1,
      ),
  )
}

test('all chains together, newest first', async () => {
  const [one] = await two()
  const { entries, next } = await look(one, {})
  expect(entries).toHaveLength(60)
  expect(ids(entries)).toEqual(await expected(one, () => true))
  expect(next).toBeUndefined()
})

test('each filter, and all together', async () => {
  const [one] = await two()
  const all = (await look(one, {})).entries
  const [from, to] = [Date.parse(all[45]!.time), Date.parse(all[10]!.time)]
  const filters: [Filter, Parameters<typeof expected>[1]][] = [
    [{ kinds: new Set(['client_removed']) }, ({ kind }) => kind === 'client_removed'],
    [{ client: 'client 1' }, (entry) => entry.client_id === 'client 1'],
    [{ address: '203.0.113.3' }, ({ address }) => address === '203.0.113.3'],
    [{ outcome: 'refused' }, () => false],
    [{ actor: 'client' }, () => true],
    [{ from, to }, ({ time }) => Date.parse(time) >= from && Date.parse(time) <= to],
    [
      { from, to, client: 'client 2', kinds: new Set(['client_registered']) },
      ({ time, kind, client_id: id }) =>
        Date.parse(time) >= from &&
        Date.parse(time) <= to &&
        id === 'client 2' &&
        kind === 'client_registered',
    ],
  ]
  for (const [filter, fits] of filters)
    expect(ids((await look(one, filter)).entries)).toEqual(await expected(one, fits))
})

test.each([1, 7, 59, 60])('pages of %i have each entry once', async (limit) => {
  const [one] = await two()
  const found: string[] = []
  let after: Look['after']
  do {
    const page = await look(one, {}, { limit, after })
    found.push(...ids(page.entries))
    after = page.next && readPlace(placeText(page.next))
  } while (after)
  expect(found).toEqual(await expected(one, () => true))
})

test('what is read is bounded, and the next look goes on there', async () => {
  const [one] = await two()
  const found: string[] = []
  let after: Look['after']
  let looks = 0
  do {
    const page = await look(one, { client: 'client 3' }, { most: 10, after })
    expect(page.looked).toBeLessThanOrEqual(10)
    found.push(...ids(page.entries))
    after = page.next
    looks += 1
  } while (after && looks < 50)
  expect(looks).toBeGreaterThan(5)
  expect(found).toEqual(await expected(one, (entry) => entry.client_id === 'client 3'))
})

test('an old time is found by halving, not by reading all that is newer', async () => {
  const one = await trail()
  await one.write(...Array.from({ length: 400 }, (_, i) => i))
  const [early] = (await look(one, {})).entries.slice(-5)
  const counted = countingStore(one.store)
  const { entries } = await searchTrail(
    counted.store,
    { to: Date.parse(early!.time) },
    { limit: 3, most: 100 },
  )
  expect(entries).toHaveLength(3)
  expect(counted.take().verbs).toBeLessThan(30)
})

test('batches that are missing or damaged end no look', async () => {
  const one = await trail()
  await one.write(1, 2, 3, 4, 5)
  await one.store.take(batchKey('one', 4))
  await one.store.put(batchKey('one', 2), 'no entry\n{}\n')
  expect((await look(one, {})).entries.map(({ seq }) => seq)).toEqual([5, 3, 1])
})

test.each(['', '1', '1.2', 'x.1.one', '1.1.a b', `1.1.${'x'.repeat(201)}`, '1.1.one\n'])(
  '%p is no place',
  (text) => expect(readPlace(text)).toBeUndefined(),
)

test('batches whose entries were all dropped are passed over in bounded looks, and nothing is missed', async () => {
  const one = await trail()
  const day = 86_400_000
  await one.write(1)
  for (let i = 0; i < 60; i += 1) {
    await one.audit.keep({ kind: 'signed_out', outcome: 'success', actor: 'person', subject: `person ${i}` })
    if (i === 30) await one.write(2)
    one.clock.advance(day)
  }
  await one.sign()
  const retention = { other: 1000, kinds: { signed_out: 1 } }
  await dropOld({ audit: one.audit, store: one.store, now: one.clock.now(), retention })
  await one.write(3)
  const counted = countingStore(one.store)
  const found: string[] = []
  const asked: Filter = { kinds: new Set(['client_registered']) }
  let after: Place | undefined
  let looks = 0
  do {
    const page = await searchTrail(counted.store, asked, { ...everything, mostBatches: 5, after })
    expect(counted.take().verbs).toBeLessThanOrEqual(5 + 10) // the halving reads the logarithm of all
    found.push(...page.entries.map((entry) => String(entry.client_id)))
    after = page.next
    looks += 1
  } while (after && looks < 100)
  expect(found).toEqual(['client 3', 'client 2', 'client 1'])
  expect(looks).toBeGreaterThan(10)
})

test.each([2, 25])(
  'with %d chains each look goes on where the one before stopped, in all of them',
  async (many) => {
    const first = await trail()
    const day = 86_400_000
    const others = []
    for (let i = 1; i < many; i++)
      others.push(await trail({ store: first.store, clock: first.clock, chain: `chain-${i}` }))
    const all = [first, ...others]
    await first.write(1)
    for (const one of all)
      for (let i = 0; i < 20; i++) {
        await one.audit.keep({
          kind: 'signed_out',
          outcome: 'success',
          actor: 'person',
          subject: `person ${i}`,
        })
        first.clock.advance(1000)
      }
    await first.sign()
    first.clock.advance(40 * day)
    const retention = { other: 1000, kinds: { signed_out: 1 } }
    await dropOld({ audit: first.audit, store: first.store, now: first.clock.now(), retention })
    let after: Place | undefined
    const found: string[] = []
    let looks = 0
    do {
      const asked: Filter = { kinds: new Set(['client_registered']) }
      const page = await searchTrail(first.store, asked, { ...everything, mostBatches: 10, after })
      found.push(...page.entries.map((entry) => String(entry.client_id)))
      after = page.next
      looks += 1
    } while (after && looks < 1_000)
    expect(found).toEqual(['client 1'])
    // 20 batches of each chain, 10 in a look, and the batches of the chains that a look begins with.
    expect(looks).toBeLessThan(3 * many + 20)
  },
)

test('a look that reads nothing but newer entries goes on at the older ones', async () => {
  const one = await trail()
  const from = one.clock.now()
  await one.write(1)
  one.clock.advance(1000)
  await one.write(...Array.from({ length: 30 }, (_, i) => i + 2))
  const found: string[] = []
  let after: Place | undefined
  for (let looks = 0; looks < 60; looks += 1) {
    const page = await searchTrail(one.store, { to: from + 500 }, { limit: 10, most: 3, after })
    found.push(...page.entries.map((entry) => String(entry.client_id)))
    after = page.next
    if (!after) break
  }
  expect(found.filter((each) => each.startsWith('client'))).toEqual(['client 1'])
})
