/** Which authorization_details concern an audience. https://www.rfc-editor.org/rfc/rfc9396#section-9.1 */
import { resourceKey } from './resource_uri.ts'

/** A location is that of the audience, or below it. */
function isAt(location: string, audience: string): boolean {
  if (resourceKey(location) === resourceKey(audience)) return true
  const [here, there] = [URL.parse(location), URL.parse(audience)]
  if (!here || !there || here.origin !== there.origin || here.origin === 'null') return false
  return here.pathname.startsWith(there.pathname.endsWith('/') ? there.pathname : `${there.pathname}/`)
}

/** Without `locations` it concerns any audience. */
export const concerns = (detail: object, audience: readonly string[]): boolean => {
  const { locations } = detail as { locations?: unknown }
  return (
    !Array.isArray(locations) ||
    locations.some((location) => audience.some((each) => isAt(String(location), each)))
  )
}
