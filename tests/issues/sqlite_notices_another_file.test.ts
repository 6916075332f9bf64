/** Issue 9, 43 and 55: a provider whose SQLite file was deleted or replaced went on, healthy, and wrote into a file that ends with the process. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { provider } from '../support/provider.ts'
import { until } from '../support/until.ts'

let folder: string
let path: string
let store: Store
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-file-'))
  path = join(folder, 'latchkey.db')
  store = sqliteStore(path, systemClock)
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const said = (verb: Promise<unknown>): Promise<string> =>
  verb.then(
    () => 'done',
    (error: Error) => error.message,
  )

const ways: Record<string, () => void> = {
  'a file that was deleted': () => rmSync(path),
  'a file in whose place a copy was put': () => {
    copyFileSync(path, `${path}.copy`)
    renameSync(`${path}.copy`, path)
  },
  'a folder that was moved away': () => renameSync(folder, `${folder}.gone`),
}

for (const [what, change] of Object.entries(ways))
  test(`${what}: /health is 503, and no verb says that it is done`, async () => {
    const op = await provider({ store })
    const health = async () => (await op.fetch('/health')).status
    expect(await health()).toBe(200)
    change()
    expect(await health()).toBe(503)
    for (const verb of [() => store.put('k', 'v'), () => store.get('k'), () => store.range('i')])
      expect(await said(verb())).toContain('deleted or replaced')
    expect(op.lines.join('\n')).toContain('restart to use what is there now')
    rmSync(`${folder}.gone`, { recursive: true, force: true })
  })

test('without a probe it is noticed all the same', async () => {
  rmSync(path)
  await until(async () => (await said(store.get('k'))) !== 'done', 'the store to look')
})

test('the file that comes back is used again', async () => {
  await store.put('k', 'v')
  renameSync(path, `${path}.away`)
  expect(await said(store.ping())).not.toBe('done')
  renameSync(`${path}.away`, path)
  await store.ping()
  expect(await store.get('k')).toBe('v')
})

/** Holds the file until the process `pid` waits for it, puts a copy in its place, and lets it go. */
const replaceWhileWaiting = (path: string, pid: number) => `
  import { Database } from 'bun:sqlite'
  import { copyFileSync, readdirSync, readlinkSync, renameSync } from 'node:fs'
  const db = new Database(${JSON.stringify(path)})
  db.run('BEGIN IMMEDIATE')
  console.log('held')
  const link = (fd) => { try { return readlinkSync('/proc/${pid}/fd/' + fd) } catch { return '' } }
  while (!readdirSync('/proc/${pid}/fd').some((fd) => link(fd) === ${JSON.stringify(path)})) await Bun.sleep(5)
  copyFileSync(${JSON.stringify(path)}, ${JSON.stringify(`${path}.copy`)})
  renameSync(${JSON.stringify(`${path}.copy`)}, ${JSON.stringify(path)})
  db.run('COMMIT')
`

test.skipIf(process.platform !== 'linux')(
  // open files are read from /proc
  'a file that is replaced while a start waits for it is not served',
  async () => {
    await store.close()
    const held = Bun.spawn(['bun', '-e', replaceWhileWaiting(path, process.pid)], { stdout: 'pipe' })
    await held.stdout.getReader().read()
    expect(() => {
      store = sqliteStore(path, systemClock)
    }).toThrow('deleted or replaced')
    await held.exited
    store = sqliteStore(path, systemClock)
    await store.ping()
  },
  60_000,
)
