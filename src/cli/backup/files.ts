/** Backups as files: written whole or not at all, named by time, the oldest removed. */
import { link, open, readdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Refusal } from '../failure.ts'

const shape = /^latchkey-\d{8}T\d{9}Z\.backup$/

/** `latchkey-20261129T083000123Z.backup`: the order of the names is that of the times. `now` in milliseconds. */
export const nameAt = (now: number): string =>
  `latchkey-${new Date(now).toISOString().replace(/[-:.]/g, '')}.backup`

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Writes beside `path` and moves it there when all of it is on the disk. Throws Refusal when something is there. */
export async function writeNew(path: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    try {
      for await (const part of parts) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST'
        ? new Refusal(`${path} exists, and a backup replaces no file: name another one, or a folder`)
        : error
    })
  } finally {
    await unlink(temporary)
  }
  await syncFolder(path)
}

/** Deletes all but the newest `count` files that `nameAt` named. Resolves to the paths that it deleted. */
export async function keepNewest(folder: string, count: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => shape.test(name)).toSorted()
  const old = names.slice(0, Math.max(0, names.length - count)).map((name) => join(folder, name))
  for (const path of old) await unlink(path)
  return old
}
