/** Reads the JSON of a file that an option names. https://www.rfc-editor.org/rfc/rfc8259 */
import { readFile } from 'node:fs/promises'
import { UsageError } from './failure.ts'

/** Throws UsageError that names the file. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`${path}: expected JSON`)
  }
}
