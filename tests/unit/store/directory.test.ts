/** Files as a store: complete or absent, private, and atomic between processes. */
import { afterAll, describe, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryStorage } from '../../../src/store/directory.ts'
import { StoreUnavailable } from '../../../src/store/store.ts'

const root = await mkdtemp(join(tmpdir(), 'latchkey-directory-'))
afterAll(() => rm(root, { recursive: true, force: true }))
const fresh = async (): Promise<string> => join(await mkdtemp(join(root, 'd')), 'keys')
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

describe('verbs', () => {
  test('get, create and replace follow the contract of stores', async () => {
    const path = await fresh()
    const [a, b] = [directoryStorage(path), directoryStorage(path)]
    expect(await a.get('k')).toBe(undefined)
    expect(await a.replace('k', '', 'x')).toBe(false)
    expect(await a.create('k', 'one')).toBe(true)
    expect(await b.create('k', 'two')).toBe(false)
    expect(await b.get('k')).toBe('one')
    expect(await b.replace('k', 'two', 'three')).toBe(false)
    expect(await b.replace('k', 'one', 'zwölf\n')).toBe(true)
    expect(await a.get('k')).toBe('zwölf\n')
  })

  test('a folder of 0700 with files of 0600, and nothing left over', async () => {
    const path = await fresh()
    const storage = directoryStorage(path)
    await storage.create('key_ring', 'one')
    await storage.replace('key_ring', 'one', 'two')
    expect(await modeOf(path)).toBe('700')
    expect(await readdir(path)).toEqual(['key_ring.sealed'])
    expect(await modeOf(join(path, 'key_ring.sealed'))).toBe('600')
  })

  test('keys cannot leave the folder or collide', async () => {
    const path = await fresh()
    const storage = directoryStorage(path)
    const keys = ['../escape', '/etc/passwd', '..', '.', 'a/b', 'a%2Fb', 'a b', '']
    for (const key of keys) expect(await storage.create(key, `value of ${key}`)).toBe(true)
    for (const key of keys) expect(await storage.get(key)).toBe(`value of ${key}`)
    expect(await readdir(path)).toHaveLength(keys.length)
    expect(await readdir(join(path, '..'))).toEqual(['keys'])
  })

  test('a TTL is refused, and an unusable folder is StoreUnavailable', async () => {
    const path = await fresh()
    await expect(directoryStorage(path).create('k', 'v', 1000)).rejects.toThrow(RangeError)
    await expect(directoryStorage(path).replace('k', 'v', 'w', 1000)).rejects.toThrow(RangeError)
    const file = join(root, 'a_file')
    await writeFile(file, '')
    const storage = directoryStorage(join(file, 'keys'))
    await expect(storage.create('k', 'v')).rejects.toThrow(StoreUnavailable)
    await expect(storage.get('k')).rejects.toThrow(StoreUnavailable)
  })
})

/** Runs `body` in processes of their own, with `storage` and `n` at hand, all starting at one moment; resolves to what they print. */
async function race(processes: number, path: string, body: string): Promise<unknown[]> {
  const module = join(import.meta.dir, '../../../src/store/directory.ts')
  const at = Date.now() + 400
  const script = (n: number) => `
    import { directoryStorage } from ${JSON.stringify(module)}
    const n = ${n}
    const storage = directoryStorage(${JSON.stringify(path)})
    await Bun.sleep(Math.max(0, ${at} - Date.now()))
    console.log(JSON.stringify(await (async () => { ${body} })()))`
  return Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const child = Bun.spawn([process.execPath, '-e', script(n)], { stdout: 'pipe', stderr: 'pipe' })
      const [out, problems, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ])
      if (code !== 0) throw new Error(problems)
      return JSON.parse(out) as unknown
    }),
  )
}

