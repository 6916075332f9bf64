/** Each way to tamper with an exported or a stored audit trail is found, and the first entry that is wrong is named. */
import { expect, test } from 'bun:test'
import { sha256 } from '../../src/lib/hash.ts'
import { macKeysOf } from '../../src/models/audit/audit.ts'
import { droppedLine, readLine, seal } from '../../src/models/audit/entry.ts'
import { batchKey, checkpointKey } from '../../src/models/audit/stored.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { auditKey, trail, type TestTrail, words } from '../support/audit_trail.ts'
import { turnableClock } from '../support/provider.ts'

const macKeys = macKeysOf([auditKey])

/** Two chains: `one` with nine entries in three checkpoints, `two` with three. */
async function written() {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const one = await trail({ store, clock, chain: 'one' })
  const two = await trail({ store, clock, chain: 'two' })
  await one.write(1, 2, 3)
  await one.sign()
  await two.write(1, 2, 3)
  await two.sign()
  await one.write(4, 5, 6)
  await one.sign()
  await one.write(7, 8, 9)
  await one.sign()
  return { one, two, store, lines: await one.lines() }
}

const of = (lines: readonly string[], chain: string) =>
  lines.findIndex((line) => readLine(line)?.chain === chain)
/** The line of entry `seq` of `one`. */
const at = (lines: readonly string[], seq: number) => of(lines, 'one') + seq - 1

test('an untouched trail verifies, offline and by its MACs', async () => {
  const { one, lines } = await written()
  for (const more of [{}, { macKeys }]) {
    const found = await one.verify(lines, more)
    expect(words(found)).toEqual([])
    expect(found).toMatchObject({ entries: 12, chains: 2, dropped: 0, uncovered: 0, checkpoints: 4 })
  }
})

type Tampering = readonly [name: string, expected: string, tamper: (lines: string[]) => string[]]

const edit = (lines: string[], seq: number) =>
  lines.with(at(lines, seq), lines[at(lines, seq)]!.replace(`client ${seq}`, 'client 0'))
const without = (lines: string[], ...seqs: number[]) =>
  lines.filter((_, i) => !seqs.some((seq) => at(lines, seq) === i))

const tamperings: readonly Tampering[] = [
  ...[1, 5, 9].map((seq): Tampering => [
    `entry ${seq} was edited`,
    `entry ${seq} of one was edited: it is not what the checkpoint signed`,
    (lines) => edit(lines, seq),
  ]),
  [
    'an entry was edited and all MACs after it made anew with the key',
    'entry 5 of one was edited: it is not what the checkpoint signed',
    (lines) => {
      const changed = edit(lines, 5)
      let { mac } = readLine(lines[at(lines, 4)]!)!
      for (const seq of [5, 6, 7, 8, 9]) {
        const body = `${changed[at(lines, seq)]!.slice(0, -53)}}`
        const made = seal(body, mac, macKeys[0]!)
        changed[at(lines, seq)] = made.line
        ;({ mac } = made)
      }
      return changed
    },
  ],
  [
    'the first entry was deleted',
    'entry 1 of one is missing: it was deleted or moved',
    (lines) => without(lines, 1),
  ],
  [
    'a middle entry was deleted',
    'entry 5 of one is missing: it was deleted or moved',
    (lines) => without(lines, 5),
  ],
  [
    'several entries were deleted',
    'entries 3 to 7 of one are missing: they were deleted or moved',
    (lines) => without(lines, 3, 4, 5, 6, 7),
  ],
  [
    'the last entry was deleted',
    'one ends at entry 8, and a checkpoint signed entries up to 9: the end was cut off',
    (lines) => without(lines, 9),
  ],
  [
    'a whole chain was deleted',
    'entries 1 to 3 of two are missing: all of the chain was deleted',
    (lines) => lines.filter((line) => readLine(line)?.chain !== 'two'),
  ],
  [
    'two entries changed places',
    'entry 4 of one is missing: it was deleted or moved',
    (lines) => {
      const [a, b] = [at(lines, 4), at(lines, 5)]
      return lines.with(a, lines[b]!).with(b, lines[a]!)
    },
  ],
  [
    'an entry was renumbered to stand for another',
    'entry 5 of one was edited: it is not what the checkpoint signed',
    (lines) => lines.with(at(lines, 5), lines[at(lines, 6)]!.replace('"seq":6', '"seq":5')),
  ],
  [
    'an entry stands twice',
    'entry 5 of one stands twice, or not in its place',
    (lines) => lines.toSpliced(at(lines, 6), 0, lines[at(lines, 5)]!),
  ],
  [
    'an entry was taken into another chain',
    'entry 2 of two was edited: it is not what the checkpoint signed',
    (lines) =>
      lines.with(of(lines, 'two') + 1, lines[at(lines, 2)]!.replace('"chain":"one"', '"chain":"two"')),
  ],
  [
    'an entry was replaced by what remains of a dropped one',
    'entry 5 of one was dropped, and no entry of the kind entries_dropped says so',
    (lines) => lines.with(at(lines, 5), droppedLine(readLine(lines[at(lines, 5)]!)!)),
  ],
  [
    'a line is no entry',
    'is not an entry: it was edited',
    (lines) => lines.with(at(lines, 5), lines[at(lines, 5)]!.slice(0, -1)),
  ],
  [
    'a member was added',
    'is not an entry: it was edited',
    (lines) => lines.with(at(lines, 5), lines[at(lines, 5)]!.replace('{', '{"note":"x",')),
  ],
  [
    'a space was added',
    'entry 5 of one was edited: it is not what the checkpoint signed',
    (lines) => lines.with(at(lines, 5), lines[at(lines, 5)]!.replace('{', '{ ')),
  ],
  [
    'a checkpoint was deleted',
    'expected checkpoint 2, got checkpoint 3: checkpoints are missing, or not in order',
    (lines) => lines.toSpliced(2, 1),
  ],
  [
    'the newest checkpoint was deleted with its entries',
    'checkpoint 4 was noted, and the trail ends at checkpoint 3: its end was cut off',
    (lines) => without(lines, 7, 8, 9).toSpliced(4, 1),
  ],
  [
    'a checkpoint was edited',
    'the checkpoint of line 3 was not signed by any of the given keys: it was edited, or is of another deployment',
    (lines) =>
      lines.with(
        2,
        lines[2]!.replace(/(?<=\..{40})./, (each) => (each === 'A' ? 'B' : 'A')),
      ),
  ],
]

