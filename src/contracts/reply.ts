/** What an endpoint answers with: a value. `http/reply.ts` makes it; `app.ts` turns it into the Response. */
import type { Html } from '../html/view.ts'
import type { PolicySource } from '../lib/policy_source.ts'

export interface Reply {
  status: number
  /** Html is written in the language of the call when it leaves (app.ts). */
  body: string | Uint8Array<ArrayBuffer> | Html | null
  headers: Record<string, string>
  /** `Set-Cookie` values. */
  cookies?: string[]
  /** Origins that frames on this page load from (CSP frame-src). */
  frameSources?: readonly PolicySource[]
  /** Origins of others that pictures on this page load from (CSP img-src). */
  imageSources?: readonly PolicySource[]
  /** Any site may show this page in a frame (CSP frame-ancestors): only a page without a word on it. */
  framedByAnybody?: true
  /** Origins beyond our own that a form on this page may lead to (CSP form-action). */
  formTargets?: readonly PolicySource[]
}
