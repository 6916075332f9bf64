/** The contract of a route of the administration API: one row each, one file for each resource in routes/. docs/administration.md */
import type * as v from 'valibot'
import type { AdminScope } from '../../auth/admin_roles.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { SentFile } from '../../http/file_reply.ts'
import type { HttpMethod } from '../../lib/http_method.ts'
import type { Actor } from './actor.ts'

/** The names in `/people/{sub}/sessions/{sid}`. */
export type NamesIn<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never

/** What a route gets: all of it is checked. */
export interface Input<P extends string, Q extends v.ObjectEntries, B extends v.ObjectEntries> {
  actor: Actor
  params: { readonly [Name in NamesIn<P>]: string }
  query: v.InferOutput<v.StrictObjectSchema<Q, undefined>>
  body: v.InferOutput<v.StrictObjectSchema<B, undefined>>
  /** Call it inside of the compare-and-swap, with the record as it is: throws 412 when the caller has read another one. */
  requireMatch(record: object): void
  /** The context keeps no write: `run` does all that it would, and its answer says what would happen. */
  dryRun: boolean
}

/** What a route did. */
export interface Done<A> {
  answer: A
  /** From `versionOf` of the record. */
  etag?: string
  /** The path below /admin/v1 of what was created. */
  location?: string
  /** In place of an answer, for a route with `file`. */
  file?: SentFile
}

type Text<S> = S extends v.GenericSchema ? v.InferInput<S> : undefined

export interface RouteOf<
  P extends string,
  Q extends v.ObjectEntries,
  B extends v.ObjectEntries,
  A extends v.GenericSchema | undefined,
> {
  method: HttpMethod
  /** Below /admin/v1. */
  path: P
  /** One line, for /openapi.json and docs/administration.md. */
  summary: string
  /** Undefined: any caller with a token of this API, or with a session; it tells nothing but what the caller is. */
  scope: AdminScope | undefined
  /** Any other parameter is refused: `dryrun=true` would otherwise be no dry run. */
  query?: Q
  /** Any other member is refused. */
  body?: B
  /** Members that it does not name are left out of the answer. Without it and without `file` the answer is 204. */
  answer?: A
  /** It answers with a file of one of these media types. */
  file?: readonly [string, ...string[]]
  /** What it changes, in words. A route without it reads, and its context keeps no write. */
  changes?: string
  /** It changes nothing and tells much at once: an entry of the audit trail says that it was read, and a person signs in anew for it as for a change. */
  noted?: true
  /** Makes something new: 201, and the header Idempotency-Key is understood. Members of the answer in `once` are shown once. */
  creates?: { once: readonly string[] }
  /** The caller names by If-Match the version that it has read. `run` calls `requireMatch`. */
  guarded?: true
  /** Takes `dry_run=true`, and its answer has `dry_run`. */
  destructive?: true
  /** Without it the route is always there. */
  exists?(context: Context): boolean
  run(call: Call, context: Context, input: Input<P, Q, B>): Promise<Done<Text<A>>>
}

/** A row of any resource. */
export type Route = RouteOf<string, v.ObjectEntries, v.ObjectEntries, v.GenericSchema | undefined>

type None = Record<never, never>

/** Keeps the types of a row. */
export const defineRoute = <
  const P extends string,
  const Q extends v.ObjectEntries = None,
  const B extends v.ObjectEntries = None,
  const A extends v.GenericSchema | undefined = undefined,
>(
  route: RouteOf<P, Q, B, A>,
): RouteOf<P, Q, B, A> => route
