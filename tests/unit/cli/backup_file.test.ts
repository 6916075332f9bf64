/** A backup as an attacker would have it: changed, cut, put together from pieces, of another version, endless. */
import { expect, test } from 'bun:test'
import { type About, readContent, writeContent } from '../../../src/cli/backup/content.ts'
import { chunkBytes, openFile, sealFile } from '../../../src/cli/backup/sealed_file.ts'
import { Refusal } from '../../../src/cli/failure.ts'
import type { Found } from '../../../src/store/store.ts'

const secret = 'a key of backups with 45 characters, at least'
const headBytes = 'latchkey backup 1\n'.length + 32
const sealedBytes = chunkBytes + 16

async function* of(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

const seal = (text: Uint8Array): Promise<Buffer> => collect(sealFile(secret, of(text)))
const opened = (file: Uint8Array, key = secret): Promise<Buffer> => collect(openFile(key, of(file)))

/** Refused, and nothing but a Refusal is thrown. */
async function refusal(file: Uint8Array, key = secret): Promise<string> {
  const error = await opened(file, key).then(
    (text) => new Error(`opened ${text.length} bytes`),
    (thrown: Error) => thrown,
  )
  expect(error).toBeInstanceOf(Refusal)
  return error.message
}

const chunksOf = (file: Buffer): Buffer[] => {
  const chunks: Buffer[] = []
  for (let at = headBytes; at < file.length; at += sealedBytes)
    chunks.push(file.subarray(at, at + sealedBytes))
  return chunks
}

const long = Buffer.from(Array.from({ length: 4 * chunkBytes + 777 }, (_, i) => (i * 31) % 251))

test('any length comes back as it was, however the bytes arrive; the same text never seals the same', async () => {
  for (const length of [
    0,
    1,
    15,
    16,
    chunkBytes - 1,
    chunkBytes,
    chunkBytes + 1,
    2 * chunkBytes,
    long.length,
  ]) {
    const text = long.subarray(0, length)
    const file = await seal(text)
    expect((await opened(file)).equals(text)).toBe(true)
    const pieces = Array.from({ length: Math.ceil(file.length / 999) }, (_, i) =>
      file.subarray(i * 999, (i + 1) * 999),
    )
    expect((await collect(openFile(secret, of(...pieces)))).equals(text)).toBe(true)
    expect((await seal(text)).equals(file)).toBe(false)
  }
})

test('one changed bit anywhere is refused', async () => {
  const file = await seal(long)
  const places = [...Array(60).keys(), ...Array.from({ length: 60 }, (_, i) => file.length - 1 - i)]
  for (let at = 0; at < file.length; at += 7_919) places.push(at)
  for (const at of places) {
    const changed = Buffer.from(file)
    changed[at] = changed[at]! ^ 1
    await refusal(changed)
  }
})

test('a file that was cut off anywhere, or goes on, is refused', async () => {
  const file = await seal(long)
  const edges = Array.from({ length: 5 }, (_, i) => headBytes + i * sealedBytes)
  for (const length of [0, 1, 17, 30, ...edges, ...edges.map((edge) => edge + 1), file.length - 1])
    await refusal(file.subarray(0, length))
  await refusal(Buffer.concat([file, Buffer.alloc(1)]))
  await refusal(Buffer.concat([file, Buffer.alloc(sealedBytes)]))
  await refusal(Buffer.concat([file, file.subarray(headBytes)]))
})

test('chunks that were swapped, repeated, left out or taken from another backup are refused', async () => {
  const [file, other] = [await seal(long), await seal(long)]
  const head = file.subarray(0, headBytes)
  const [a, b, c, d, e] = chunksOf(file) as [Buffer, Buffer, Buffer, Buffer, Buffer]
  const [, foreign] = chunksOf(other) as [Buffer, Buffer]
  for (const chunks of [
    [b, a, c, d, e],
    [a, a, b, c, d, e],
    [a, c, d, e],
    [a, b, c, e],
    [a, b, c, d],
    [a, foreign, c, d, e],
    [e],
    [],
  ])
    await refusal(Buffer.concat([head, ...chunks]))
  await refusal(Buffer.concat([other.subarray(0, headBytes), a, b, c, d, e]))
  expect((await opened(Buffer.concat([head, a, b, c, d, e]))).equals(long)).toBe(true)
})

test('another key, another kind of file and another version are told apart', async () => {
  const file = await seal(Buffer.from('text'))
  expect(await refusal(file, `${secret}!`)).toContain('BACKUP_KEY is not the key of this backup')
  expect(await refusal(Buffer.from('SQLite format 3\0'.repeat(100)))).toContain('another kind of file')
  const next = Buffer.from(file)
  next.write('2', 'latchkey backup '.length)
  expect(await refusal(next)).toContain('has format 2, and this release reads format 1')
})

const about: About = {
  backup: 1,
  made_at: 1_800_000_000_000,
  version: '1.2.3',
  issuer: 'https://id.example',
  contents: 'everything',
  sealed: false,
}
const found: Found[] = [
  { kind: 'value', key: 'user:a', value: 'line\nbreak "quote" \0 😀' },
  { kind: 'value', key: 'event:b', value: 'x', ttl: 5_000 },
  { kind: 'member', index: 'users', member: 'a\n', score: 1.5 },
]

async function read(text: AsyncIterable<Uint8Array>, now = about.made_at) {
  const parts: unknown[] = []
  for await (const part of readContent(text, now)) parts.push(part)
  return parts
}

async function* pages(): AsyncGenerator<readonly Found[]> {
  yield found.slice(0, 2)
  yield found.slice(2)
}
const written = () => collect(writeContent(about, pages(), { now: () => about.made_at, counted: () => {} }))

test('records come back with the time that is left; what has expired since does not', async () => {
  const text = await written()
  expect(await read(of(text))).toEqual([{ about }, ...found.map((each) => ({ found: each }))])
  const bytes = Array.from(text, (_, i) => text.subarray(i, i + 1))
  expect(await read(of(...bytes))).toHaveLength(4)
  expect(await read(of(text), about.made_at + 2_000)).toContainEqual({ found: { ...found[1], ttl: 3_000 } })
  expect(await read(of(text), about.made_at + 5_000)).toHaveLength(3)
})

test('text that no release writes is refused, although it is sealed with the key', async () => {
  const lines = (await written()).toString().trimEnd().split('\n')
  const [first = '', ...records] = lines.slice(0, -1)
  const end = lines.at(-1)!
  const bad: string[][] = [
    [],
    [first],
    [first, ...records],
    [...records, end],
    [first, ...records.slice(1), end],
    [first, records[0]!, ...records, end],
    [first, ...records, end, end],
    [first, ...records, end, records[0]!],
    [first.replace('"backup":1', '"backup":2'), ...records, end],
    [first.replace('everything', 'anything'), ...records, end],
    [first, ...records, '{"records":"3"}'],
    [first, '{"key":"user:a","value":1,"ends":null}', '{"records":1}'],
    [first, '{"key":"user:a","value":"x"}', '{"records":1}'],
    [first, '{"key":"user:a","value":"x","ends":null,"path":"/etc"}', '{"records":1}'],
    [first, '{"index":"users","member":"x","score":"1","ends":null}', '{"records":1}'],
    [first, '{"index":"users","member":"x","score":1e999,"ends":null}', '{"records":1}'],
    [first, '['.repeat(100_000), '{"records":1}'],
    [first, '', end],
  ]
  for (const each of bad)
    await expect(read(of(Buffer.from(each.map((line) => `${line}\n`).join(''))))).rejects.toBeInstanceOf(
      Refusal,
    )
  await expect(read(of(Buffer.from(`${first}\n${records.join('\n')}\n${end}`)))).rejects.toBeInstanceOf(
    Refusal,
  )
})

test('a line without an end is refused after a bounded number of bytes', async () => {
  let given = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (const part = Buffer.alloc(65_536, 'x'); ; given += part.length) yield part
  }
  expect(await read(endless()).catch((error: unknown) => error)).toBeInstanceOf(Refusal)
  expect(given).toBeLessThan(20_000_000)
})
