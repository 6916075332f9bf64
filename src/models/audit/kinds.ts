/** The kinds of security events, one table for the log and the audit trail. docs/audit.md is checked against it. OWASP ASVS 5.0 V16.3 */
import * as v from 'valibot'
import { change, count, flag, type Kind, note, text, texts } from './kind.ts'
import { activityKinds, otherKindsOfPeople } from './kinds_of_people.ts'

/** Numbers of entries (ranges.ts). */
const rangeList = v.pipe(v.string(), v.maxLength(20_000))

const replay = (words: string) =>
  note(words, 'client', { level: 'warn', outcome: 'refused', details: { grant_id: text } })

const kindsOfClients = {
  tokens_issued: note('Tokens were issued; `grant_type` says by which exchange', 'client', {
    details: { grant_type: text, grant_id: text, scope: text },
  }),
  token_revoked: note('A client revoked a token; with a refresh token the whole grant ended', 'client', {
    details: { token: text, grant_id: text },
  }),
  authorization_code_reused: replay('A code was used a second time; its grant ended'),
  refresh_token_reused: replay('A refresh token that was replaced was used again; its grant ended'),
  device_code_reused: replay('A device code was used a second time; its grant ended'),
  auth_req_id_reused: replay('An auth_req_id was used a second time; its grant ended'),
  refused: note('A request was refused for the named rule', 'unproven', {
    outcome: 'refused',
    details: { rule: text, expected: text, path: text },
  }),
  refusals_counted: note('Further refusals alike, of one address within a minute', 'unproven', {
    outcome: 'refused',
    details: { count },
  }),
  client_registered: change('A client registered itself', 'client', {
    details: { client_name: text, initial_access_token: text },
  }),
  client_updated: change('A client changed its registration', 'client', { details: { client_name: text } }),
  client_removed: change('A client removed its registration', 'client'),
} as const satisfies Record<string, Kind>

/** Of a change by an operator or an administrator. */
const changeDetails = {
  change: text,
  changed: texts,
  roles: texts,
  roles_before: texts,
  kids: texts,
  /** Of a backup: when it was made, and how many records it has. */
  made_at: text,
  records: count,
  /** The id of an initial access token or of an invitation. */
  token: text,
  /** The name of a job or of an upstream provider. */
  about: text,
  realm: text,
  /** The id of a mail that waits. */
  mail: text,
  hashes: flag,
  sid: text,
  sessions: count,
  people: count,
  grants: count,
  imported: count,
  given: count,
  problems: count,
  /** What differs, by the name of the member: personal data and secrets as fingerprints. */
  before: v.record(text, text),
  after: v.record(text, text),
} as const

const kindsOfTheServer = {
  changed_by_operator: change('An operator changed something by a command; `change` says what', 'operator', {
    level: 'warn',
    details: changeDetails,
  }),
  client_applied: change(
    'A configuration file changed a client or settings; a secret is named by its place',
    'operator',
    {
      details: { change: text, version: count, changed: texts, before: texts, after: texts },
    },
  ),
  configuration_applied: change('A configuration file was applied, or an earlier one again', 'operator', {
    level: 'warn',
    details: {
      change: text,
      version: count,
      to: count,
      file: text,
      created: count,
      changed: count,
      removed: count,
    },
  }),
  changed_by_administrator: change(
    'An administrator, or a service client, changed something by the API or the pages of administration; `by` is the pseudonym of the administrator',
    'administrator',
    { level: 'warn', details: { ...changeDetails, by: text, by_client: text, role: text } },
  ),
  lab_trouble_begun: change('The lab tells a client the fault `about`, for at most an hour', 'unproven', {
    level: 'warn',
    details: { about: text },
  }),
  lab_trouble_ended: change('The lab no longer tells a client the fault `about`', 'unproven', {
    details: { about: text },
  }),
  lab_clock_set: change(
    'The clock of the lab was moved, stopped or set back to the time of the machine',
    'unproven',
    {
      level: 'warn',
      details: { change: text },
    },
  ),
  started: change('A server started, with these settings; a secret is named by its fingerprint', 'server', {
    details: { version: text, settings: v.record(text, text) },
  }),
  keys_rotated: change(
    'Signing keys rotated by their age (KEY_ROTATION_INTERVAL), or found at their service',
    'server',
    {
      details: { kids: texts },
    },
  ),
  keys_added: change('Signing keys were made or imported by a start', 'server', { details: { kids: texts } }),
  keys_failed: note('The signing keys could not be read or rotated', 'server', {
    level: 'error',
    outcome: 'failure',
    details: { problem: text },
  }),
  reloaded: change('A server took new settings; a secret is named by its fingerprint', 'server', {
    details: { settings: v.record(text, text) },
  }),
  stopped: note('A server stopped as it should', 'server', { details: { signal: text } }),
  audit_gap: change('Events before this entry may be missing', 'server', {
    level: 'warn',
    outcome: 'failure',
    details: { since: text, lost: count },
  }),
  audit_trail_damaged: change('The stored trail is not what was written', 'server', {
    level: 'error',
    outcome: 'failure',
    details: { problem: text },
  }),
  alert_raised: change('A rule of alerts fits the entries that `about` begins with', 'server', {
    level: 'warn',
    outcome: 'failure',
    details: { rule: text, level: text, of: text, count, about: text, since: text, last: text },
  }),
  alert_over: change('For a time no further entry fitted the rule', 'server', {
    details: { rule: text, level: text, of: text, count, about: text, since: text, last: text },
  }),
  entries_dropped: change('Entries were dropped because AUDIT_RETENTION was over', 'server', {
    details: {
      chain: text,
      ranges: rangeList,
      count,
      /** Streams that had not sent all of them when AUDIT_STREAM_HOLD was over. */
      unsent: texts,
    },
  }),
  stream_gap: change(
    'Entries that a stream could not send: they were dropped before, or are missing',
    'server',
    {
      level: 'warn',
      outcome: 'failure',
      details: { stream: text, chain: text, ranges: rangeList, count },
    },
  ),
} as const satisfies Record<string, Kind>

export const kinds = {
  ...activityKinds,
  ...otherKindsOfPeople,
  ...kindsOfClients,
  ...kindsOfTheServer,
} as const

export type KindName = keyof typeof kinds

/** Raised when a kind changes so that a reader of older entries would misunderstand it. */
export const schemaVersion = 1

type DetailsOf<K extends KindName> = {
  [Name in keyof (typeof kinds)[K]['details']]?:
    v.InferInput<Extract<(typeof kinds)[K]['details'][Name], v.GenericSchema>> | undefined
}

/** What a caller tells of an event. `sub` is pseudonymised in the entry. */
export type Facts<K extends KindName> = DetailsOf<K> & {
  sub?: string | undefined
  client_id?: string | undefined
  /** Where it is not that of the request. */
  address?: string | undefined
  /** A code of why it failed or was refused. */
  reason?: string | undefined
}

/** Its entry is in the store before the answer: the caller waits. */
export type FirstKind = { [K in KindName]: (typeof kinds)[K]['first'] extends true ? K : never }[KindName]
