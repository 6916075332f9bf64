/** What goes over the connection, as JSON. The page and the server share this file. */

export type FromPage = { type: 'say'; text: string } | { type: 'renew'; ticket: string }

/** `expires_in` in milliseconds: the clock of a page may be off, so no time of day is sent. */
export type ToPage =
  | { type: 'welcome'; name: string; expires_in: number }
  | { type: 'renewed'; expires_in: number }
  | { type: 'reading'; value: number }
  | { type: 'said'; by: string; text: string }
  | { type: 'error'; error: 'bad_ticket' }

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4 */
export const codes = { away: 1001, policy: 1008, ended: 4401, expired: 4408 } as const

const longestText = 500

/** Undefined for anything that is not exactly one of the messages of a page. */
export function fromPage(text: string): FromPage | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { type, text: said, ticket } = value as Record<string, unknown>
  if (type === 'renew' && typeof ticket === 'string') return { type, ticket }
  if (type === 'say' && typeof said === 'string' && said !== '' && said.length <= longestText)
    return { type, text: said }
  return undefined
}
