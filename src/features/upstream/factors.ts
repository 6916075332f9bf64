/** What a sign-in at a provider was worth, said here no louder than we may. https://www.rfc-editor.org/rfc/rfc8176#section-2 */
import type { Identity } from './identity.ts'
import type { Upstream } from './settings.ts'

/** The registered values of §2. Others mean what their provider means by them, so they are not repeated. */
const registered = new Set(
  `face fpt geo hwk iris kba mca mfa otp pin pop pwd rba retina sc sms swk tel user vbm wia`.split(' '),
)

/**
 * What is repeated of a provider that is not trusted: nothing that raises a level of `auth/acr.ts`, alone or beside a
 * factor of ours, and no possession, so that a code of ours still counts as a factor of another kind.
 */
const harmless = new Set('face fpt geo iris kba pin pwd rba retina vbm wia'.split(' '))

/** What each level of ours rests on. */
const basis = new Map<string, readonly string[]>([
  ['urn:latchkey:2fa', ['mfa']],
  ['phr', ['pop', 'user', 'mfa']],
])

/**
 * The `amr` of the sign-in. A provider that is not trusted counts as one factor, whatever it says; of one that is, its
 * `acr` counts too, by the operator's table or where it is a level of ours.
 */
export function factorsOf(upstream: Upstream, { acr, amr }: Identity): string[] {
  const known = upstream.trusted ? registered : harmless
  const said = amr.filter((each) => known.has(each))
  if (!upstream.trusted) return [...new Set(said)]
  const level = acr === undefined ? undefined : Object.hasOwn(upstream.acr, acr) ? upstream.acr[acr] : acr
  return [...new Set([...said, ...((level && basis.get(level)) || [])])]
}

/** The `acr_values` to ask a trusted provider for, so that it can do what the application wants. */
export function wantedAcr(upstream: Upstream, acrValues: string | undefined): string | undefined {
  if (!upstream.trusted || acrValues === undefined) return undefined
  const theirs = acrValues.split(' ').flatMap((ours) => {
    const mapped = Object.entries(upstream.acr).filter(([, level]) => level === ours)
    return mapped.length > 0 ? mapped.map(([name]) => name) : [ours]
  })
  return theirs.join(' ')
}
