/** Keys that are derived from SECRET_KEY. Of several values the first seals and signs, and all of them open and verify. docs/decisions/0081-several-secret-keys.md */
import { equalInConstantTime } from './equal.ts'
import { deriveKey, hmac } from './hash.ts'

/** The values of SECRET_KEY. */
export type SecretValues = readonly [string, ...string[]]

/** The keys of one purpose, 32 bytes each: one, or one for each value. */
export type Keys = Uint8Array | readonly [Uint8Array, ...Uint8Array[]]

export const deriveKeys = ([first, ...others]: SecretValues, purpose: string): Keys => [
  deriveKey(first, purpose),
  ...others.map((value) => deriveKey(value, purpose)),
]

/** The key that seals and signs. */
export const firstKey = (keys: Keys): Uint8Array => (keys instanceof Uint8Array ? keys : keys[0])

/** All keys, in the order in which they are tried. */
export const everyKey = (keys: Keys): readonly Uint8Array[] => (keys instanceof Uint8Array ? [keys] : keys)

export const macOf = (keys: Keys, text: string): string => hmac(firstKey(keys), text)

/** Whether `given` is the MAC of `text` under one of the keys. The time does not tell which. */
export const isMacOf = (keys: Keys, text: string, given: string): boolean =>
  everyKey(keys)
    .map((key) => equalInConstantTime(given, hmac(key, text)))
    .includes(true)
