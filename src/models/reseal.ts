/** Moves what a former value of SECRET_KEY has sealed over to the first one. docs/operations.md, "Changing SECRET_KEY" */
import { resealed, unseal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'

/** `unreadable`: no value of SECRET_KEY opens it. */
export type Resealed = 'moved' | 'current' | 'unreadable'

interface Sealed<T> {
  find(): Promise<T | undefined>
  /** Compare-and-swap, as `update` of a record. */
  update(change: (current: T) => T | undefined): Promise<T | undefined>
  /** Undefined where the record has nothing sealed. */
  sealedOf(record: T): string | undefined
  withSealed(record: T, sealed: string): T
  label: string
}

/**
 * Seals one member of a record anew, if a former value has sealed it; without `write` it only says so. Undefined for a record
 * that is absent or has nothing sealed. A record that another writer changed in between is read again, so no write is undone.
 */
export async function resealRecord<T>(
  keys: Keys,
  write: boolean,
  { find, update, sealedOf, withSealed, label }: Sealed<T>,
): Promise<Resealed | undefined> {
  const record = await find()
  const sealed = record && sealedOf(record)
  if (sealed === undefined) return undefined
  if (resealed(keys, sealed, label) === undefined)
    return unseal(keys, sealed, label) === undefined ? 'unreadable' : 'current'
  if (write)
    await update((current) => {
      const now = sealedOf(current)
      const next = now === undefined ? undefined : resealed(keys, now, label)
      return next === undefined ? undefined : withSealed(current, next)
    })
  return 'moved'
}
