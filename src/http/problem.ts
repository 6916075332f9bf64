/** A refusal as problem details. https://www.rfc-editor.org/rfc/rfc9457 */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Reply } from '../contracts/reply.ts'
import { isSecret, type RefusedError } from '../auth/refusal.ts'
import { readRule } from '../auth/rule.ts'
import { described, hints } from './hints.ts'

/** The members of §3.1, and ours. `components.schemas.Problem` describes them. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  /** For programs: it stays the same. */
  code: string
  expected: string
  came?: string
  next?: string
  request_id: string
}

const longest = 200

const textOf = (value: unknown): string | undefined => {
  if (value === undefined || isSecret(value)) return undefined
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}

export function problemOf(error: RefusedError, requestId: string, context: Pick<Context, 'realm'>): Problem {
  const { code, rule, came } = error.refusal
  const { expected, next } = hints(context, error.refusal)
  const shown = textOf(came)
  return {
    type: readRule(rule).url,
    title: code.replaceAll('_', ' '),
    status: error.status,
    detail: described(context, error.refusal),
    code,
    expected,
    ...(shown !== undefined && { came: shown }),
    ...(next !== undefined && { next }),
    request_id: requestId,
  }
}

export function problemReply(
  error: RefusedError,
  { requestId }: Call,
  context: Pick<Context, 'realm'>,
): Reply {
  const { headers, retryAfter } = error.refusal
  return {
    status: error.status,
    body: JSON.stringify(problemOf(error, requestId, context)),
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...headers,
      ...(retryAfter !== undefined && { 'retry-after': `${retryAfter}` }),
    },
  }
}
