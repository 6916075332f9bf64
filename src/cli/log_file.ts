/** The log as a file that rotates by size and age (LOG_FILE). A fault of the disk ends neither the log nor the server. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import type { Config } from '../config.ts'
import { causeOf, isFolder } from '../config/named_files.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Rotation, rotatingFile } from '../lib/rotating_file.ts'
import { newFileProblem, requireNone } from './folders.ts'
import type { LineStream } from './log_writer.ts'
import { lineOf } from './open_store.ts'

export interface LogFile extends LineStream {
  /** Opens the path again, after a program such as logrotate has renamed the file. */
  reopen(): void
}

/** Milliseconds after which a file that could not be opened is tried again. */
const retryMs = 5_000

/**
 * Each line is written before `write` returns, so that the last one before a crash is there. While the disk takes none,
 * lines go to `other`, and `told` makes the line there that says why.
 */
export function openLogFile(
  path: string,
  rotation: Rotation,
  clock: Clock,
  other: LineStream,
  told: (problem: string) => string,
): LogFile {
  const file = rotatingFile(path, rotation, clock)
  let failedAt: number | undefined

  function fail(error: unknown): void {
    if (failedAt === undefined) other.write(`${told(causeOf(error))}\n`, () => {})
    failedAt = clock.now()
    try {
      file.close()
    } catch {
      // A file that cannot be closed is left to the end of the process.
    }
  }

  /** Whether the line is in the file. */
  function isKept(line: string): boolean {
    const since = failedAt === undefined ? undefined : clock.now() - failedAt
    if (since !== undefined && since >= 0 && since < retryMs) return false
    try {
      file.append(line)
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
        file.close()
      } catch (error) {
        fail(error)
      }
    },
  }
}

/** Why a file of lines (LOG_FILE, AUDIT_FILE) cannot be written. Makes no file. */
export function linesFileProblem(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  if (!existsSync(path)) return newFileProblem(path)
  if (isFolder(path)) return `expected a file, got the folder ${path}. Choose another path`
  // A rotation would rename it.
  if (!statSync(path).isFile())
    return `expected a file, got the device or pipe ${path}. Choose another path, or none`
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
  requireNone('LOG_FILE', linesFileProblem(logFile))
  return openLogFile(logFile, { size, age, keep }, systemClock, process.stderr, (problem) =>
    lineOf(logFormat, 'log_file_failed', { problem, now: 'lines go to standard error' }),
  )
}
