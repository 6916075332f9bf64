/** One HTTP request as endpoints and features see it; `http/call.ts` reads its parameters and its body. */
import type { Client } from '../models/client.ts'

export interface Call {
  request: Request
  method: string
  /** The path below that of the issuer. */
  path: string
  /** The base URL of the pages that the request belongs to, where it is not the issuer (http/page_base.ts). */
  base?: string | undefined
  /** The query without its question mark. */
  search: string
  requestId: string
  /** The client's address by the trusted-proxy rule. */
  address: string
  /** The address of the connection: that of the proxy, if there is one. */
  peer: string
  /** `ui_locales` of the authorization request that the page belongs to; set by the code that reads that request. */
  uiLocales?: string | undefined
  /** The client_id that the request names, for the log. It is not authenticated. */
  clientId?: string | undefined
  /**
   * The client that the answer is for, once its record is read: pages at its redirect URIs may read the answer
   * (http/cors.ts). It may not be authenticated.
   */
  client?: Client | undefined
  /** The body, once it is read (`http/call.ts`). */
  body?: Promise<string> | undefined
  /** A line of the log says why the request was refused. */
  refused?: boolean
  /** Of a refusal: the page that explains it, for `error_uri` (RFC 6749 §5.2). */
  errorUri?: string | undefined
  /** A rate limit has counted this request (`http/request_limit.ts`). */
  counted?: boolean
}
