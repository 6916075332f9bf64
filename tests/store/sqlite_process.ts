/** A second process on the SQLite file of tests/store/sqlite.test.ts: `bun sqlite_process.ts PATH WORK`. */
import { systemClock } from '../../src/lib/clock.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'

const [path = '', work = ''] = process.argv.slice(2)
const store = sqliteStore(path, systemClock)

if (work === 'race') {
  const won = await Promise.all(Array.from({ length: 64 }, (_, i) => store.create(`k${i}`, work, 60_000)))
  const taken = await Promise.all(Array.from({ length: 64 }, (_, i) => store.take(`t${i}`)))
  for (let i = 0; i < 100; i++) await store.increment('counter', 60_000)
  console.log(
    JSON.stringify({ won: won.map(Number), taken: taken.map((value) => (value === undefined ? 0 : 1)) }),
  )
  await store.close()
} else {
  // Says what is acknowledged, until it is killed.
  for (let i = 0; ; i++) {
    await store.put(`ack${i}`, 'x')
    process.stdout.write(`${i}\n`)
  }
}
