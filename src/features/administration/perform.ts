/** Runs a route for a caller: the API and the pages both do it here. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { headContext } from '../../http/head_context.ts'
import type { Actor } from './actor.ts'
import { requireRight } from './caller.ts'
import type { Done, Input, Route, RouteOf } from './route.ts'
import { requireMatch } from './version.ts'

/** What a caller gives: an API call has read it from the request, a page from its form. */
export interface Given<P extends string, Q extends v.ObjectEntries, B extends v.ObjectEntries> {
  actor: Actor
  params: Input<P, Q, B>['params']
  query: Input<P, Q, B>['query']
  body: Input<P, Q, B>['body']
  /** The versions that the caller accepts, for a route that is `guarded`. */
  ifMatch?: readonly string[]
  dryRun?: boolean
}

const memo = new WeakMap<Context, Context>()

/** A context that keeps no write. */
function readingContext(context: Context): Context {
  const made = memo.get(context) ?? headContext(context)
  memo.set(context, made)
  return made
}

type AnswerOf<A> = A extends v.GenericSchema ? v.InferOutput<A> : undefined

/** Throws what the caller lacks before `run` sees anything. */
export async function perform<
  P extends string,
  Q extends v.ObjectEntries,
  B extends v.ObjectEntries,
  A extends v.GenericSchema | undefined,
>(
  call: Call,
  context: Context,
  route: RouteOf<P, Q, B, A>,
  given: Given<P, Q, B>,
): Promise<Done<AnswerOf<A>>> {
  const { actor, params, query, body, ifMatch = [], dryRun = false } = given
  if (route.exists?.(context) === false)
    throw new HttpError('not_found', { expected: 'a route that exists here', came: route.path })
  requireRight(call, context, actor, route as unknown as Route)
  const isReading = (route.changes === undefined && !route.noted) || (dryRun && route.destructive === true)
  const done = await route.run(call, isReading ? readingContext(context) : context, {
    actor,
    params,
    query,
    body,
    dryRun: isReading && dryRun,
    requireMatch: (record) => requireMatch(ifMatch, record),
  })
  return {
    ...done,
    answer: parsed(route as unknown as Route, done.answer, isReading && dryRun) as AnswerOf<A>,
  }
}

function parsed({ answer: schema, destructive }: Route, answer: unknown, dryRun: boolean): unknown {
  if (schema === undefined) return undefined
  const told = v.parse(schema, answer)
  return destructive ? { ...(told as object), dry_run: dryRun } : told
}
