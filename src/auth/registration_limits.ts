/** The limits that an initial access token sets for its client, in place of those of the configuration. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import * as v from 'valibot'

const Words = v.optional(v.array(v.string()))

/** Each member replaces a setting of the configuration. They are stored with the client for later updates. */
export const RegistrationLimits = v.object({
  scopes: Words,
  grant_types: Words,
  auth_methods: Words,
  /** Host names, in which `*.` means any subdomain. Every redirect URI must have one of them. */
  redirect_hosts: Words,
})
export type RegistrationLimits = v.InferOutput<typeof RegistrationLimits>

/** Whether this is a valid member of `redirect_hosts`; it has no port. */
const isHostPattern = (text: string): boolean =>
  /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$|^\[[0-9a-f:.]+\]$/.test(text)

/** False for a URI without a host, such as one of a private-use scheme. */
export function leadsToOneOf(hosts: readonly string[], uri: string): boolean {
  const url = URL.parse(uri)
  if (!url || !/^https?:$/.test(url.protocol)) return false
  return hosts.some((host) =>
    host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host,
  )
}

/** What the members may name. */
export type LimitChoices = Readonly<Record<'scopes' | 'grant_types' | 'auth_methods', readonly string[]>>

/** The first value that is not among the choices, or is no host pattern. */
export function misfitOfLimits(
  limits: RegistrationLimits,
  choices: LimitChoices,
): { member: keyof RegistrationLimits; expected: string; came: string } | undefined {
  for (const member of ['scopes', 'grant_types', 'auth_methods'] as const) {
    const came = limits[member]?.find((each) => !choices[member].includes(each))
    if (came !== undefined) return { member, expected: `one of ${choices[member].join(', ')}`, came }
  }
  const came = limits.redirect_hosts?.find((host) => !isHostPattern(host))
  return came === undefined
    ? undefined
    : { member: 'redirect_hosts', expected: 'a host name without scheme and port', came }
}
