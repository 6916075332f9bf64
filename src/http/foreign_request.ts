/** Requests that a page of another site causes without opening a page of this provider. https://www.w3.org/TR/fetch-metadata/ */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { baseOf } from './page_base.ts'

/**
 * True for a form, a frame, an image or a script of another site. Such a request has no cookies of ours (SameSite=Lax), so
 * that each cookie of its answer would replace one that the browser has: the answer must set none. False for a link or a
 * redirect that opens a page: that GET has our cookies, and a client begins each sign-in with one. A browser that knows
 * no Sec-Fetch-Site is recognized by Origin alone, which it sends with forms and fetches.
 */
export function isForeign(call: Call, context: Context): boolean {
  const {
    request: { headers },
    method,
  } = call
  const origin = headers.get('origin')
  if (origin !== null && origin !== 'null' && origin !== new URL(baseOf(call, context)).origin) return true
  if (headers.get('sec-fetch-site') !== 'cross-site') return false
  const opensPage =
    (method === 'GET' || method === 'HEAD') &&
    headers.get('sec-fetch-mode') === 'navigate' &&
    headers.get('sec-fetch-dest') === 'document'
  return !opensPage
}
