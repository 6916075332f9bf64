/** What recognisers of steps read in a recorded exchange. Nothing of it comes from the student alone: a status, a check, a signature of this provider. */
import type { CheckStep, Exchange, Flow, ReadToken } from '../../models/recording/recorded.ts'

export const failedChecks = ({ steps }: Exchange): CheckStep[] =>
  steps.flatMap((step) => (step.kind === 'check' && !step.held ? [step] : []))

/** Whether a check of this rule failed. */
export const failedBy = (exchange: Exchange, rule: string): boolean =>
  failedChecks(exchange).some((each) => each.rule === rule)

export const failedWith = (exchange: Exchange, code: string): boolean =>
  failedChecks(exchange).some((each) => each.code === code)

export const wrote = ({ steps }: Exchange, event: string): boolean =>
  steps.some((step) => step.kind === 'log' && step.event === event)

/** A parameter of the query or the form of the request. */
export function parameter({ request }: Exchange, name: string): string | undefined {
  const inQuery = URL.parse(request.url)?.searchParams.get(name)
  return new URLSearchParams(request.body ?? '').get(name) ?? inQuery ?? undefined
}

const header = ({ headers }: Exchange['answer'], name: string): string | undefined =>
  headers.find(([each]) => each.toLowerCase() === name)?.[1]

/** The address that the answer sends the browser to; undefined for one of this provider. */
export function sentTo({ answer }: Exchange): URL | undefined {
  const location = header(answer, 'location')
  return location !== undefined && /^[a-z][\w+.-]*:/i.test(location)
    ? (URL.parse(location) ?? undefined)
    : undefined
}

/** A parameter of the response that went to the client through the browser. */
export const response = (exchange: Exchange, name: string): string | undefined =>
  sentTo(exchange)?.searchParams.get(name) ?? undefined

/** Whether the answer leads the browser to the client with a code. */
export const hasCode = (exchange: Exchange): boolean =>
  isOf(exchange, 'authorization', 'resume') && response(exchange, 'code') !== undefined

/** A member of the JSON that was answered, as text. */
export function member({ answer }: Exchange, name: string): string | undefined {
  try {
    const value = (JSON.parse(answer.body ?? '') as Record<string, unknown> | null)?.[name]
    return value === undefined || typeof value === 'object' ? undefined : String(value)
  } catch {
    return undefined
  }
}

export const isOf = ({ endpoint }: Exchange, ...names: readonly string[]): boolean => names.includes(endpoint)

/** A token answer of this grant type. */
export const isTokenOf = ({ endpoint, grantType, answer }: Exchange, type: string): boolean =>
  endpoint === 'token' && grantType === type && answer.status === 200

/** The token that this provider signed while it answered, by its `typ`. */
const signed = ({ steps }: Exchange, holds: (token: ReadToken) => boolean): ReadToken | undefined =>
  steps.flatMap((step) => (step.kind === 'signed' && step.token && holds(step.token) ? [step.token] : []))[0]

export const accessToken = (exchange: Exchange): ReadToken | undefined =>
  signed(exchange, ({ header: { typ } }) => typ === 'at+jwt')

export const idToken = (exchange: Exchange): ReadToken | undefined =>
  signed(exchange, ({ header: { typ }, claims }) => typ === 'JWT' && 'sub' in claims && 'aud' in claims)

export function claim(token: ReadToken | undefined, name: string): string | undefined {
  const value = token?.claims[name]
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : undefined
}

/** The authorization request of a flow. */
export const requestOf = ({ exchanges }: Flow): Exchange | undefined =>
  exchanges.find((each) => isOf(each, 'authorization'))

export const scopesOf = (flow: Flow): string[] =>
  (requestOf(flow) ? (parameter(requestOf(flow)!, 'scope') ?? '') : '')
    .split(' ')
    .filter((each) => each !== '')
