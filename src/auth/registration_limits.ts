/** What the initial access token of a client lets it be, instead of what the configuration lets anybody be. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import * as v from 'valibot'

const Words = v.optional(v.array(v.string()))

/** Each member that is there takes the place of the setting for everybody; the client keeps them for later updates. */
export const RegistrationLimits = v.object({
  scopes: Words,
  grant_types: Words,
  auth_methods: Words,
  /** Host names, where `*.` stands for any subdomain: every redirect must lead to one of them. */
  redirect_hosts: Words,
})
export type RegistrationLimits = v.InferOutput<typeof RegistrationLimits>

/** Whether this can be a member of `redirect_hosts`; a port is not part of it. */
export const isHostPattern = (text: string): boolean =>
  /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$|^\[[0-9a-f:.]+\]$/.test(text)

/** False for a URI without a host, such as one of a private-use scheme. */
export function leadsToOneOf(hosts: readonly string[], uri: string): boolean {
  const url = URL.parse(uri)
  if (!url || !/^https?:$/.test(url.protocol)) return false
  return hosts.some((host) =>
    host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host,
  )
}
