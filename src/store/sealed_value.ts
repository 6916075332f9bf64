/** What a store that seals has for a value. docs/decisions/0105-encryption-of-a-store-in-use.md */
import { seal, unseal } from '../lib/seal.ts'
import type { Keys } from '../lib/secret_keys.ts'

/**
 * A counter cannot be sealed, and a backend does not tell a counter from a value of digits alone. So such a value is not sealed
 * either: it says that something is there.
 */
export const isCount = (value: string): boolean => /^-?[0-9]+$/.test(value)

export const sealedValue = (keys: Keys, key: string, value: string): string =>
  isCount(value) ? value : seal(keys, value, key)

/** Undefined for a value that does not open. */
export const openedValue = (keys: Keys, key: string, sealed: string | undefined): string | undefined =>
  sealed === undefined || isCount(sealed) ? sealed : unseal(keys, sealed, key)
