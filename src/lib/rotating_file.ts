/** A file of lines that rotates by size and age: LOG_FILE and AUDIT_FILE. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { Clock } from './clock.ts'

/** At which the file becomes `NAME.1`, and the one of that name `NAME.2`, up to `keep`. */
export interface Rotation {
  /** Bytes. */
  size: number
  /** Seconds; 0 for any age. */
  age: number
  keep: number
}

/** All throw the error of the system. */
export interface RotatingFile {
  /** The text is with the operating system before it returns. */
  append(text: string): void
  /** What was appended is on the disk. */
  sync(): void
  /** The next `append` opens the path again. */
  close(): void
}

/** The account of the server writes it and its group reads it: lines name accounts and addresses. */
const mode = 0o640
/** Without waiting: the opening of a pipe that another account put there would stop the server until it is read. */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK
const lineEnd = 10

interface Open {
  file: number
  bytes: number
  since: number
}

export function rotatingFile(path: string, { size, age, keep }: Rotation, clock: Clock): RotatingFile {
  let open: Open | undefined

  function start(): Open {
    const file = openSync(path, appending, mode)
    const stat = fstatSync(file)
    if (stat.isFIFO()) {
      closeSync(file)
      throw new Error('it is a pipe now')
    }
    const { size: bytes, birthtimeMs } = stat
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

  return {
    append(text) {
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
    },
    sync() {
      if (open) fsyncSync(open.file)
    },
    close,
  }
}

/** Whether the file ends within a line, as a crash in the middle of a write leaves it. False without a file. */
export function endsWithinLine(path: string): boolean {
  if (!existsSync(path)) return false
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== lineEnd
  } finally {
    closeSync(file)
  }
}
