/** Rotation of the signing keys by an operator or an administrator. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import type { KeyAlg } from '../auth/jwk.ts'
import type { Context } from '../contracts/context.ts'
import type { KeyStatus } from '../models/open_keys.ts'
import { type Author, noteChange } from './author.ts'

/**
 * The next key of each of `algs`, by default of all. `isNew` is false for a key that an earlier rotation made and that
 * does not sign yet: rotations in a row make one key. Resolves when the audit entry is in the store.
 */
export async function rotateKeys(
  { keys, ...trail }: Pick<Context, 'keys' | 'log' | 'audit'>,
  author: Author,
  algs?: readonly KeyAlg[],
): Promise<(KeyStatus & { isNew: boolean })[]> {
  const before = new Set(keys.list().map(({ kid }) => kid))
  const next = await keys.rotate(algs)
  await noteChange(trail, author, 'keys_rotated', { kids: next.map(({ kid }) => kid) })
  return next.map((key) => ({ ...key, isNew: !before.has(key.kid) }))
}
