/** Why SQLite does not serve us, in words for the operator. https://www.sqlite.org/rescode.html */
import { ownMember } from '../lib/own_member.ts'
import { StoreUnavailable } from './store.ts'

export const code = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'closed'

/** What to look at, for errors that the path or a full machine causes. */
const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'the directory of the file does not exist',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EACCES: 'this user may not open the file or write in its directory',
  EISDIR: 'the path is a directory, not a file',
  EROFS: 'the file system is read-only',
  SQLITE_CANTOPEN: 'the file cannot be opened',
  SQLITE_READONLY: 'this user may not write to the file',
  SQLITE_NOTADB: 'the file is not an SQLite database',
  SQLITE_CORRUPT: 'the file is damaged: restore a backup',
  SQLITE_FULL: 'the disk is full',
  ENOSPC: 'the disk is full',
  SQLITE_IOERR: 'the disk does not read or write the file',
  SQLITE_BUSY: 'another process does not release the file',
}

const readOnly: readonly string[] = ['EROFS', 'SQLITE_READONLY', 'SQLITE_FULL', 'ENOSPC']

/** Codes of SQLite may be longer, such as SQLITE_READONLY_DBMOVED. */
export function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error
  const found = code(error)
  const known = Object.hasOwn(meanings, found) ? found : found.split('_').slice(0, 2).join('_')
  const meaning = ownMember(meanings, known)
  return new StoreUnavailable(`sqlite: ${meaning === undefined ? found : `${found}: ${meaning}`}`, {
    refusesWrites: readOnly.includes(known),
  })
}
