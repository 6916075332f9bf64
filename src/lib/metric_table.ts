/** Every metric of /metrics: its name, its labels and its help. No label has a value that a request can choose. https://prometheus.io/docs/practices/naming/ */

export interface Counter {
  readonly help: string
  readonly label?: string
  /** All values of the label, where they are few: each then begins at 0, so that the first increment is seen as one. */
  readonly values?: readonly string[]
}

/** Counted where it happens: `count('sign_ins', 'result', 'success')` is `latchkey_sign_ins_total{result="success"}`. */
export const counters = {
  tokens_issued: { label: 'grant_type', help: 'Token responses, by grant type or response type.' },
  sign_ins: { label: 'result', values: ['success', 'failure'], help: 'Sign-ins, and refused attempts.' },
  consents: { label: 'result', values: ['allowed', 'denied'], help: 'Answers on the consent page.' },
  refusals: { label: 'code', help: 'Refused requests, by error code.' },
  rate_limited: { label: 'what', help: 'Requests beyond a limit, by what the limit counts.' },
  authorization_code_reuse: { help: 'Authorization codes that were used again.' },
  refresh_token_reuse: { help: 'Refresh tokens that were used again.' },
  device_code_reuse: { help: 'Device codes that were used again.' },
  auth_req_id_reuse: { help: 'CIBA request ids that were used again.' },
  accounts_erased: { help: 'Accounts that their owners deleted.' },
  mails: {
    label: 'result',
    values: ['delivered', 'refused', 'postponed', 'given_up'],
    help: 'Attempts to deliver a mail.',
  },
  logout_deliveries: {
    label: 'result',
    values: ['delivered', 'postponed', 'given_up'],
    help: 'Attempts to deliver a back-channel logout token.',
  },
  audit_entries_sent: {
    label: 'stream',
    values: ['syslog', 'webhook', 'file', 'alerts', 'alert_mail', 'alert_webhook'],
    help: 'Entries of the audit trail that a stream has sent.',
  },
} as const satisfies Readonly<Record<string, Counter>>

export type CounterName = keyof typeof counters
type Row<N extends CounterName> = (typeof counters)[N]
type Value<R> = R extends { readonly values: readonly (infer V)[] } ? V : string

/** What `count` takes after the name: nothing, or the label of the row and one of its values. */
export type Labelled<N extends CounterName> =
  Row<N> extends { readonly label: infer L } ? [label: L, value: Value<Row<N>>] : []

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
}

/** Read when Prometheus asks. */
const measured = {
  latchkey_build_info: {
    type: 'gauge',
    labels: ['version', 'commit'],
    help: 'Always 1; the labels say which build answers.',
  },
  latchkey_health_check: {
    type: 'gauge',
    labels: ['check', 'essential'],
    help: 'Whether a check of /health is well (1) or not (0). Without an essential one no request is served.',
  },
  latchkey_health_check_duration_seconds: {
    type: 'gauge',
    labels: ['check'],
    help: 'How long the check took; that of the store is one write.',
  },
  latchkey_clock_offset_seconds: {
    type: 'gauge',
    help: 'The clock of the store less that of this instance; absent where there is one clock alone.',
  },
  latchkey_active_sessions: {
    type: 'gauge',
    help: 'Sessions that are alive, of all instances; exact to the hour in which a session ends by itself.',
  },
  oidc_active_sessions: { type: 'gauge', help: 'Alias of latchkey_active_sessions.' },
  latchkey_sign_in_queue_waiting: { type: 'gauge', help: 'Passwords that wait to be checked.' },
  latchkey_sign_in_queue_limit: { type: 'gauge', help: 'How many may wait (SIGN_IN_QUEUE).' },
  latchkey_signing_key_age_seconds: {
    type: 'gauge',
    labels: ['alg'],
    help: 'Age of the key that signs, by algorithm.',
  },
  latchkey_audit_alerts_active: {
    type: 'gauge',
    labels: ['level'],
    help: 'Alerts of the audit trail that are raised and not over.',
  },
  latchkey_audit_stream_lag_entries: {
    type: 'gauge',
    labels: ['stream'],
    help: 'Entries of the audit trail that a stream has not sent yet.',
  },
  latchkey_remote_signatures_total: {
    type: 'counter',
    labels: ['alg', 'result'],
    help: 'Signatures by services that keep keys: made, failed, or refused without a request.',
  },
  latchkey_remote_signature_seconds_total: {
    type: 'counter',
    labels: ['alg'],
    help: 'Time in which those were waited for.',
  },
  latchkey_remote_signatures_waiting: {
    type: 'gauge',
    labels: ['alg'],
    help: 'Signatures that wait for a place at the service.',
  },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory.' },
  process_cpu_seconds_total: { type: 'counter', help: 'Processor time of all threads.' },
  process_start_time_seconds: { type: 'gauge', help: 'Start of the process, in seconds since the epoch.' },
  latchkey_process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Alias of process_resident_memory_bytes.',
  },
} as const satisfies Readonly<Record<string, Family>>

export type MeasuredName = keyof typeof measured

/** Of each answered request. */
const answered = {
  latchkey_requests_total: {
    type: 'counter',
    labels: ['endpoint', 'status'],
    help: 'Answered requests; endpoint="none" is a path that is not served.',
  },
  latchkey_response_time_seconds: {
    type: 'histogram',
    labels: ['endpoint'],
    help: 'Time from a request to its answer.',
  },
} as const satisfies Readonly<Record<string, Family>>

/** Names of the Flask provider that this project mirrors, computed from the metrics above. */
const aliases = {
  oidc_tokens_issued_total: {
    type: 'counter',
    help: 'Alias: latchkey_tokens_issued_total of all grant types.',
  },
  oidc_auth_requests_total: {
    type: 'counter',
    help: 'Alias: latchkey_requests_total of the endpoint authorization.',
  },
  oidc_response_time_seconds: {
    type: 'gauge',
    labels: ['endpoint'],
    help: 'Alias: mean of latchkey_response_time_seconds since the start, by path.',
  },
} as const satisfies Readonly<Record<string, Family>>

const counted = (Object.entries(counters) as [CounterName, Counter][]).map(
  ([name, { help, label }]): [string, Family] => [
    totalOf(name),
    { type: 'counter', help, ...(label !== undefined && { labels: [label] }) },
  ],
)

export function totalOf(name: CounterName): string {
  return `latchkey_${name}_total`
}

/** All of them, by full name. */
export const families: Readonly<Record<string, Family>> = {
  ...answered,
  ...Object.fromEntries(counted),
  ...measured,
  ...aliases,
}
