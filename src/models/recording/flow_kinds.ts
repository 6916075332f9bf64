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

export const isSignOut = (endpoint: string): boolean => kindsOfEndpoints[endpoint] === 'logout'

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

/** What the lab told wrongly on command (lab_trouble), by the name of its fault. */
export const faultsOf = ({ steps }: Exchange): string[] => [
  ...new Set(
    steps.flatMap((step) => {
      if (step.kind !== 'log' || step.event !== 'lab_trouble_told') return []
      return /"fault":"([a-z_]+)"/.exec(step.fields)?.[1] ?? []
    }),
  ),
]

/** Why a flow is open, in a sentence; undefined for another outcome. */
export function whyOpen({ exchanges }: Flow): string | undefined {
  const last = exchanges.at(-1)
  if (!last || outcomeOfExchange(last) !== 'open') return undefined
  const code = failedCodes(last).find((each) => waiting.has(each))
  if (code !== undefined) return `the client is to ask again, because the answer was ${code}`
  if (last.answer.page) return 'a page was shown, and its form has not been sent'
  return 'the browser was led to the next page, and has not asked for it'
}

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
