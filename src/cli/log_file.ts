/** The log as a file that rotates by size and age (LOG_FILE). A fault of the disk ends neither the log nor the server. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { Config } from '../config.ts'
import { causeOf, isFolder } from '../config/named_files.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { newFileProblem, requireNone } from './folders.ts'
import type { LineStream } from './log_writer.ts'
import { lineOf } from './open.ts'

/** At which the file becomes `NAME.1`, and the one of that name `NAME.2`, up to `keep`. */
export interface Rotation {
  /** Bytes. */
  size: number
  /** Seconds; 0 for any age. */
  age: number
  keep: number
}

export interface LogFile extends LineStream {
  /** Opens the path again, after a program such as logrotate has renamed the file. */
  reopen(): void
}

/** Only the operator reads it: lines name accounts and addresses. */
const mode = 0o640
/** Milliseconds after which a file that could not be opened is tried again. */
const retryMs = 5_000

interface Open {
  file: number
  bytes: number
  since: number
}

/**
 * Each line is written before `write` returns, so that the last one before a crash is there. While the disk takes none,
 * lines go to `other`, and `told` makes the line there that says why.
 */
export function openLogFile(
  path: string,
  { size, age, keep }: Rotation,
  clock: Clock,
  other: LineStream,
  told: (problem: string) => string,
): LogFile {
  let open: Open | undefined
  let failedAt: number | undefined

  function start(): Open {
    const file = openSync(path, 'a', mode)
    const { size: bytes, birthtimeMs } = fstatSync(file)
    const since = bytes > 0 && birthtimeMs > 0 ? birthtimeMs : clock.now()
    return { file, bytes, since }
  }

  function close(): void {
    const former = open
    open = undefined
    if (former) closeSync(former.file)
  }

  /** Older files first, so that none is overwritten before it has its next name. */
  function rotate(): void {
    close()
    rmSync(`${path}.${keep}`, { force: true })
    for (let i = keep - 1; i > 0; i--)
      if (existsSync(`${path}.${i}`)) renameSync(`${path}.${i}`, `${path}.${i + 1}`)
    renameSync(path, `${path}.1`)
  }

  function append(text: string): void {
    const now = clock.now()
    open ??= start()
    const bytes = Buffer.from(text)
    const isOld = age > 0 && now - open.since >= age * 1000
    if (open.bytes > 0 && (isOld || open.bytes + bytes.length > size)) {
      rotate()
      open = start()
      open.since = now
    }
    for (let sent = 0; sent < bytes.length;) sent += writeSync(open.file, bytes, sent)
    open.bytes += bytes.length
  }

  function fail(error: unknown): void {
    if (failedAt === undefined) other.write(`${told(causeOf(error))}\n`, () => {})
    failedAt = clock.now()
    try {
      close()
    } catch {
      // A file that cannot be closed is left to the end of the process.
    }
  }

  /** Whether the line is in the file. */
  function isKept(line: string): boolean {
    const since = failedAt === undefined ? undefined : clock.now() - failedAt
    if (since !== undefined && since >= 0 && since < retryMs) return false
    try {
      append(line)
      failedAt = undefined
      return true
    } catch (error) {
      fail(error)
      return false
    }
  }

  return {
    write(line, done) {
      if (isKept(line)) done()
      else other.write(line, done)
    },
    reopen() {
      failedAt = undefined
      try {
        close()
      } catch (error) {
        fail(error)
      }
    },
  }
}

/** Why LOG_FILE cannot be written. Makes no file. */
export function logFileProblem({ logFile: path }: Pick<Config, 'logFile'>): string | undefined {
  if (path === undefined) return undefined
  if (!existsSync(path)) return newFileProblem(path)
  if (isFolder(path)) return `expected a file, got the folder ${path}. Choose another path`
  try {
    accessSync(path, constants.W_OK)
    return undefined
  } catch (error) {
    return `the file ${path} cannot be written: ${causeOf(error)}. Let the user of this process write it`
  }
}

/** The file that the configuration names. Throws SettingFault when it cannot be written. */
export function logFileOf(config: Config): LogFile | undefined {
  const { logFile, logFileSize: size, logFileAge: age, logFileKeep: keep, logFormat } = config
  if (logFile === undefined) return undefined
  requireNone('LOG_FILE', logFileProblem(config))
  return openLogFile(logFile, { size, age, keep }, systemClock, process.stderr, (problem) =>
    lineOf(logFormat, 'log_file_failed', { problem, now: 'lines go to standard error' }),
  )
}
