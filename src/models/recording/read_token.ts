/** The header and the claims of a JWT, for a page. Nothing is verified. https://www.rfc-editor.org/rfc/rfc7519 */
import type { Claims } from '../../auth/jws.ts'
import type { ReadToken } from './recorded.ts'

const longest = 16_000

function part(text: string | undefined): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text ?? '', 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined
  } catch {
    return undefined
  }
}

/** Undefined for what is no JWT. `text` may lack the signature. */
export function readToken(text: string): ReadToken | undefined {
  if (text.length > longest || !text.startsWith('eyJ')) return undefined
  const [first, second, ...more] = text.split('.')
  const header = part(first)
  const claims = header && more.length <= 1 ? part(second) : undefined
  return header && claims && { header, claims }
}
