/** A refusal as a value, and its description for clients. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import type { Said } from '../lib/say.ts'
import type { Rule } from './rule.ts'

/** Why a request is refused. The response, the page and the log line are made from it (http/error_reply.ts). */
export interface Grounds {
  /** The specification and section with the requirement. */
  rule: Rule
  /** The condition that does not hold, in the words of the specification: `max_age must be a whole number of seconds`. */
  expected: string
  /** What is true where the check holds, if `expected` is a demand that is made of other requests alone. */
  held?: string | undefined
  /** The received value. Codes, tokens, passwords and secrets, and values that may contain one, are wrapped in `secret(value)`. */
  came?: unknown
  /** The value that `came` is compared with, where there is one. Secrets are wrapped, too. */
  wanted?: unknown
  /** What is wrong, when `expected, got came` is not clear. It must not quote a secret. */
  problem?: string | undefined
  /** What to do, when `expected` does not say it. */
  next?: string | undefined
  /** The message for the End-User on a page, in place of the message of the code (`error.<code>`). */
  say?: Said | undefined
  /** Where the page of the error leads on to. */
  ways?: readonly Way[] | undefined
  /** Only for the log. */
  detail?: string | undefined
  /** The HTTP status of a code that a feature adds (RFC 8628, 9126, 9449, …). It overrides the table. */
  status?: number | undefined
  /** Seconds, sent as Retry-After. */
  retryAfter?: number | undefined
  /** Response headers, such as a DPoP nonce. */
  headers?: Record<string, string> | undefined
}

/** A link of the page of an error. */
export interface Way {
  label: Said
  url: string
  /** It leads to a client that registered itself. */
  unverified?: boolean | undefined
}

export interface Refusal extends Grounds {
  code: string
}

const concealed = Symbol('concealed')

/** A value that appears neither in descriptions nor in the log. */
export interface Secret {
  readonly [concealed]: () => unknown
}

export const secret = (value: unknown): Secret => Object.freeze({ [concealed]: () => value })

export const isSecret = (value: unknown): value is Secret =>
  typeof value === 'object' && value !== null && concealed in value

/** The value itself, for what masks or compares it. */
export const revealed = (value: Secret): unknown => value[concealed]()

/** A received value, shortened, for a description. */
export function shown(value: unknown): string {
  if (isSecret(value)) return 'a value that is not shown'
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return `'${text.length > 80 ? `${text.slice(0, 80)}...` : text}'`
}

/** RFC 6749 §5.2 allows %x20-21 / %x23-5B / %x5D-7E. Quotation marks and backslashes become apostrophes, other characters `?`. */
const inAllowedCharacters = (text: string): string =>
  text
    .replace(/["\\]/g, "'")
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 400)

/** The description for developers: what was expected, what was received, what to do. */
export function describe({ expected, came, problem, next }: Grounds): string {
  const got = came === undefined || isSecret(came) ? '' : `, got ${shown(came)}`
  const what = problem ?? expected + got
  // One colon in a sentence.
  const then = next === undefined ? '' : `${what.includes(': ') ? ';' : ':'} ${next}`
  return inAllowedCharacters(what + then)
}

/** The error of a refused request: `OAuthError` or `HttpError`. */
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
