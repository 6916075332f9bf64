/** Values as files in a folder, so that development keys outlive the process and other processes can read them. docs/architecture.md, "Store". */
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Store, StoreUnavailable } from './store.ts'

export interface DirectoryOptions {
  /** Milliseconds after which the owner of an unchanged lock counts as dead. A lock is normally held for a few. */
  staleAfter?: number
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** The text of a file; undefined when it does not exist. Throws other errors unchanged. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a temporary file beside `path`, which `move` then moves there, so that neither a reader nor a crash sees a part of it. */
async function writeBeside<T>(
  path: string,
  text: string,
  mode: number,
  move: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    return await move(temporary)
  } finally {
    await unlink(temporary).catch(() => {}) // does not exist any more when it was renamed
  }
}

/** Replaces a file atomically and creates its folder. `mode` is the mode of the new file, whatever the old one had. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeBeside(path, text, mode, (temporary) => rename(temporary, path))
}

/** Creates the file with all its text: true for one process. */
const createWhole = (path: string, text: string): Promise<boolean> =>
  writeBeside(path, text, 0o600, async (temporary) => {
    try {
      await link(temporary, path)
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    }
  })

/**
 * Removes the lock of a dead owner. One process at a time holds the claim file of this lock. It reads the lock again
 * before it removes it, so that a lock that a third process has taken since is not removed.
 */
async function breakLock(lock: string, token: string): Promise<void> {
  const claim = `${lock}.${token}`
  if (!(await createWhole(claim, token))) return
  try {
    if ((await readText(lock)) === token) await unlink(lock)
  } finally {
    await unlink(claim)
  }
}

const pollEvery = 5

async function withLock<T>(
  lock: string,
  staleAfter: number,
  work: (stillMine: () => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const token = crypto.randomUUID()
  let seen: string | undefined
  let waited = 0
  while (!(await createWhole(lock, token))) {
    const owner = await readText(lock)
    if (owner !== seen) waited = 0
    seen = owner
    await Bun.sleep(pollEvery)
    waited += pollEvery
    if (owner === undefined || waited < staleAfter) continue
    await breakLock(lock, owner)
    if (waited > 3 * staleAfter)
      throw new Error(`${lock} stays locked; remove it if no other process is running`)
  }
  const stillMine = async () => (await readText(lock)) === token
  try {
    return await work(stillMine)
  } finally {
    if (await stillMine()) await unlink(lock)
  }
}

/** Errors of the file system as StoreUnavailable. */
async function orUnavailable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new StoreUnavailable(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

/**
 * Three verbs over files of mode 0600 in the folder `path`, which is created with mode 0700. For values that change
 * rarely and do not expire: a TTL is refused with RangeError. Needs a file system with hard links.
 */
export function directoryStorage(
  path: string,
  { staleAfter = 5_000 }: DirectoryOptions = {},
): Pick<Store, 'get' | 'create' | 'replace'> {
  const fileOf = (key: string): string => join(path, `${encodeURIComponent(key)}.sealed`)
  const refuseTtl = (ttl: number | undefined) => {
    if (ttl !== undefined) throw new RangeError('ttl: expected none, because files in a folder do not expire')
  }
  async function replace(file: string, expected: string, value: string): Promise<boolean> {
    // Also compared before locking, so that a failed swap needs no lock and a missing folder is no error.
    if ((await readText(file)) !== expected) return false
    return withLock(`${file}.lock`, staleAfter, async (stillMine) => {
      if ((await readText(file)) !== expected) return false
      return writeBeside(file, value, 0o600, async (temporary) => {
        // A process that was suspended until its lock was removed must not write.
        if (!(await stillMine())) throw new Error(`${file}: the lock was lost while it was held`)
        await rename(temporary, file)
        return true
      })
    })
  }
  return {
    get: (key) => orUnavailable(path, readText(fileOf(key))),
    async create(key, value, ttl) {
      refuseTtl(ttl)
      await orUnavailable(path, mkdir(path, { recursive: true, mode: 0o700 }))
      return orUnavailable(path, createWhole(fileOf(key), value))
    },
    async replace(key, expected, value, ttl) {
      refuseTtl(ttl)
      return orUnavailable(path, replace(fileOf(key), expected, value))
    },
  }
}
