/** Pages of a table of a million people, p50 and p99, on each store: `bun bench/people.ts [--count 1000000] [--only sqlite,postgres]`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/lib/clock.ts'
import { createLog } from '../src/lib/log.ts'
import type { Memory } from '../src/models/define_record.ts'
import { people, signInsIndex } from '../src/models/people_index.ts'
import { type PeopleSearch, searchPeople } from '../src/models/people_search.ts'
import { keepIndexes } from '../src/models/search_fill.ts'
import { entriesOf, linkAll, namesIndex } from '../src/models/search_index.ts'
import { userRecords } from '../src/models/user_record.ts'
import { memoryStore } from '../src/store/memory.ts'
import { postgresStore } from '../src/store/postgres.ts'
import { redisStore } from '../src/store/redis.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import type { Scored, Store } from '../src/store/store.ts'
import { startPostgres } from '../tests/support/postgres.ts'
import { startRedis } from '../tests/support/redis.ts'
import { table } from './report.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    only: { type: 'string', default: 'memory,sqlite,postgres,redis' },
    pages: { type: 'string', default: '200' },
  },
})
const count = Number(values.count)
const timeoutMs = 60_000

/** A store, and what removes all of it. */
const stores: Readonly<Record<string, () => Promise<[Store, () => Promise<void>]>>> = {
  async memory() {
    const store = memoryStore(systemClock)
    return [store, () => store.close()]
  },
  async sqlite() {
    const directory = mkdtempSync(join(tmpdir(), 'latchkey-people-'))
    const store = sqliteStore(join(directory, 'people.db'), systemClock)
    return [store, async () => (await store.close(), rmSync(directory, { recursive: true }))]
  },
  async postgres() {
    const server = await startPostgres()
    const store = await postgresStore(server.database(), systemClock, { timeoutMs })
    return [store, async () => (await store.close(), await server.stop())]
  },
  async redis() {
    const server = await startRedis()
    const store = redisStore(server.url, { timeoutMs })
    return [store, async () => (await store.close(), await server.stop())]
  },
}

const syllables = [
  'an',
  'bo',
  'ca',
  'de',
  'el',
  'fi',
  'go',
  'ha',
  'in',
  'jo',
  'ka',
  'li',
  'ma',
  'no',
  'ot',
  'pe',
]
/** A name of four syllables; those of neighbours differ. */
const nameOf = (i: number): string =>
  [1, 16, 256, 4096].map((step) => syllables[Math.floor((i * 2_654_435_761) / step) % 16]).join('')

/** What an account has in the store but for its password and the look-ups of names, which no page reads. */
async function write(memory: Memory, i: number): Promise<void> {
  const [given_name, family_name] = [nameOf(i), nameOf(i + 77_777)]
  const user = {
    sub: `sub-${i}`,
    username: `${given_name}.${family_name}${i}`,
    disabled: i % 1000 === 7,
    claims: { email: `${given_name}${i}@example.com`, email_verified: true, given_name, family_name },
    attributes: {},
    roles: i % 10_000 === 3 ? ['admin'] : [],
    created_at: 1_700_000_000 + Math.floor(i / 3),
    updated_at: 1_700_000_000,
  }
  await Promise.all([
    userRecords.put(memory, user.sub, user),
    linkAll(memory.store, entriesOf(people, memory.store, user)),
    memory.store.link(people.all, user.sub, user.created_at),
    memory.store.link(signInsIndex, user.sub, 1_700_000_000 + ((i * 7919) % 1_000_003)),
  ])
}

const atOnce = 500

async function measure(name: string): Promise<string[][]> {
  const [store, remove] = await stores[name]!()
  try {
    const memory: Memory = { store, clock: systemClock, log: createLog('error', 'text', console.error) }
    // Of an empty store: from here on words lead to people, as after the first hour of a server.
    await keepIndexes(memory, { of: people, records: userRecords }, () => true)
    const began = performance.now()
    for (let i = 0; i < count; i += atOnce)
      await Promise.all(Array.from({ length: Math.min(atOnce, count - i) }, (_, j) => write(memory, i + j)))
    console.error(`${name}: ${count} people in ${((performance.now() - began) / 1000).toFixed(0)} s`)
    const depth = Math.floor(count * 0.9)
    const at = async (index: string): Promise<Scored> =>
      (await store.range(index, { offset: depth, limit: 1 }))[0]!
    const [byCreation, byName] = [await at(people.all), await at(namesIndex(people))]
    const prefix = (i: number) => nameOf(i * 31).slice(0, 3 + (i % 4))
    const reads: Record<string, (i: number) => Omit<PeopleSearch, 'limit'>> = {
      'first page': () => ({}),
      [`page at ${depth}`]: () => ({ after: byCreation }),
      'newest first': () => ({ descending: true }),
      'by user name': () => ({ sort: 'username' }),
      [`by user name at ${depth}`]: () => ({ sort: 'username', after: byName }),
      'by last sign-in': () => ({ sort: 'last_sign_in', descending: true }),
      'prefix of a word': (i) => ({ query: prefix(i) }),
      'two words': (i) => ({ query: `${nameOf(i * 31).slice(0, 5)} ${nameOf(i * 31 + 77_777).slice(0, 2)}` }),
      'whole address': (i) => ({ query: `${nameOf(i * 31)}${i * 31}@example.com` }),
      disabled: () => ({ filter: { state: 'disabled' } }),
      'role and prefix': (i) => ({ filter: { role: 'admin' }, query: nameOf(i * 31).slice(0, 2) }),
    }
    const rows: string[][] = []
    for (const [label, wanted] of Object.entries(reads)) {
      const times: number[] = []
      let found = 0
      for (let i = 0; i < Number(values.pages); i++) {
        const started = performance.now()
        found += (await searchPeople(memory, { ...wanted(i), limit: 50 })).items.length
        times.push(performance.now() - started)
      }
      times.sort((a, b) => a - b)
      const share = (part: number) =>
        times[Math.min(times.length - 1, Math.floor(times.length * part))]!.toFixed(1)
      rows.push([name, label, share(0.5), share(0.99), (found / times.length).toFixed(1)])
    }
    return rows
  } finally {
    await remove()
  }
}

const head = ['store', 'page of 50', 'p50 ms', 'p99 ms', 'people']
for (const name of values.only.split(',')) console.log(table([head, ...(await measure(name))]))
