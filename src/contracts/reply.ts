/** The reply of an endpoint: a value. `http/reply.ts` makes it; `app.ts` turns it into the Response. */
import type { Html } from '../html/view.ts'
import type { Language, Said } from '../lib/say.ts'
import type { PolicySource } from '../lib/policy_source.ts'

export interface Reply {
  status: number
  /** Html is rendered in the language of the call by app.ts. */
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | Html | null
  headers: Record<string, string>
  /** Of a page that exists in one language alone. */
  language?: Language
  /** Of a page that refuses what was asked: what it says, for the log. */
  why?: Said | undefined
  /** `Set-Cookie` values. */
  cookies?: string[]
  /** For a form: the local path where a repetition leads, in place of where this reply redirects. */
  again?: string
  /** Origins that frames on this page load from (CSP frame-src). */
  frameSources?: readonly PolicySource[]
  /** Foreign origins that images on this page load from (CSP img-src). */
  imageSources?: readonly PolicySource[]
  /** Any site may show this page in a frame (CSP frame-ancestors). Only for a page without visible content. */
  framedByAnySite?: true
  /** Foreign origins that a form on this page may lead to (CSP form-action). */
  formTargets?: readonly PolicySource[]
}
