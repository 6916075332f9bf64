/** The `amr` of a sign-in with a provider: how far its `acr` and `amr` are repeated here. https://www.rfc-editor.org/rfc/rfc8176#section-2 */
import type { Identity } from './identity.ts'
import type { Upstream } from './settings.ts'

/** The registered values of §2. Other values have a meaning only at their provider, so they are not repeated. */
const registered = new Set(
  `face fpt geo hwk iris kba mca mfa otp pin pop pwd rba retina sc sms swk tel user vbm wia`.split(' '),
)

/**
 * Values repeated of a provider that is not trusted. None of them raises a level of `auth/acr.ts`, alone or together with
 * a factor proven here. None claims possession, so a code of this provider still counts as a factor of another kind.
 */
const harmless = new Set('face fpt geo iris kba pin pwd rba retina vbm wia'.split(' '))

/** The `amr` values that each level of `auth/acr.ts` requires. */
const basis = new Map<string, readonly string[]>([
  ['urn:latchkey:2fa', ['mfa']],
  ['phr', ['pop', 'user', 'mfa']],
])

/**
 * The `amr` of the sign-in. A provider that is not trusted counts as one factor, whatever it states. The `acr` of a
 * trusted one counts too: by the operator's table, or directly if it is a level of `auth/acr.ts`.
 */
export function factorsOf(upstream: Upstream, { acr, amr }: Identity): string[] {
  const known = upstream.trusted ? registered : harmless
  const said = amr.filter((each) => known.has(each))
  if (!upstream.trusted) return [...new Set(said)]
  const level = acr === undefined ? undefined : Object.hasOwn(upstream.acr, acr) ? upstream.acr[acr] : acr
  return [...new Set([...said, ...((level && basis.get(level)) || [])])]
}

/** The `acr_values` of the authorization request to a trusted provider, mapped from those of the client. */
export function wantedAcr(upstream: Upstream, acrValues: string | undefined): string | undefined {
  if (!upstream.trusted || acrValues === undefined) return undefined
  const theirs = acrValues.split(' ').flatMap((ours) => {
    const mapped = Object.entries(upstream.acr).filter(([, level]) => level === ours)
    return mapped.length > 0 ? mapped.map(([name]) => name) : [ours]
  })
  return theirs.join(' ')
}
