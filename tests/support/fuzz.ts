/** Input that no one would write, from a seed: a failure prints the seed, and FUZZ_SEED=… repeats it. FUZZ_ROUNDS=… tries more. */

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))
const rounds = Number(process.env.FUZZ_ROUNDS ?? 400)

/** Numbers from 0 to 1, the same for the same start (mulberry32). */
function numbersFrom(start: number): () => number {
  let state = start | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Characters that parsers stumble over, in every format. */
const odd = [
  ...[
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\0',
    '\x7f',
    '\x80',
    '\u00a0',
    '\u2028',
    '\u202e',
    '\ud800',
    '\ufeff',
    '𝒳',
  ],
  ...[
    '%',
    '%0',
    '%zz',
    '%00',
    '%C0%80',
    '%ff',
    '+',
    '&',
    '=',
    ';',
    ',',
    ':',
    '.',
    '..',
    '/',
    '\\',
    '@',
    '"',
    "'",
  ],
  ...[
    '<',
    '>',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '*',
    '#',
    '?',
    '-',
    '--',
    '0',
    '-1',
    '1e999',
    '99999999999999999999',
  ],
  ...[
    'null',
    'true',
    '__proto__',
    'constructor',
    'toString',
    'NaN',
    'undefined',
    'é',
    'e\u0301',
    'ﬀ',
    'İ',
    'ß',
  ],
]

export interface Fuzzer {
  below(most: number): number
  pick<T>(from: readonly T[]): T
  /** A sample, changed a few times: cut, doubled, joined with another, or with something odd or known put in. */
  text(samples: readonly string[], tokens?: readonly string[]): string
  bytes(samples: readonly Uint8Array[]): Uint8Array
}

function fuzzer(start: number): Fuzzer {
  const next = numbersFrom(start)
  const below = (most: number) => Math.floor(next() * most)
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!
  return {
    below,
    pick,
    text(samples, tokens = []) {
      let text = pick(samples)
      for (let changes = below(6); changes > 0; changes--) {
        const [from, to] = [below(text.length + 1), below(text.length + 1)].sort((a, b) => a - b) as [
          number,
          number,
        ]
        const put = pick([
          () => '',
          () => text.slice(from, to).repeat(2),
          () => pick(odd),
          () => (tokens.length > 0 ? pick(tokens) : pick(odd)),
          () => pick(odd).repeat(below(40)),
          () => String.fromCharCode(below(0x250)),
          () => pick(samples),
        ])()
        text = text.slice(0, from) + put + text.slice(below(3) === 0 ? to : from)
      }
      return text
    },
    bytes(samples) {
      const bytes = Buffer.from(pick(samples))
      for (let changes = 1 + below(8); changes > 0; changes--)
        if (bytes.length > 0)
          bytes[below(bytes.length)] = pick([0, 1, 0x30, 0x7f, 0x80, 0x82, 0xff, below(256)])
      return below(3) === 0 ? bytes.subarray(0, below(bytes.length + 1)) : bytes
    },
  }
}

/** What a failure says: how to see it again, and on what input. */
const told = (error: unknown, input: unknown) =>
  new Error(
    `FUZZ_SEED=${seed} FUZZ_ROUNDS=${rounds}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\non ${JSON.stringify(input).slice(0, 2_000)}`,
    { cause: error },
  )

/** Runs `check` on one input after another; each name has numbers of its own, so tests may run alone. */
export async function fuzz<T>(
  name: string,
  make: (fuzzer: Fuzzer) => T,
  check: (input: T) => unknown,
  times = rounds,
): Promise<void> {
  const source = fuzzer(seed ^ Number(Bun.hash.crc32(name)))
  for (let round = 0; round < times; round++) {
    const input = make(source)
    try {
      await check(input)
    } catch (error) {
      throw told(error, input instanceof Uint8Array ? Buffer.from(input).toString('hex') : input)
    }
  }
}
