/** What a flow is, who takes part and how it ended, from its exchanges alone. */
import type { Exchange, Flow, Outcome } from './recorded.ts'

/** Endpoints that make a flow by themselves. A page of another endpoint belongs to a flow by the records that it touches. */
const kindsOfEndpoints: Readonly<Record<string, string>> = {
  authorization: 'authorization',
  pushed_authorization_request: 'pushed request',
  resume: 'authorization',
  device_authorization: 'device',
  device_verification: 'device',
  backchannel_authentication: 'CIBA',
  approvals: 'CIBA',
  token: 'token',
  migration_refresh: 'refresh',
  userinfo: 'userinfo',
  introspection: 'introspection',
  revocation: 'revocation',
  registration: 'registration',
  client_configuration: 'registration',
  end_session: 'logout',
  login: 'sign-in',
}

const kindsOfGrants: Readonly<Record<string, string>> = {
  authorization_code: 'code',
  refresh_token: 'refresh',
  client_credentials: 'client credentials',
  'urn:ietf:params:oauth:grant-type:device_code': 'device',
  'urn:openid:params:grant-type:ciba': 'CIBA',
  'urn:ietf:params:oauth:grant-type:token-exchange': 'exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer': 'assertion',
}

export const isOfFlow = (endpoint: string): boolean => Object.hasOwn(kindsOfEndpoints, endpoint)

const kindOf = ({ endpoint, grantType }: Exchange): string | undefined =>
  (endpoint === 'token' ? kindsOfGrants[grantType ?? ''] : undefined) ?? kindsOfEndpoints[endpoint]

/** The kinds of a flow in order, each once: `authorization`, `code`, `refresh`. */
export const kindsOf = ({ exchanges }: Flow): string[] => [
  ...new Set(exchanges.flatMap((each) => kindOf(each) ?? [])),
]

/** Each value once, in order. */
const named = (values: readonly (string | undefined)[]): string[] => [
  ...new Set(values.filter((each) => each !== undefined)),
]

export const clientsOf = ({ exchanges }: Flow): string[] => named(exchanges.map((each) => each.clientId))

/** By username where it was seen, else by `sub`. */
export const peopleOf = ({ exchanges }: Flow): string[] => named(exchanges.map((each) => each.person))

/** Refusals that are a regular part of a flow. */
const waiting = new Set(['authorization_pending', 'slow_down', 'use_dpop_nonce'])

const headerOf = ({ answer }: Exchange, name: string): string | undefined =>
  answer.headers.find(([each]) => each === name)?.[1]

const failedCodes = ({ steps }: Exchange): string[] =>
  steps.flatMap((step) => (step.kind === 'check' && !step.held ? [step.code] : []))

export function outcomeOfExchange(exchange: Exchange): Outcome {
  const { status } = exchange.answer
  const location = headerOf(exchange, 'location')
  if (status >= 500) return 'failed'
  if (failedCodes(exchange).some((code) => waiting.has(code))) return 'open'
  const isError = location !== undefined && /[?#&]error=/.test(location)
  if (status >= 400 || isError) return 'refused'
  if (exchange.answer.page) return 'open'
  // A redirect within this provider leads to the next page.
  return location !== undefined && !/[?#&](?:code|access_token|id_token|response)=/.test(location)
    ? 'open'
    : 'succeeded'
}

/** Of a flow: that of its last exchange. */
export function outcomeOf({ exchanges }: Flow): Outcome {
  const last = exchanges.at(-1)
  return last ? outcomeOfExchange(last) : 'open'
}
