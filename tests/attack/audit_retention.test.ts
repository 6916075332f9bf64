/** AUDIT_RETENTION: entries go by kind, what remains verifies, and nobody else can drop one. */
import { expect, test } from 'bun:test'
import { macKeysOf } from '../../src/models/audit/audit.ts'
import { droppedLine, readLine } from '../../src/models/audit/entry.ts'
import { note } from '../../src/models/audit/note.ts'
import { dropOld, type Retention } from '../../src/models/audit/retention.ts'
import { batchKey, checkpointKey } from '../../src/models/audit/stored.ts'
import { createLog } from '../../src/lib/log.ts'
import { auditKey, trail, type TestTrail, words } from '../support/audit_trail.ts'

const macKeys = macKeysOf([auditKey])
const day = 86_400_000
const log = createLog('silent', 'text', () => {})
const retention: Retention = { other: 100, kinds: { signed_out: 10 } }

const turn = ({ audit, store, clock }: TestTrail) => dropOld({ audit, store, now: clock.now(), retention })

/** Each day a registration and, in the same batch, a sign-out; a checkpoint each day. */
async function days(one: TestTrail, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    note(undefined, { log, audit: one.audit }, 'signed_out', { sub: `person ${i}` })
    await one.write(i)
    await one.sign()
    one.clock.advance(day)
  }
}

const entriesOf = async (one: TestTrail) => (await one.lines()).flatMap((line) => readLine(line)?.entry ?? [])

async function expectWhole(one: TestTrail): Promise<void> {
  await one.sign()
  for (const more of [{}, { macKeys }]) expect(words(await one.verify(undefined, more))).toEqual([])
}

test('entries go by their kind; the rest verifies, offline and by its MACs', async () => {
  const one = await trail()
  await days(one, 30)
  expect(await turn(one)).toBe(21)
  await expectWhole(one)
  const kinds = (await entriesOf(one)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'signed_out')).toHaveLength(9)
  expect(kinds.filter((kind) => kind === 'client_registered')).toHaveLength(30)
  expect(kinds.filter((kind) => kind === 'entries_dropped')).toHaveLength(1)
  expect((await one.verify()).dropped).toBe(21)
  // Again: there is nothing more to do.
  expect(await turn(one)).toBe(0)
})

test('what has nothing left goes from the store, with its checkpoints', async () => {
  const one = await trail()
  await days(one, 150)
  await turn(one)
  await expectWhole(one)
  expect(await one.store.get(batchKey('one', 1))).toBeUndefined()
  expect(await one.store.get(checkpointKey(1))).toBeUndefined()
  const [first] = await entriesOf(one)
  expect(Date.parse(first!.time)).toBeGreaterThanOrEqual(one.clock.now() - 101 * day)
  // Day after day, beside what is new: the records of what was dropped go too.
  for (let i = 0; i < 130; i += 1) {
    await days(one, 1)
    await turn(one)
  }
  await expectWhole(one)
  const kinds = (await entriesOf(one)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'entries_dropped').length).toBeLessThanOrEqual(2 * 101)
})

test('a chain that nobody writes any more ends empty, and still verifies', async () => {
  const died = await trail({ chain: 'died' })
  await days(died, 3)
  const one = await trail({ store: died.store, clock: died.clock, chain: 'one' })
  died.clock.advance(200 * day)
  await one.write(1)
  await one.sign()
  await turn(one)
  await turn(one)
  await expectWhole(one)
  expect((await entriesOf(one)).every(({ chain }) => chain === 'one')).toBe(true)
})

test('a stop between the entry and the drop leaves a trail that verifies, and the next turn drops', async () => {
  const one = await trail()
  await days(one, 30)
  const { replace } = one.store
  one.store.replace = () => Promise.reject(new Error('killed'))
  await expect(turn(one)).rejects.toThrow('killed')
  one.store.replace = replace
  await expectWhole(one)
  await turn(one)
  await expectWhole(one)
  expect((await entriesOf(one)).filter(({ kind }) => kind === 'signed_out')).toHaveLength(9)
})

test('an entry that someone else dropped is found, also beside those that were dropped rightly', async () => {
  const one = await trail()
  await days(one, 30)
  await turn(one)
  await one.sign()
  const lines = await one.lines()
  const at = lines.findIndex((line) => readLine(line)?.entry?.kind === 'client_registered')
  const line = readLine(lines[at]!)!
  const found = await one.verify(lines.with(at, droppedLine(line)))
  expect(words(found)[0]).toContain(`entry ${line.seq} of one was dropped`)
  expect(words(found)[0]).toContain('no entry of the kind entries_dropped says so')
})

test('a batch that is missing is not passed over: the retention destroys no evidence', async () => {
  const one = await trail()
  await days(one, 150)
  await one.store.take(batchKey('one', 2))
  await turn(one)
  await one.sign()
  expect(words(await one.verify())[0]).toContain('of one are missing')
  expect((await one.audit.checkpoints.newest())!.checkpoint.chains.one!.base.seq).toBeLessThan(5)
})

test('a record of progress that a stranger wrote removes no entry before its time', async () => {
  for (const gone of [0, -1e15, 0.5, 'x', null]) {
    const one = await trail()
    await days(one, 30)
    await one.store.put('audit_retention:one', JSON.stringify({ 10: 1e9, 100: 1e9, gone }))
    await turn(one)
    await turn(one)
    await expectWhole(one)
    const kinds = (await entriesOf(one)).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'client_registered')).toHaveLength(30)
  }
})

test('lines that a stranger dropped are not removed with what was dropped rightly', async () => {
  const one = await trail()
  await days(one, 30)
  for (let batch = 1; batch <= 30; batch += 1) {
    const text = (await one.store.get(batchKey('one', batch)))!
    const lines = text.split('\n').map((line) => droppedLine(readLine(line)!))
    await one.store.put(batchKey('one', batch), lines.join('\n'))
  }
  await turn(one)
  await one.sign()
  await turn(one)
  expect(words(await one.verify())[0]).toContain('no entry of the kind entries_dropped says so')
})
