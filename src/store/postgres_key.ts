/** Keys and members as bytes of a length that an index of PostgreSQL takes. https://www.postgresql.org/docs/current/btree.html */
import { createHash } from 'node:crypto'
import { longest } from './postgres_schema.ts'

/**
 * The UTF-8 bytes. Of a longer text, its beginning and the SHA-256 of the whole: always longer than what stands for itself, so
 * that two texts never have the same key.
 */
export function indexable(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= longest) return bytes
  return Buffer.concat([bytes.subarray(0, longest), createHash('sha256').update(bytes).digest()])
}

/** The bytes of a member that `indexable` cuts; null where it is whole. */
export const cutMember = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'utf8')
  return bytes.length <= longest ? null : bytes
}
