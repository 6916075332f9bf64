/** Forgeries of the audit trail by lines and records that this provider wrote itself: left out, put elsewhere, or put in the way. */
import { expect, test } from 'bun:test'
import { trailsOf } from '../../src/cli/backup/trail.ts'
import { macKeysOf } from '../../src/models/audit/audit.ts'
import { readCheckpoint, signCheckpoint } from '../../src/models/audit/checkpoint.ts'
import { droppedLine, readLine } from '../../src/models/audit/entry.ts'
import { batchKey, chainsIndex, checkpointKey, checkpointsIndex } from '../../src/models/audit/stored.ts'
import { searchTrail } from '../../src/models/audit/search.ts'
import { verifyTrail } from '../../src/models/audit/verify.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { auditKey, trail, type TestTrail, words } from '../support/audit_trail.ts'
import { turnableClock } from '../support/provider.ts'

const macKeys = macKeysOf([auditKey])

/** `two` is signed first, and has nothing new afterwards; `one` is signed three times. */
async function written() {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const one = await trail({ store, clock, chain: 'one' })
  const two = await trail({ store, clock, chain: 'two' })
  await two.write(1, 2, 3)
  await two.sign()
  for (const numbers of [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ]) {
    await one.write(...numbers)
    await one.sign()
  }
  return { one, two, store, lines: await one.lines() }
}

const isCheckpoint = (line: string) => line.startsWith('{"checkpoint"')
const edited = (lines: readonly string[], chain: string, seq: number) =>
  lines.map((line) => {
    const read = readLine(line)
    return read?.chain === chain && read.seq === seq ? line.replace(`client ${seq}`, 'client 0') : line
  })

test('found: checkpoints that stand after the entries that they sign', async () => {
  const { one, lines } = await written()
  const [heading, ...rest] = lines
  const checkpoints = rest.filter(isCheckpoint)
  const entries = rest.filter((line) => !isCheckpoint(line))
  const { newest: seen } = await one.verify()
  for (const before of [0, 2, 3]) {
    const moved = (some: readonly string[]) => [
      heading!,
      ...checkpoints.slice(0, before),
      ...some,
      ...checkpoints.slice(before),
    ]
    for (const given of [entries, edited(entries, 'one', 9), entries.slice(0, 6), entries.slice(0, -1)])
      expect(words(await one.verify(moved(given), { seen }))[0]).toContain(
        'stands after entries: they were verified without it',
      )
  }
})

test('found: the first checkpoints were left out, and an entry that they sign was edited', async () => {
  const { one, lines } = await written()
  const without = (count: number) => {
    let left = count
    return lines.filter((line) => !isCheckpoint(line) || left-- <= 0)
  }
  for (const count of [1, 2, 3]) {
    const found = words(await one.verify(edited(without(count), 'two', 2)))
    expect(found[0]).toBe(
      `the first checkpoint is ${count + 1}, and checkpoint 4 needs all from 1 on: they were left out`,
    )
    expect(found).toContain('no checkpoint of the file signs entry 1 of two, although a later one counts it')
  }
})

test('found: a trail that begins after the checkpoint that was noted', async () => {
  const { one, lines } = await written()
  const seen = { number: 1, digest: (await one.verify(lines.slice(0, 2))).newest!.digest }
  expect(words(await one.verify(lines, { seen }))).toEqual([])
  // A holder of the keys can sign a trail anew, and let it begin where nothing that was noted can be compared.
  const later = await trail()
  await later.write(1)
  const { number, ...checkpoint } = (await one.audit.checkpoints.newest())!.checkpoint
  const jws = signCheckpoint(later.audit.ring.signer('EdDSA'), {
    ...checkpoint,
    number: number + 5,
    first: number + 5,
  })
  const found = await later.verify([lines[0]!, JSON.stringify({ checkpoint: jws })], { seen })
  expect(words(found).join('\n')).toContain('checkpoint 1 was noted, and the trail begins at checkpoint 9')
})

/** Another deployment with the same keys, such as a copy of the store for tests: its chain is no chain of ours. */
test('found: a chain that was swapped with that of another instance', async () => {
  const { one, lines } = await written()
  const swapped = lines.map((line) =>
    isCheckpoint(line)
      ? line
      : line.replace(/"chain":"(one|two)"/, (_, name) => `"chain":"${name === 'one' ? 'two' : 'one'}"`),
  )
  expect(words(await one.verify(swapped)).length).toBeGreaterThan(0)
})

async function stored(): Promise<TestTrail> {
  const one = await trail()
  await one.write(1, 2, 3)
  await one.sign()
  await one.write(4, 5, 6)
  await one.sign()
  return one
}

