/** Reads a backup back from its place, to its end: only then is it one. */
import { createHash } from 'node:crypto'
import { Refusal } from '../failure.ts'
import { readContent } from './content.ts'
import type { Place } from './place.ts'
import { openFile } from './sealed_file.ts'

/** The place did not answer, or refused. */
export class Unreachable extends Refusal {
  override name = 'Unreachable'
}

interface Expected {
  place: Place
  name: string
  /** BACKUP_KEY. */
  secret: string
  sha256: string
  /** Milliseconds. */
  now: number
}

/**
 * Throws Refusal when the place gives other bytes than were written, and removes what would be taken for a backup. Reads
 * it once more before: an answer may be cut off on its way.
 */
export async function verify(expected: Expected): Promise<void> {
  const { place, name } = expected
  const problem = (await problemOf(expected)) && (await problemOf(expected))
  if (problem === undefined) return
  await place.remove(name)
  throw new Refusal(
    `${place.shown(name)} is not what was written: ${problem}. It was removed, and no older backup was`,
  )
}

async function problemOf({ place, name, secret, sha256, now }: Expected): Promise<string | undefined> {
  const hash = createHash('sha256')
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const part of place.read(name)) {
      hash.update(part)
      yield part
    }
  }
  try {
    for await (const _ of readContent(openFile(secret, bytes()), now));
    const found = hash.digest('hex')
    return found === sha256 ? undefined : `it has the SHA-256 ${found}, and ${sha256} was written`
  } catch (error) {
    // A place that does not answer may have the backup all the same.
    if (error instanceof Refusal && !(error instanceof Unreachable)) return error.message
    throw error
  }
}
