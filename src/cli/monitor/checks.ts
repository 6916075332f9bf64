/** What `latchkey monitor` asks of a provider, one row each: the request, and what a right answer has. */
import { randomUUID } from 'node:crypto'
import { boundedText } from '../../lib/bounded_text.ts'
import { printable } from '../output.ts'

export interface Check {
  readonly name: string
  readonly url: string
  readonly init?: RequestInit
  /** What is wrong with the answer; undefined when it is right. */
  problemOf(answer: Answered): string | undefined
}

export interface Answered {
  status: number
  headers: Headers
  text: string
}

/** The result of one request. */
export interface Outcome {
  check: string
  /** Milliseconds since the epoch. */
  at: number
  /** Milliseconds until the whole answer was there. */
  ms: number
  /** Undefined for a right answer. */
  problem?: string
}

const mostBytes = 1_048_576
/** Characters of a problem: it is shown, mailed, and kept at each turn, and the provider chose parts of it. */
const longestProblem = 300

const json = (text: string): Record<string, unknown> => {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const needs = (answer: Answered, status: number): string | undefined =>
  answer.status === status ? undefined : `expected status ${status}, got ${answer.status}`

/** Members of a JWK that only a private key has (RFC 7518 §6). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

function keysProblem(text: string): string | undefined {
  const { keys } = json(text)
  if (!Array.isArray(keys) || keys.length === 0) return 'there is no key'
  const isPrivate = keys.some((key) => privateMembers.some((name) => Object.hasOwn(Object(key), name)))
  return isPrivate ? 'a private key is published' : undefined
}

/**
 * The six endpoints that a sign-in needs. The refusals that the last three expect cost the provider little, change nothing,
 * and need no client.
 */
export function standardChecks(issuer: string): Check[] {
  const at = (path: string) => `${issuer}${path}`
  return [
    {
      name: 'health',
      url: at('/health/ready'),
      problemOf: (answer) =>
        needs(answer, 200) ??
        (json(answer.text).status === 'healthy' ? undefined : 'its status is not healthy'),
    },
    {
      name: 'discovery',
      url: at('/.well-known/openid-configuration'),
      problemOf: (answer) => {
        const { issuer: stated } = json(answer.text)
        return (
          needs(answer, 200) ??
          (stated === issuer ? undefined : `expected the issuer ${issuer}, got ${String(stated)}`)
        )
      },
    },
    {
      name: 'jwks',
      url: at('/jwks.json'),
      problemOf: (answer) => needs(answer, 200) ?? keysProblem(answer.text),
    },
    {
      name: 'authorization',
      url: at('/authorize'),
      problemOf: (answer) =>
        needs(answer, 400) ??
        (answer.headers.get('content-type')?.startsWith('text/html')
          ? undefined
          : 'expected a page that says what is missing'),
    },
    {
      name: 'token',
      url: at('/token'),
      init: {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: `monitor-${randomUUID()}`,
          client_secret: 'none',
        }),
      },
      problemOf: (answer) =>
        needs(answer, 401) ??
        (json(answer.text).error === 'invalid_client' ? undefined : 'expected the error invalid_client'),
    },
    {
      name: 'userinfo',
      url: at('/userinfo'),
      problemOf: (answer) =>
        needs(answer, 401) ??
        (/^(?:Bearer|DPoP)\b/i.test(answer.headers.get('www-authenticate') ?? '')
          ? undefined
          : 'expected a challenge in WWW-Authenticate'),
    },
  ]
}

/** Another URL that must answer 200, such as the page of an application. */
export const extraCheck = (name: string, url: string): Check => ({
  name,
  url,
  problemOf: (answer) => needs(answer, 200),
})

export interface Asking {
  timeoutMs: number
  now: () => number
}

/** Never rejects: a server that does not answer is an outcome. */
export async function ask(check: Check, { timeoutMs, now }: Asking): Promise<Outcome> {
  const at = now()
  const begun = performance.now()
  const outcome = (problem?: string): Outcome => ({
    check: check.name,
    at,
    ms: Math.round(performance.now() - begun),
    ...(problem !== undefined && { problem: printable(problem.slice(0, longestProblem)) }),
  })
  try {
    const answer = await fetch(check.url, {
      ...check.init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await boundedText(answer.body, mostBytes)
    return outcome(
      text === undefined
        ? `it answered more than ${mostBytes} bytes`
        : check.problemOf({ status: answer.status, headers: answer.headers, text }),
    )
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError'
    return outcome(isLate ? `no answer within ${timeoutMs} ms` : `no answer: ${(error as Error).message}`)
  }
}