test('found by a running instance, and by one that starts: an older checkpoint was put in as the newest', async () => {
  const one = await stored()
  await one.store.put(checkpointKey(3), (await one.store.get(checkpointKey(1)))!)
  await one.write(7)
  await one.sign()
  expect(one.audit.checkpoints.problem()).toBe('checkpoint 3 is another one: 1 was put in its place')
  const next = await trail({ store: one.store, clock: one.clock })
  await next.sign()
  const { checkpoint } = (await next.audit.checkpoints.newest())!
  expect(checkpoint.segments.every(({ from }) => from > 6)).toBe(true)
})

test('a checkpoint that the index names and that is not there stops no signature', async () => {
  const one = await stored()
  await one.store.link(checkpointsIndex, 'newest', 1e12)
  const next = await trail({ store: one.store, clock: one.clock })
  await next.write(7)
  await next.sign()
  expect(next.audit.checkpoints.problem()).toBe(
    'checkpoint 1000000000000 is named by the index and is not there: the trail was cut, or the index was changed',
  )
  expect((await next.audit.checkpoints.newest())?.number).toBe(3)
  expect(words(await next.verify(undefined, { macKeys }))).toEqual([])
})

test('names that a stranger put into the index of chains make no checkpoint that cannot be read', async () => {
  const one = await stored()
  for (const name of ['constructor', '__proto__', 'toString', 'x'.repeat(5_000)])
    await one.store.link(chainsIndex, name, 1)
  for (let i = 0; i < 3_000; i += 1) await one.store.link(chainsIndex, `chain-${i}`, 1)
  await one.write(7)
  await one.sign()
  const { jws } = (await one.audit.checkpoints.newest())!
  expect(Object.keys(readCheckpoint(one.audit.ring, jws)!.chains)).toEqual(['one'])
  const again = await trail({ store: one.store, clock: one.clock })
  await again.sign()
  expect(words(await again.verify(undefined, { macKeys }))).toEqual([])
})

test('names and numbers that a stranger put into the index of chains stop and hide no look-up', async () => {
  const one = await stored()
  for (const name of ['constructor', '__proto__', 'toString']) await one.store.link(chainsIndex, name, 1)
  await one.store.link(chainsIndex, 'one', 6.5)
  const found = await searchTrail(one.store, {}, { limit: 10, most: 100 })
  expect(found.entries.map(({ seq }) => seq)).toEqual([6, 5, 4, 3, 2, 1])
})

test('names that a stranger put into the index of chains leave no chain out of a backup', async () => {
  const one = await stored()
  for (let i = 0; i < 1_100; i += 1) {
    await one.store.link(chainsIndex, `before-${i}`, 0)
    await one.store.link(chainsIndex, `after-${i}`, 1e9)
  }
  const { ends, isIn } = await trailsOf(one.store, [])
  expect(ends).toContainEqual({ kind: 'member', index: chainsIndex, member: 'one', score: 6 })
  for (let batch = 1; batch <= 6; batch += 1)
    expect(isIn({ kind: 'value', key: batchKey('one', batch), value: '' })).toBe(true)
})

test('a batch of a stranger at the end of a chain stops no start, and hides no gap', async () => {
  for (const text of ['garbage', '{"kind":"stopped"}', 'null', '']) {
    const one = await stored()
    await one.store.create(batchKey('one', 7), text)
    const again = await trail({ store: one.store, clock: one.clock, isServer: true })
    await again.audit.flush()
    const kinds = (await again.lines()).flatMap((line) => readLine(line)?.entry?.kind ?? [])
    expect(kinds, text).toContain('audit_gap')
    expect(kinds, text).toContain('audit_trail_damaged')
  }
})

test('what was dropped by a stranger at the end of a chain hides no gap either', async () => {
  const one = await stored()
  const text = (await one.store.get(batchKey('one', 6)))!
  await one.store.put(batchKey('one', 6), droppedLine(readLine(text)!))
  const again = await trail({ store: one.store, clock: one.clock, isServer: true })
  const kinds = (await again.lines()).flatMap((line) => readLine(line)?.entry?.kind ?? [])
  expect(kinds).toContain('audit_gap')
})

test('a hostile file is refused in linear time: many chains, many checkpoints', async () => {
  const { one, lines } = await written()
  let looks = 0
  const keys = { find: (kid: string) => (looks++, one.audit.ring.find(kid)) }
  const checkpoint = lines.find(isCheckpoint)!
  const entry = lines.find((line) => readLine(line)?.chain === 'one')!
  function* hostile() {
    yield lines[0]!
    for (let i = 0; i < 2_000; i += 1) yield checkpoint
    for (let i = 0; i < 2_000; i += 1) yield entry.replace('"chain":"one"', `"chain":"c${i}"`)
  }
  const found = await verifyTrail(hostile(), { keys })
  expect(found.findings).toHaveLength(100)
  expect(looks).toBeLessThan(200)
  expect(found.checkpoints).toBe(1)
})
