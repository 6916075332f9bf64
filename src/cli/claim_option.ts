/** `--claim NAME=VALUE` as claims about an End-User. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import { isClaimName, isProvidersOwn } from '../auth/person_claims.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { UsageError } from './failure.ts'
import { printable } from './output.ts'

/** Core §5.1: these standard claims are JSON booleans; all others are text or an object. */
const booleans = ['email_verified', 'phone_number_verified']

/** `known` are the claims that have their own option, undefined without it; `emailVerified` is the option for the address. Throws UsageError that names the claim. */
export function readClaims(
  given: readonly string[] = [],
  known: Readonly<Record<string, string | undefined>> = {},
  emailVerified = false,
): Record<string, unknown> {
  const claims = new Map<string, unknown>()
  for (const [name, value] of Object.entries(known)) if (value !== undefined) claims.set(name, value)
  for (const text of given) {
    const [name, value] = readClaim(text)
    if (claims.has(name)) throw new UsageError(`--claim: ${name} came twice`)
    claims.set(name, value)
  }
  const email = claims.get('email')
  if (email !== undefined && (typeof email !== 'string' || readMailAddress(email) === undefined))
    throw new UsageError(`email: expected an address such as name@example.com, got ${printable(email)}`)
  if (emailVerified && (email === undefined || claims.has('email_verified')))
    throw new UsageError('--email-verified: expected --email, and no claim email_verified')
  if (claims.has('email') && !claims.has('email_verified')) claims.set('email_verified', emailVerified)
  return Object.fromEntries(claims)
}

function readClaim(text: string): [name: string, value: unknown] {
  const equals = text.indexOf('=')
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
  if (equals < 1 || value === '') throw new UsageError(`--claim: expected NAME=VALUE, got ${printable(text)}`)
  if (!isClaimName(name))
    throw new UsageError(`--claim: expected a name such as nickname, got ${printable(name)}`)
  if (isProvidersOwn(name)) throw new UsageError(`--claim: ${name} is set by the provider itself`)
  const read = readValue(name, value)
  if (booleans.includes(name) && typeof read !== 'boolean')
    throw new UsageError(`--claim: ${name} is true or false, got ${printable(value)}`)
  return [name, read]
}

function readValue(name: string, value: string): unknown {
  if (!/^(true|false|[[{].*)$/s.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    throw new UsageError(`--claim: ${name} begins like JSON but is not valid JSON: ${printable(value)}`)
  }
}
