/** A refusal as a value, and the sentence that clients read of it. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import type { Said } from '../lib/say.ts'
import type { Rule } from './rule.ts'

/** Why a request is refused. The answer, the page and the log line are views of it (http/error_reply.ts). */
export interface Grounds {
  /** The specification and section that demand it. */
  rule: Rule
  /** The condition that does not hold, in the words of the specification: `max_age must be a whole number of seconds`. */
  expected: string
  /** The value that came. Codes, tokens, passwords and secrets, and what may hold one, are given as `secret(value)`. */
  came?: unknown
  /** What is wrong, where `expected, got came` does not say it. It quotes no secret. */
  problem?: string | undefined
  /** What to do about it, where `expected` does not say it. */
  next?: string | undefined
  /** What a page tells the End-User, where the sentence of the code (`error.<code>`) says too little. */
  say?: Said | undefined
  /** For the log alone. */
  detail?: string | undefined
  /** Overrides the table, for codes that features bring (RFC 8628, 9126, 9449, …). */
  status?: number | undefined
  /** Seconds, sent as Retry-After. */
  retryAfter?: number | undefined
  /** Response headers, such as a DPoP nonce. */
  headers?: Record<string, string> | undefined
}

export interface Refusal extends Grounds {
  code: string
}

const concealed = Symbol('concealed')

/** A value that neither descriptions nor the log show. */
export interface Secret {
  readonly [concealed]: () => unknown
}

export const secret = (value: unknown): Secret => Object.freeze({ [concealed]: () => value })

export const isSecret = (value: unknown): value is Secret =>
  typeof value === 'object' && value !== null && concealed in value

/** Shows what came, cut short, for a description. */
export function shown(value: unknown): string {
  if (isSecret(value)) return 'a value that is not shown'
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return `'${text.length > 80 ? `${text.slice(0, 80)}...` : text}'`
}

/** RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E. Anything else in a description becomes `?`; quotes become apostrophes. */
const inAllowedCharacters = (text: string): string =>
  text
    .replace(/["\\]/g, "'")
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 400)

/** The description for developers: what was expected, what came, what to do. */
export function describe({ expected, came, problem, next }: Grounds): string {
  const got = came === undefined || isSecret(came) ? '' : `, got ${shown(came)}`
  return inAllowedCharacters((problem ?? expected + got) + (next === undefined ? '' : `: ${next}`))
}

/** A request that is refused: `OAuthError` in the terms of OAuth, `HttpError` in those of HTTP. */
export abstract class RefusedError extends Error {
  abstract readonly status: number
  readonly refusal: Readonly<Refusal>

  constructor(refusal: Refusal) {
    super(`${refusal.code}: ${describe(refusal)}`)
    this.refusal = refusal
  }

  get code(): string {
    return this.refusal.code
  }

  get publicDescription(): string {
    return describe(this.refusal)
  }
}
