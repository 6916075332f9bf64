/** Where backups are: a folder of this machine, or a prefix of a bucket. */
import { Refusal } from '../failure.ts'

export interface Place {
  /** All of it, or nothing under this name. Throws Refusal when something is there. */
  write(name: string, parts: AsyncIterable<Uint8Array>): Promise<void>
  read(name: string): AsyncIterable<Uint8Array>
  names(): Promise<string[]>
  remove(name: string): Promise<void>
  /** As the operator reads it. */
  shown(name: string): string
}

const shape = /^latchkey-\d{8}T\d{9}Z\.backup$/

/** `latchkey-20261129T083000123Z.backup`: the order of the names is that of the times. `now` in milliseconds. */
export const nameAt = (now: number): string =>
  `latchkey-${new Date(now).toISOString().replace(/[-:.]/g, '')}.backup`

/** Those that `nameAt` named, the oldest first. */
export const namedByTime = async (place: Place): Promise<string[]> =>
  (await place.names()).filter((name) => shape.test(name)).toSorted()

/** Deletes all but the newest `count` that `nameAt` named. Resolves to what it deleted. */
export async function keepNewest(place: Place, count: number): Promise<string[]> {
  const names = await namedByTime(place)
  const old = names.slice(0, Math.max(0, names.length - count))
  for (const name of old) await place.remove(name)
  return old.map((name) => place.shown(name))
}

export const taken = (path: string): Refusal =>
  new Refusal(`${path} exists, and a backup replaces no file: name another one, or a folder`)

/** A place, and the name in it that the operator chose. Without a name it is a folder, and names are those of times. */
export interface Target {
  place: Place
  name: string | undefined
}
