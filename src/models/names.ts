/** The names that accounts hold: each name, and each look of a name, belongs to one account. docs/decisions/0044-names.md */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import { canonicalUsername, lookOf } from '../lib/spelling.ts'
import { defineRecord, type Memory } from './define_record.ts'

/** By the hash of the canonical name, and of what it looks like. Only the first finds an account. */
export const names = defineRecord('username', v.object({ sub: v.string() }))

interface Named {
  username: string
  claims: Readonly<Record<string, unknown>>
}

export const isLikeAddress = (name: string): boolean => canonicalUsername(name).includes('@')

/** The key that finds the account of a username. */
export const nameKey = (username: string): string => sha256(canonicalUsername(username))

/** Two mailboxes may look alike, and the owner of each proves it: an address is held in its spelling alone. */
const keysOf = (name: string): string[] =>
  isLikeAddress(name) ? [nameKey(name)] : [nameKey(name), sha256(lookOf(name))]

/** Clients show `preferred_username` as a name, so it is held as a username is. An address there is checked by its owner. */
export const shownNameKeys = ({ preferred_username: name }: Named['claims']): string[] =>
  typeof name === 'string' && name !== '' && !isLikeAddress(name) ? keysOf(name) : []

/** The keys of all names of an account; the first finds it. */
export const nameKeysOf = ({ username, claims }: Named): string[] => [
  ...new Set([...keysOf(username), ...shownNameKeys(claims)]),
]

export async function areFree(memory: Memory, keys: readonly string[], sub: string): Promise<boolean> {
  const held = await Promise.all(keys.map((key) => names.find(memory, key)))
  return held.every((each) => each === undefined || each.sub === sub)
}

export async function release(memory: Memory, keys: readonly string[], sub: string): Promise<void> {
  for (const key of keys) if ((await names.find(memory, key))?.sub === sub) await names.take(memory, key)
}

/** Makes all keys those of `sub`, or none: the keys that were free, or undefined when another account holds one. */
export async function reserve(
  memory: Memory,
  keys: readonly string[],
  sub: string,
): Promise<string[] | undefined> {
  const made: string[] = []
  for (const key of keys) {
    if (await names.create(memory, key, { sub })) made.push(key)
    else if ((await names.find(memory, key))?.sub !== sub) {
      await release(memory, made, sub)
      return undefined
    }
  }
  return made
}
