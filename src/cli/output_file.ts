/** A file that a command writes for the operator who named it: only that operator reads it unless `mode` says otherwise, whatever was there before. */
import { lstatSync, statSync } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { Refusal } from './failure.ts'
import { printable } from './output.ts'

type Lines = AsyncIterable<string> | Iterable<string>

/** A pipe or a terminal, such as /dev/stdout: it has no mode and cannot be replaced. */
function isStream(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  return there !== undefined && !there.isFile() && !there.isDirectory()
}

/**
 * Writes beside `path` and moves it there at the end. A file that another account has put there, or can read, gets nothing.
 * Resolves to the number of lines.
 */
export async function writeLines(path: string, lines: Lines, mode = 0o600): Promise<number> {
  if (isStream(path)) return writeTo(path, { flags: 'w', mode }, lines)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Refusal(
      `expected the path of a file, got the symbolic link ${printable(path)}: name its target`,
    )
  const temporary = `${path}.${crypto.randomUUID()}.tmp`
  try {
    const count = await writeTo(temporary, { flags: 'wx', mode }, lines)
    await rename(temporary, path)
    return count
  } catch (error) {
    await unlink(temporary).catch(() => {}) // it may never have been made
    throw error
  }
}

async function writeTo(
  path: string,
  { flags, mode }: { flags: 'w' | 'wx'; mode: number },
  lines: Lines,
): Promise<number> {
  const file = await open(path, flags, mode)
  let count = 0
  try {
    for await (const line of lines) {
      await file.write(`${line}\n`)
      count += 1
    }
  } finally {
    await file.close()
  }
  return count
}
