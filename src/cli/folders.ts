/** Whether files and folders that do not exist yet can be made: tries it with one that is removed at once. */
import { closeSync, existsSync, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { causeOf, isFolder } from '../config/named_files.ts'
import { SettingFault } from '../config/setting_fault.ts'

/** The path itself, or the nearest one above it that exists. */
function nearest(path: string): string {
  const whole = resolve(path)
  return existsSync(whole) || dirname(whole) === whole ? whole : nearest(dirname(whole))
}

const notAFolder = (path: string): string => `expected a folder, got the file ${path}. Choose another path`

/** Why no file can be made in an existing folder: rights, a read-only file system, one of the kernel such as /proc, a full disk. */
function closedFolder(folder: string): string | undefined {
  try {
    const probe = join(folder, `.latchkey-${crypto.randomUUID()}`)
    closeSync(openSync(probe, 'wx', 0o600))
    unlinkSync(probe)
    return undefined
  } catch (error) {
    return `no file can be made in ${folder} (${codeOf(error)}). Let the user of this process write there, or choose another folder`
  }
}

/** `causeOf` speaks of reading. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : causeOf(error)

/** Why a new file cannot be made at `path`, whose folder must exist. */
export function newFileProblem(path: string): string | undefined {
  const folder = dirname(resolve(path))
  if (isFolder(folder)) return closedFolder(folder)
  const above = nearest(folder)
  return isFolder(above)
    ? `the folder ${folder} does not exist: make it, for the user of this process`
    : `expected a path in a folder, got one below the file ${above}. Choose another path`
}

/** Why a folder cannot be used or made at `path`. Folders above it are made too. */
export function folderProblem(path: string): string | undefined {
  const above = nearest(path)
  if (!isFolder(above)) return notAFolder(above)
  if (above === resolve(path)) return closedFolder(above)
  try {
    rmdirSync(mkdtempSync(join(above, '.latchkey-')))
    return undefined
  } catch (error) {
    return `no folder can be made in ${above} (${codeOf(error)}). Let the user of this process write there, or choose another folder`
  }
}

/** Throws SettingFault when `problem` says one. */
export function requireNone(variable: string, problem: string | undefined): void {
  if (problem !== undefined) throw new SettingFault(variable, problem)
}
