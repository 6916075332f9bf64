/** Whether the file of a store is still the one that is open. A deleted file takes writes, and they are lost with the process. https://www.sqlite.org/howtocorrupt.html#unlink */
import { closeSync, openSync, chmodSync, statSync } from 'node:fs'
import { StoreUnavailable } from './store.ts'

/** The number of the file in its file system. Undefined when nothing is at the path. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

/** Makes the file where it is missing. SQLite creates the -wal and -shm files with the mode of the database file. */
export function makeFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}

/** Throws StoreUnavailable while another file, or none, is at the path that was open when this was called. */
export function sameFile(path: string): () => void {
  const opened = identityOf(path)
  return () => {
    if (identityOf(path) === opened) return
    throw new StoreUnavailable(
      'sqlite: the file was deleted or replaced while it was open: put it back, or restart to use what is there now',
    )
  }
}
