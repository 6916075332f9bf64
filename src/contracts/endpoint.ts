/** The contract of an endpoint: one file each, one line in the table. */
import type { Context } from './context.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { Operations } from '../openapi/parts.ts'

export interface Endpoint {
  /** As in the metadata: `token` is advertised as `token_endpoint`. */
  name: string
  /** Below the issuer's own path. */
  path: string
  methods: readonly ('GET' | 'POST' | 'PUT' | 'DELETE')[]
  /**
   * Who may read the answer from a script: `any` origin (public documents), origins of browser `client`s
   * (CORS_ALLOWED_ORIGINS), or nobody. Cookies are never part of it.
   */
  cors?: 'any' | 'client'
  /** True when RATE_LIMIT_PER_MINUTE counts its requests. */
  limited?: boolean
  /** Errors of pages are pages, those of APIs are JSON. */
  page?: boolean
  /** Also reachable at these paths. */
  aliases?: readonly string[]
  /** False to leave it out of discovery, or a condition. */
  advertised?: false | ((context: Context) => boolean)
  /** An endpoint that takes access tokens: the scopes it asks of them. */
  resourceScopes?: readonly string[]
  /** What /openapi.json says of each method; the core's own are in src/openapi/operations.ts. */
  api?: Operations
  handle(call: Call, context: Context): Promise<Reply> | Reply
}

export const defineEndpoint = (endpoint: Endpoint): Endpoint => endpoint
