/** The text of a backup: a line that says what it is, a line for each record, and a line that says how many. docs/decisions/0080-backups.md */
import * as v from 'valibot'
import type { Found } from '../../store/store.ts'
import { Refusal } from '../failure.ts'
import type { Contents } from './kinds.ts'

const About = v.object({
  backup: v.literal(1),
  /** Milliseconds. */
  made_at: v.pipe(v.number(), v.integer()),
  version: v.string(),
  issuer: v.string(),
  contents: v.picklist(['everything', 'configuration']),
  /** STORE_ENCRYPTION of the store: its values are in the backup as they are in the store. */
  sealed: v.boolean(),
})
export type About = v.InferOutput<typeof About> & { contents: Contents }

/** Milliseconds since the epoch; null for a record that does not expire. */
const Ends = v.nullable(v.pipe(v.number(), v.integer()))
const Line = v.union([
  v.strictObject({ key: v.string(), value: v.string(), ends: Ends }),
  v.strictObject({
    index: v.string(),
    member: v.string(),
    score: v.pipe(v.number(), v.finite()),
    ends: Ends,
  }),
])
const End = v.strictObject({ records: v.pipe(v.number(), v.integer()) })

/** Far longer than any record; a longer line is not read into the memory. */
const longestLine = 16_777_216

function lineOf(found: Found, now: number): string {
  const ends = found.ttl === undefined ? null : Math.ceil(now + found.ttl)
  const line =
    found.kind === 'value'
      ? { key: found.key, value: found.value, ends }
      : { index: found.index, member: found.member, score: found.score, ends }
  return `${JSON.stringify(line)}\n`
}

/** `records` are pages. `counted` is told how many there were. */
export async function* writeContent(
  about: About,
  records: AsyncIterable<readonly Found[]>,
  { now, counted }: { now: () => number; counted: (records: number) => void },
): AsyncGenerator<Uint8Array> {
  let count = 0
  yield Buffer.from(`${JSON.stringify(about)}\n`)
  for await (const page of records) {
    count += page.length
    yield Buffer.from(page.map((found) => lineOf(found, now())).join(''))
  }
  yield Buffer.from(`${JSON.stringify({ records: count })}\n`)
  counted(count)
}

async function* linesOf(text: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = []
  let length = 0
  for await (const part of text) {
    let from = 0
    for (let end = part.indexOf(10); end >= 0; end = part.indexOf(10, from)) {
      yield Buffer.concat([...held, part.subarray(from, end)]).toString('utf8')
      ;[held, length, from] = [[], 0, end + 1]
    }
    held.push(part.subarray(from))
    length += part.length - from
    if (length > longestLine) throw unreadable()
  }
  if (length > 0) throw unreadable()
}

const unreadable = () =>
  new Refusal('the backup is sealed with BACKUP_KEY and has text that no release of Latchkey writes')

function parse<S extends v.GenericSchema>(schema: S, line: string): v.InferOutput<S> | undefined {
  try {
    const { success, output } = v.safeParse(schema, JSON.parse(line))
    return success ? output : undefined
  } catch {
    return undefined
  }
}

export type Part = { about: About } | { found: Found }

/** What `writeContent` wrote. What has expired by `now` (milliseconds) is left out. Throws Refusal for any other text. */
export async function* readContent(text: AsyncIterable<Uint8Array>, now: number): AsyncGenerator<Part> {
  let about: About | undefined
  let count = 0
  let isWhole = false
  for await (const line of linesOf(text)) {
    if (isWhole) throw unreadable()
    if (!about) {
      about = parse(About, line)
      if (!about) throw unreadable()
      yield { about }
      continue
    }
    const record = parse(Line, line)
    if (record) {
      count++
      const { ends } = record
      if (ends !== null && ends <= now) continue
      const ttl = ends === null ? {} : { ttl: ends - now }
      yield {
        found:
          'key' in record
            ? { kind: 'value', key: record.key, value: record.value, ...ttl }
            : { kind: 'member', index: record.index, member: record.member, score: record.score, ...ttl },
      }
      continue
    }
    if (parse(End, line)?.records !== count) throw unreadable()
    isWhole = true
  }
  if (!isWhole) throw unreadable()
}
