/** The URI of an API that tokens are for: its form, and which two are one. https://www.rfc-editor.org/rfc/rfc8707#section-2 */

/** Characters. */
const longest = 2000

/** What is wrong with the URI; undefined when it is absolute, in ASCII and without fragment. */
export function resourceProblem(uri: string): string | undefined {
  // First: parsing a host of combining marks takes time with the square of its length.
  if (uri.length > longest) return `a resource of at most ${longest} characters`
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'resource must be a URI in ASCII without spaces (RFC 3986 2)'
  if (uri.includes('#') || !URL.canParse(uri)) return 'resource must be an absolute URI without fragment'
  return undefined
}

/** The same for two URIs that differ in the slash of an empty path alone (RFC 3986 §6.2.3). Any other text is its own key. */
export function resourceKey(uri: string): string {
  const url = uri.length > longest ? null : URL.parse(uri)
  return url?.pathname === '/' ? url.href : uri
}

/** Whether one of `uris` is the same resource. */
export function isAmong(uri: string, uris: readonly string[]): boolean {
  const key = resourceKey(uri)
  return uris.some((each) => resourceKey(each) === key)
}
