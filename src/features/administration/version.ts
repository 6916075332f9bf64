/** ETag of a record, and If-Match. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1 */
import { HttpError } from '../../auth/errors.ts'
import { sha256 } from '../../lib/hash.ts'

/** The same for two texts of one record that differ in the order of members alone, as a record that was just written does. */
function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(canonical)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, canonical(member)]),
  )
}

export const versionOf = (record: object): string =>
  `"${sha256(JSON.stringify(canonical(record))).slice(0, 22)}"`

const mostTags = 20

/**
 * The tags of If-Match. `*` would overwrite a version that the caller has not seen, so it is refused; a weak tag never
 * matches (§8.8.3.2). Throws 428 without the header.
 */
export function readIfMatch(header: string | null): string[] {
  if (header === null || header.trim() === '*')
    throw new HttpError('precondition_required', {
      expected: 'If-Match with the ETag of the version that you have read',
      came: header ?? 'no If-Match',
      next: 'read the resource, and send its ETag as If-Match',
    })
  return header
    .split(',', mostTags)
    .map((each) => each.trim())
    .filter((each) => each.startsWith('"'))
}

/** Throws 412. */
export function requireMatch(tags: readonly string[], record: object): void {
  const current = versionOf(record)
  if (tags.includes(current)) return
  throw new HttpError('precondition_failed', {
    expected: `If-Match ${current}`,
    came: tags.join(', '),
    problem: 'it was changed since you have read it; nothing was changed now',
    next: 'read it again, and repeat the change on what you find',
    headers: { etag: current },
  })
}
