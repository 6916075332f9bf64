/** One HTTP request as endpoints and features see it; `http/call.ts` reads its parameters and its body. */
export interface Call {
  request: Request
  method: string
  /** Below the issuer's own path. */
  path: string
  /** Without its question mark. */
  search: string
  requestId: string
  /** The client's address by the trusted-proxy rule. */
  address: string
  /** The address of the connection itself: a proxy's, when there is one. */
  peer: string
  /** `ui_locales` of the authorization request that the page belongs to; set by whoever reads that request. */
  uiLocales?: string | undefined
  /** The client that the request names, for the log: not proven. */
  clientId?: string | undefined
}
