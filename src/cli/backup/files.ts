/** Backups in a folder of this machine: a file is written whole or not at all. */
import { link, open, readdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Place, taken, type Target } from './place.ts'

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

/** Writes beside `path` and moves it there when all of it is on the disk. */
async function writeNew(path: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
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
      throw error.code === 'EEXIST' ? taken(path) : error
    })
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
}

export const folderPlace = (folder: string): Place => ({
  write: (name, parts) => writeNew(join(folder, name), parts),
  read: (name) => Bun.file(join(folder, name)).stream(),
  names: () => readdir(folder),
  remove: (name) => unlink(join(folder, name)),
  shown: (name) => join(folder, name),
})

const isFolder = async (path: string): Promise<boolean> =>
  path.endsWith('/') || ((await stat(path).catch(() => undefined))?.isDirectory() ?? false)

/** A folder, or a file in one. */
export const fileTarget = async (path: string): Promise<Target> =>
  (await isFolder(path))
    ? { place: folderPlace(path), name: undefined }
    : { place: folderPlace(dirname(path)), name: basename(path) }
