/** What each kind of entry is in the vocabularies of others: one row of OCSF and ECS. https://schema.ocsf.io/1.8.0 https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category */
import type { KindName } from '../kinds.ts'

/** Classes of OCSF 1.8.0, with the number of each. */
export const ocsfClasses = {
  detection_finding: { uid: 2004, name: 'Detection Finding' },
  account_change: { uid: 3001, name: 'Account Change' },
  authentication: { uid: 3002, name: 'Authentication' },
  entity_management: { uid: 3004, name: 'Entity Management' },
  application_lifecycle: { uid: 6002, name: 'Application Lifecycle' },
  api_activity: { uid: 6003, name: 'API Activity' },
} as const
export type OcsfClass = keyof typeof ocsfClasses

/** `activity_id` of a class. An act that a class has no number for is 99, and then named by its kind. */
const other = 99
const activities = {
  detection_finding: { open: 1, update: 2, close: 3 },
  account_change: {
    ...{ create: 1, enable: 2, password_change: 3, password_reset: 4, disable: 5, delete: 6 },
    ...{ lock: 9, factor_on: 10, factor_off: 11, other },
  },
  authentication: { logon: 1, logoff: 2, other },
  entity_management: { create: 1, read: 2, update: 3, delete: 4, other },
  application_lifecycle: { start: 3, stop: 4, update: 8 },
  api_activity: { create: 1, read: 2, update: 3, delete: 4, other },
} as const satisfies Record<OcsfClass, Readonly<Record<string, number>>>

/** `event.category` and `event.type` of ECS that are used here. */
type Category =
  'authentication' | 'iam' | 'session' | 'configuration' | 'api' | 'intrusion_detection' | 'process'
type Type =
  'start' | 'end' | 'info' | 'user' | 'change' | 'creation' | 'deletion' | 'access' | 'denied' | 'admin'

export interface Meaning {
  readonly class: OcsfClass
  readonly activity: number
  readonly category: Category
  readonly types: readonly Type[]
}

const row = <C extends OcsfClass>(
  name: C,
  activity: keyof (typeof activities)[C] & string,
  category: Category,
  ...types: readonly Type[]
): Meaning => ({
  class: name,
  activity: (activities[name] as Readonly<Record<string, number>>)[activity]!,
  category,
  types,
})

const logon = row('authentication', 'logon', 'authentication', 'start')
const factor = row('authentication', 'other', 'authentication', 'info')
const logoff = row('authentication', 'logoff', 'session', 'end')
const factorOn = row('account_change', 'factor_on', 'iam', 'user', 'change')
const factorOff = row('account_change', 'factor_off', 'iam', 'user', 'change')
const account = row('account_change', 'other', 'iam', 'user', 'change')
const created = row('account_change', 'create', 'iam', 'user', 'creation')
const erased = row('account_change', 'delete', 'iam', 'user', 'deletion')
const passwordSet = row('account_change', 'password_change', 'iam', 'user', 'change')
const passwordReset = row('account_change', 'password_reset', 'iam', 'user', 'change')
const exported = row('api_activity', 'read', 'iam', 'user', 'access')
const consent = row('api_activity', 'other', 'iam', 'info')
const tokens = row('api_activity', 'create', 'api', 'access')
const denied = row('api_activity', 'other', 'api', 'denied')
const replay = row('api_activity', 'other', 'intrusion_detection', 'denied')
const change = row('entity_management', 'update', 'configuration', 'admin', 'change')
const finding = row('detection_finding', 'open', 'intrusion_detection', 'info')

export const meanings: Readonly<Record<KindName, Meaning>> = {
  signed_in: logon,
  signed_in_with: logon,
  sign_in_failed: logon,
  passkey_failed: logon,
  upstream_failed: logon,
  sign_in_locked: row('account_change', 'lock', 'authentication', 'denied'),
  second_factor_failed: factor,
  second_factor_guessed: factor,
  new_device: factor,
  device_trusted: factor,
  recovery_code_used: factor,
  signed_out: logoff,
  session_moved: logoff,
  session_ended: logoff,
  sessions_ended: logoff,
  session_limit: logoff,
  totp_added: factorOn,
  totp_removed: factorOff,
  sms_codes_on: factorOn,
  sms_codes_off: factorOff,
  email_codes_on: factorOn,
  email_codes_off: factorOff,
  passkey_added: factorOn,
  passkey_removed: factorOff,
  passkeys_removed: factorOff,
  passkey_refused: logon,
  passkey_loss_asked: account,
  passkey_loss_stopped: account,
  recovery_codes_made: factorOn,
  devices_forgotten: account,
  password_changed: passwordSet,
  password_asked: passwordReset,
  password_reset: passwordReset,
  password_hash_upgraded: account,
  access_withdrawn: consent,
  connection_added: account,
  connection_removed: account,
  account_created: created,
  profile_changed: account,
  email_change_asked: account,
  email_changed: account,
  email_verified: account,
  data_exported: exported,
  data_exported_to: exported,
  deletion_asked: account,
  deletion_asked_by: account,
  deletion_stopped: account,
  account_erased: erased,
  consent_given: consent,
  consent_refused: consent,
  device_answered: consent,
  approval_answered: consent,
  tokens_issued: tokens,
  token_revoked: row('api_activity', 'delete', 'api', 'end'),
  authorization_code_reused: replay,
  refresh_token_reused: replay,
  device_code_reused: replay,
  auth_req_id_reused: replay,
  refused: denied,
  refusals_counted: denied,
  client_registered: row('entity_management', 'create', 'configuration', 'creation'),
  client_updated: row('entity_management', 'update', 'configuration', 'change'),
  client_removed: row('entity_management', 'delete', 'configuration', 'deletion'),
  changed_by_operator: change,
  client_applied: change,
  configuration_applied: change,
  changed_by_administrator: change,
  lab_trouble_begun: change,
  lab_trouble_ended: change,
  lab_clock_set: change,
  keys_added: row('entity_management', 'create', 'configuration', 'creation'),
  keys_rotated: row('entity_management', 'update', 'configuration', 'change'),
  started: row('application_lifecycle', 'start', 'process', 'start'),
  reloaded: row('application_lifecycle', 'update', 'configuration', 'change'),
  stopped: row('application_lifecycle', 'stop', 'process', 'end'),
  audit_gap: finding,
  audit_trail_damaged: finding,
  stream_gap: finding,
  keys_failed: finding,
  alert_raised: finding,
  alert_over: row('detection_finding', 'close', 'intrusion_detection', 'info'),
  entries_dropped: row('entity_management', 'delete', 'configuration', 'deletion'),
}
