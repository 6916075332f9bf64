/** Whether a request was sent by a page of this session, and not by a page of another site with the cookie of the browser (CSRF). */
import { hasCsrf, type Session } from './sessions.ts'
import { origin } from './settings.ts'

/**
 * Why the request is refused; undefined when it may pass. Three checks, each of which would do in a browser of today: the
 * cookie is SameSite=Lax, but a neighbour such as another port of localhost is the same site; browsers that are old send no
 * Sec-Fetch-Site; and the value that the page has to know also tells a tab of the session before from a tab of this one.
 */
export function refused(request: Request, session: Session, csrf: string | null): string | undefined {
  const { headers, method } = request
  const from = headers.get('origin')
  if (from === null ? method !== 'GET' : from !== origin) return 'the request comes from another origin'
  if (!['same-origin', null].includes(headers.get('sec-fetch-site')))
    return 'the request comes from another site'
  return hasCsrf(session, csrf) ? undefined : 'the page is of another session: load it again'
}