for (const [name, expected, tamper] of tamperings)
  test(`found: ${name}`, async () => {
    const { one, lines } = await written()
    const newest = (await one.verify(lines)).newest!
    for (const more of [{}, { macKeys }]) {
      const found = await one.verify(tamper(lines), { ...more, seen: newest })
      expect(words(found)[0]).toContain(expected)
    }
  })

test('found: a trail of another deployment, and a checkpoint of it', async () => {
  const { one, lines } = await written()
  const other = await trail({ issuer: 'https://other.example', secretKey: 'another secret key' })
  await other.write(1, 2, 3)
  await other.sign()
  const theirs = await other.lines()
  expect(words(await one.verify(theirs))[0]).toContain(
    'the file is of another deployment: https://other.example',
  )
  const mixed = lines.with(1, theirs[1]!)
  expect(words(await one.verify(mixed))[0]).toContain('was not signed by any of the given keys')
  // Also with a key that signs for both.
  const both = { find: (kid: string) => one.audit.ring.find(kid) ?? other.audit.ring.find(kid) }
  expect(words(await one.verify(mixed, { keys: both }))[0]).toContain('checkpoint 1 is of another deployment')
})

test('found: entries that another key made, after the last checkpoint', async () => {
  const one = await trail()
  const { store, clock } = one
  await one.write(1, 2, 3)
  await one.sign()
  const forger = await trail({ store, clock, signingKeys: ['a-key-that-the-forger-made-up-for-this'] })
  await forger.write(4)
  const found = await one.verify(undefined, { macKeys })
  expect(words(found)[0]).toMatch(
    /^entry 4 of one was made with the key .*, which AUDIT_SIGNING_KEY does not have$/,
  )
  // No instance signs it: a checkpoint covers what holds by its MAC.
  await (await trail({ store, clock, chain: 'other' })).sign()
  expect((await one.verify()).uncovered).toBe(1)
})

test('found: a clock that was set back is no time that goes back, and is said', async () => {
  const one = await trail()
  await one.write(1, 2)
  one.clock.advance(-3_600_000)
  await one.write(3)
  await one.sign()
  const lines = await one.lines()
  expect(words(await one.verify(lines, { macKeys }))).toEqual([])
  const [second, third] = lines.slice(-2).map((line) => readLine(line)!.entry!)
  expect(third!.time).toBe(second!.time)
  expect(Date.parse(third!.clock!)).toBeLessThan(Date.parse(third!.time))
})

async function stored(): Promise<TestTrail> {
  const one = await trail()
  await one.write(1, 2, 3)
  await one.sign()
  await one.write(4, 5, 6)
  await one.sign()
  return one
}

test('found in the store: a batch that was deleted, edited or put elsewhere', async () => {
  const deleted = await stored()
  await deleted.store.take(batchKey('one', 2))
  expect(words(await deleted.verify())[0]).toBe('entry 2 of one is missing: it was deleted or moved')

  const edited = await stored()
  const text = (await edited.store.get(batchKey('one', 5)))!
  await edited.store.put(batchKey('one', 5), text.replace('client 5', 'client 0'))
  expect(words(await edited.verify())[0]).toBe(
    'entry 5 of one was edited: it is not what the checkpoint signed',
  )

  const moved = await stored()
  const [a, b] = await Promise.all([2, 3].map((batch) => moved.store.get(batchKey('one', batch))))
  await moved.store.put(batchKey('one', 2), b!)
  await moved.store.put(batchKey('one', 3), a!)
  expect(words(await moved.verify())[0]).toBe('entry 2 of one is missing: it was deleted or moved')
})

test('found by a running instance: the store was put back to an older state, with its checkpoints', async () => {
  const one = await stored()
  await one.store.take(checkpointKey(2))
  for (const batch of [4, 5, 6]) await one.store.take(batchKey('one', batch))
  await one.sign()
  expect(one.audit.checkpoints.problem()).toBe(
    'checkpoint 2 is no longer in the store, or is another one: the trail was cut or replaced',
  )
  expect(one.logged.some((line) => line.includes('audit_trail_damaged'))).toBe(true)
})

test('the text of a checkpoint in the log proves a cut after a restart', async () => {
  const one = await stored()
  const logged = one.logged.findLast((line) => line.includes('audit_checkpoint'))!
  const [, number, digest] = /checkpoint=(\d+):([\w-]{43})/.exec(logged)!
  const seen = { number: Number(number), digest: digest! }
  expect(words(await one.verify(undefined, { seen }))).toEqual([])
  const lines = (await one.lines()).filter((line) => (readLine(line)?.seq ?? 0) <= 3).toSpliced(2, 1)
  expect(words(await one.verify(lines))).toEqual([]) // by itself the older state is whole
  expect(words(await one.verify(lines, { seen }))[0]).toContain('its end was cut off')
  expect(words(await one.verify(undefined, { seen: { ...seen, digest: sha256('x') } }))[0]).toContain(
    'is not the one that was noted',
  )
})
