/** Checks the URLs of client metadata before they are kept. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { hostProblem } from '../lib/plain_host.ts'
import { OAuthError } from './errors.ts'
import { shown } from './refusal.ts'

/** Members whose values are URLs, those of features and translated ones included: names as RFC 7591 §2 forms them. */
const ofUrls = /_(?:uris?|endpoint)(?:#|$)/

const longestUrl = 2000

/** The length first: a long host with many marks takes seconds to parse. */
function urlProblem(uri: string): string | undefined {
  if (uri.length > longestUrl) return `is longer than ${longestUrl} characters`
  const url = URL.parse(uri)
  if (!url) return undefined
  return /\s/.test(uri) ? 'has white space' : hostProblem(url)
}

/** The first URL of such a member that is none to keep, and why. Undefined when all are. */
export function urlsProblem(name: string, values: unknown): { uri: string; problem: string } | undefined {
  if (!ofUrls.test(name)) return undefined
  for (const uri of [values].flat()) {
    const problem = typeof uri === 'string' ? urlProblem(uri) : undefined
    if (problem !== undefined) return { uri: uri as string, problem }
  }
  return undefined
}

/** A URL that comes with a line break, or with a host that means something in a header, is refused before it is kept. */
export function checkUrls(metadata: object): void {
  for (const [name, values] of Object.entries(metadata as Readonly<Record<string, unknown>>)) {
    const found = urlsProblem(name, values)
    if (!found) continue
    throw new OAuthError(name === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata', {
      rule: 'RFC 7591 §2',
      expected: `${name}: a URL whose host is made of letters, digits, dots and hyphens or is an address in brackets`,
      came: found.uri,
      problem: `${name}: ${shown(found.uri)} ${found.problem}`,
    })
  }
}
