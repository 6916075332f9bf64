/** The verification of a period: as strict as that of the whole trail, and it reads the period and its neighbours alone. docs/audit.md */
import { expect, test } from 'bun:test'
import { createLog } from '../../src/lib/log.ts'
import { partLines, within } from '../../src/models/audit/export_lines.ts'
import { note } from '../../src/models/audit/note.ts'
import { partOf } from '../../src/models/audit/part.ts'
import { dropOld } from '../../src/models/audit/retention.ts'
import { batchKey, checkpointKey } from '../../src/models/audit/stored.ts'
import { macKeysOf } from '../../src/models/audit/audit.ts'
import { auditKey, trail, type TestTrail, words } from '../support/audit_trail.ts'

const day = 86_400_000
const macKeys = macKeysOf([auditKey])
const log = createLog('silent', 'text', () => {})

/** Each day an entry of two chains, and a checkpoint. */
async function twentyDays(): Promise<{ one: TestTrail; from: number }> {
  const one = await trail()
  const other = await trail({ store: one.store, clock: one.clock, chain: 'two' })
  const from = one.clock.now()
  for (let i = 0; i < 20; i += 1) {
    note(undefined, { log, audit: one.audit }, 'signed_out', { sub: `person ${i}` })
    await one.write(i)
    await other.write(i)
    await one.sign()
    one.clock.advance(day)
  }
  return { one, from }
}

async function period(one: TestTrail, from: number, to: number, keys: typeof macKeys | undefined = macKeys) {
  const newest = (await one.audit.checkpoints.newest())!
  const part = await partOf({ store: one.store, ring: one.audit.ring }, newest, { from, to })
  const lines = await Array.fromAsync(
    partLines({ store: one.store, issuer: 'https://id.example' }, newest, part),
  )
  return one.verify(lines, { macKeys: keys, after: part.after })
}

test('each period verifies, and reads no more than it needs', async () => {
  const { one, from } = await twentyDays()
  const { entries: all } = await one.verify()
  for (let start = 0; start < 19; start += 3)
    for (const length of [1, 5, 30]) {
      const found = await period(one, from + start * day, from + (start + length) * day)
      expect(words(found), `${start} ${length}`).toEqual([])
      expect(found.uncovered).toBe(0)
      if (length === 1) expect(found.entries).toBeLessThanOrEqual(15)
    }
  expect((await period(one, from - day, from + 100 * day)).entries).toBe(all)
})

test('an edit, a deletion and a checkpoint that is gone are named in their period, and an edit in no other', async () => {
  const harm: Record<string, (one: TestTrail) => Promise<unknown>> = {
    edited: async ({ store }) => {
      const text = (await store.get(batchKey('one', 11)))!
      await store.put(batchKey('one', 11), text.replace('client 10', 'client 99'))
    },
    deleted: ({ store }) => store.take(batchKey('two', 11)),
    checkpoint: ({ store }) => store.take(checkpointKey(11)),
    forged: ({ store }) => store.put(checkpointKey(11), 'not a checkpoint'),
  }
  for (const [name, run] of Object.entries(harm)) {
    const { one, from } = await twentyDays()
    await run(one)
    for (const keys of [macKeys, undefined]) {
      expect(words(await period(one, from + 9.5 * day, from + 10.5 * day, keys)), name).not.toEqual([])
      expect(words(await period(one, from + 15 * day, from + 17 * day, keys)), name).toEqual([])
      // Where the search for its end meets a checkpoint that is damaged, the part is longer and names it.
      if (name === 'edited' || name === 'deleted')
        expect(words(await period(one, from + 2 * day, from + 4 * day, keys)), name).toEqual([])
    }
  }
})

test('a period of which the retention has dropped a part, or all before it, verifies', async () => {
  const { one, from } = await twentyDays()
  const retention = { other: 12, kinds: { signed_out: 2 } }
  await dropOld({ audit: one.audit, store: one.store, now: one.clock.now(), retention })
  await one.sign()
  for (const [start, end] of [
    [0, 30],
    [3, 9],
    [9, 12],
    [14, 30],
  ] as const)
    expect(words(await period(one, from + start * day, from + end * day)), `${start}`).toEqual([])
})

test('what a request may read ends with an error, by lines and by the characters of checkpoints', async () => {
  async function* lines() {
    yield* ['heading', '{"checkpoint":"abc"}', '{"checkpoint":"abc"}', 'entry', 'entry']
  }
  const read = (bounds: { lines: number; checkpoints: number }) =>
    Array.fromAsync(within(lines(), bounds, () => new Error('too long')))
  expect(await read({ lines: 5, checkpoints: 40 })).toHaveLength(5)
  await expect(read({ lines: 4, checkpoints: 40 })).rejects.toThrow('too long')
  await expect(read({ lines: 5, checkpoints: 39 })).rejects.toThrow('too long')
})