describe('races among processes', () => {
  test('create: one winner for each of fifty keys', async () => {
    const path = await fresh()
    const won = (await race(
      3,
      path,
      'const won = []; for (let i = 0; i < 50; i++) won.push(await storage.create(`k${i}`, `${n}`)); return won',
    )) as boolean[][]
    const storage = directoryStorage(path)
    for (let i = 0; i < 50; i++) {
      const winners = won.flatMap((mine, n) => (mine[i] ? [`${n}`] : []))
      expect(winners).toHaveLength(1)
      expect(await storage.get(`k${i}`)).toBe(winners[0]!)
    }
  })

  test('replace: three processes count to ninety and lose nothing', async () => {
    const path = await fresh()
    await directoryStorage(path).create('count', '0')
    const lost = (await race(
      3,
      path,
      `let lost = 0
       for (let i = 0; i < 30; ) {
         const seen = await storage.get('count')
         if (await storage.replace('count', seen, String(Number(seen) + 1))) i++
         else lost++
       }
       return lost`,
    )) as number[]
    expect(await directoryStorage(path).get('count')).toBe('90')
    expect(lost.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0) // they did meet
    expect(await readdir(path)).toEqual(['count.sealed'])
  })
})

describe('crashes', () => {
  test('a lock of a dead owner is removed by one waiting process, and the count is right', async () => {
    const path = await fresh()
    const storages = Array.from({ length: 8 }, () => directoryStorage(path, { staleAfter: 100 }))
    await storages[0]!.create('k', '0')
    await writeFile(join(path, 'k.sealed.lock'), 'a process that is no more')
    const add = async (storage: (typeof storages)[number]): Promise<void> => {
      for (;;) {
        const seen = (await storage.get('k')) ?? ''
        if (await storage.replace('k', seen, `${Number(seen) + 1}`)) return
      }
    }
    await Promise.all(storages.map(add))
    expect(await storages[0]!.get('k')).toBe('8')
    expect(await readdir(path)).toEqual(['k.sealed'])
  })

  test('a lock is not removed while its owners change, however old the file looks', async () => {
    const path = await fresh()
    const storage = directoryStorage(path, { staleAfter: 1_500 })
    await storage.create('k', 'a')
    const lock = join(path, 'k.sealed.lock')
    await writeFile(lock, 'owner 0')
    await utimes(lock, 0, 0)
    let done = false
    const waiting = storage.replace('k', 'a', 'b').then(() => (done = true))
    for (let i = 1; i <= 8; i++) {
      await Bun.sleep(250)
      await writeFile(lock, `owner ${i}`)
      expect(done).toBe(false)
      expect(await storage.get('k')).toBe('a')
    }
    await rm(lock)
    await waiting
    expect(await storage.get('k')).toBe('b')
  })

  test('when the process that removes a lock dies too, the error names the file', async () => {
    const path = await fresh()
    const storage = directoryStorage(path, { staleAfter: 50 })
    await storage.create('k', 'a')
    await writeFile(join(path, 'k.sealed.lock'), 'dead')
    await writeFile(join(path, 'k.sealed.lock.dead'), 'dead')
    await expect(storage.replace('k', 'a', 'b')).rejects.toThrow(/k\.sealed\.lock stays locked; remove it/)
    expect(await storage.get('k')).toBe('a')
  })

  test('half a temporary file is never read', async () => {
    const path = await fresh()
    await mkdir(path)
    await writeFile(join(path, 'k.sealed.1234.tmp'), 'hal')
    const storage = directoryStorage(path)
    expect(await storage.get('k')).toBe(undefined)
    expect(await storage.create('k', 'whole')).toBe(true)
    expect(await readFile(join(path, 'k.sealed'), 'utf8')).toBe('whole')
  })

  test('a folder that exists keeps its mode', async () => {
    const path = await fresh()
    await mkdir(path)
    await chmod(path, 0o755)
    await directoryStorage(path).create('k', 'v')
    expect(await modeOf(path)).toBe('755')
  })
})
