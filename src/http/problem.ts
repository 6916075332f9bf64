/** A refusal as problem details. https://www.rfc-editor.org/rfc/rfc9457 */
import type { Call } from '../contracts/call.ts'
import type { Reply } from '../contracts/reply.ts'
import { describe, isSecret, type RefusedError } from '../auth/refusal.ts'
import { readRule } from '../auth/rule.ts'

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

export function problemOf(error: RefusedError, requestId: string): Problem {
  const { code, rule, expected, came, next } = error.refusal
  const shown = textOf(came)
  return {
    type: readRule(rule).url,
    title: code.replaceAll('_', ' '),
    status: error.status,
    detail: describe(error.refusal),
    code,
    expected,
    ...(shown !== undefined && { came: shown }),
    ...(next !== undefined && { next }),
    request_id: requestId,
  }
}

export function problemReply(error: RefusedError, { requestId }: Call): Reply {
  const { headers, retryAfter } = error.refusal
  return {
    status: error.status,
    body: JSON.stringify(problemOf(error, requestId)),
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...headers,
      ...(retryAfter !== undefined && { 'retry-after': `${retryAfter}` }),
    },
  }
}
