/** The reader of backups on files that no release wrote: nothing but a Refusal, and time in proportion to the length. */
import { describe, expect, test } from 'bun:test'
import { type About, readContent, writeContent } from '../../src/cli/backup/content.ts'
import { openFile, sealFile } from '../../src/cli/backup/sealed_file.ts'
import { Refusal } from '../../src/cli/failure.ts'
import type { Found } from '../../src/store/store.ts'
import { fuzz } from '../support/fuzz.ts'
import { expectLinear } from '../support/linear.ts'

const secret = 'a key of backups with 45 characters, at least'
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

async function* of(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}
async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}
async function* pages(): AsyncGenerator<readonly Found[]> {
  yield found
}
const written = await collect(writeContent(about, pages(), { now: () => about.made_at, counted: () => {} }))
const sealed = await collect(sealFile(secret, of(written)))

/** Resolves to the number of parts; undefined when it was refused. Rejects with any other error. */
async function parts(text: AsyncIterable<Uint8Array>): Promise<number | undefined> {
  let count = 0
  try {
    for await (const part of readContent(text, about.made_at)) {
      count++
      // What came through has the shape that a restore writes.
      if ('found' in part && part.found.kind === 'member') expect(part.found.score).toBeFinite()
    }
    return count
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

test('what was written is read', async () => {
  expect(await parts(of(written))).toBe(1 + found.length)
  expect(await parts(openFile(secret, of(sealed)))).toBe(1 + found.length)
})

describe('the text', () => {
  const lines = written.toString().split(/(?<=\n)/)
  const tokens = [
    ...lines,
    '{"records":0}\n',
    '{"key":"a","value":"b","ends":null}\n',
    '"ends":1e999',
    '"score":',
    '\n',
    '"__proto__":{',
  ]

  test('throws Refusal alone', async () => {
    await fuzz(
      'the text of a backup',
      (fuzzer) =>
        [fuzzer.text([written.toString(), lines.join(''), ''], tokens), fuzzer.below(70) + 1] as const,
      async ([text, size]) => {
        const bytes = Buffer.from(text)
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        )
        // The same result, wherever the pieces end.
        expect(await parts(of(...pieces))).toBe(await parts(of(bytes)))
      },
    )
  })

  test.each(['\n', '{', '"', '{"key":"a","value":"b","ends":null}\n', '\0'])(
    '%j many times: time in proportion to the length',
    (token) =>
      expectLinear(
        (size) => Buffer.from(lines[0]! + token.repeat(Math.ceil(size / token.length))),
        (bytes) => parts(of(bytes)),
        16_000,
      ),
  )
})

test('the sealed file: any change of its bytes is refused', async () => {
  await fuzz(
    'a sealed backup',
    (fuzzer) => fuzzer.bytes([sealed]),
    async (bytes) => {
      const same = Buffer.from(bytes).equals(sealed)
      expect(await parts(openFile(secret, of(bytes)))).toBe(same ? 1 + found.length : undefined)
    },
  )
})
