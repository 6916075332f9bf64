/** Scopes: their syntax and what may be granted. https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
import { OAuthError } from './errors.ts'
import { shown } from './refusal.ts'

/** OpenID Connect Core §5.4 and §11. */
export const standardScopes = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const

const token = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Distinct scope tokens in the order given; throws `invalid_scope` on a character outside §3.3. */
export function parseScope(text: string | undefined): string[] {
  if (text === undefined || text === '') return []
  const scopes = text.split(' ').filter((each, i, all) => each !== '' && all.indexOf(each) === i)
  const odd = scopes.find((each) => !token.test(each))
  if (odd !== undefined)
    throw new OAuthError('invalid_scope', {
      rule: 'RFC 6749 §3.3',
      expected: 'a scope of printable ASCII characters other than space, quotation mark and backslash',
      came: odd,
      problem: `scope has a character outside RFC 6749 3.3 in ${shown(odd)}`,
    })
  return scopes
}

export const formatScope = (scopes: readonly string[]): string => scopes.join(' ')

/** Throws `invalid_scope` naming the first scope that is not in `allowed`. */
export function requireWithin(asked: readonly string[], allowed: readonly string[], whose: string): void {
  const beyond = asked.find((each) => !allowed.includes(each))
  if (beyond !== undefined)
    throw new OAuthError('invalid_scope', {
      rule: 'RFC 6749 §3.3',
      expected: `scope is among ${whose}: ${formatScope(allowed) || 'none'}`,
      came: beyond,
      problem: `scope ${shown(beyond)} is not among ${whose}: ${formatScope(allowed) || 'none'}`,
    })
}
