/** What a backup has: each kind of record and index by name. docs/decisions/0080-backups.md */
import { realmOf } from '../../store/realm.ts'
import type { Found } from '../../store/store.ts'

/** `configuration` is also in a backup of the configuration alone. */
type Part = 'configuration' | 'people'

/** Values: the text before the first colon of the key. What is not listed here is not in a backup. */
const values: Readonly<Record<string, Part>> = {
  key_ring: 'configuration',
  lasting_root: 'configuration',
  client: 'configuration',
  applied: 'configuration',
  applied_document: 'configuration',
  applied_steps: 'configuration',
  realm_named: 'configuration',
  user: 'people',
  administrators: 'people',
  username: 'people',
  user_email: 'people',
  gone_sub: 'people',
  account_deletion: 'people',
  avatar: 'people',
  user_avatar: 'people',
  upstream: 'people',
  passkey: 'people',
  passkey_owner: 'people',
  totp: 'people',
  factor_phone: 'people',
  factor_mailbox: 'people',
  event: 'people',
  usage: 'people',
  redirect_use: 'configuration',
  audit: 'people',
  audit_checkpoint: 'people',
  audit_key_ring: 'people',
  audit_retention: 'people',
}

const indexes: Readonly<Record<string, Part>> = {
  clients: 'configuration',
  client_launchers: 'configuration',
  unused_clients: 'configuration',
  realms: 'configuration',
  realms_end: 'configuration',
  users: 'people',
  people_signed_in: 'people',
  user_upstreams: 'people',
  user_events: 'people',
  account_deletions: 'people',
  audit_chains: 'people',
  audit_checkpoints: 'people',
}

/**
 * What is left out, and why. A restore of it would bring back what was used or ended since the backup, or what belongs to
 * requests that are under way. tests/unit/cli/backup_kinds.test.ts fails for a kind that is in neither list.
 */
export const leftOut: Readonly<Record<string, string>> = {
  search_index: 'a server makes it anew after a restore',
  search_index_turn: 'expires by itself',
  people_words: 'of the search index',
  people_all_words: 'of the search index',
  people_names: 'of the search index',
  people_marked: 'of the search index',
  client_words: 'of the search index',
  client_all_words: 'of the search index',
  client_names: 'of the search index',
  client_marked: 'of the search index',
  birth: 'a restore makes it anew',
  unfinished_restore: 'the mark of a restore or a move',
  realms_gone: 'was removed',
  realms_turn: 'expires by itself',
  realms_version: 'tells running servers of a change',
  present: 'of processes that use the store',
  all_left: 'of processes that used the store',
  backup_turn: 'a backup that is under way',
  last_backup: 'tells of the backups of a store, not of its copy',
  audit_stream: 'a restored trail is shorter than what was sent: streams begin anew, and lose nothing',
  audit_alert: 'of what happens now',
  audit_alerts: 'of what happens now',
  audit_last_place: 'of what happens now',
  session: 'ended',
  usage_sessions: 'of sessions',
  session_places: 'of sessions',
  user_sessions: 'of sessions',
  sessions: 'of sessions',
  grant: 'ended, with all its tokens',
  session_grants: 'of grants',
  user_grants: 'of grants',
  access: 'of grants',
  revoked: 'what is older than the restore is refused by the birth mark',
  code: 'used once',
  one_time: 'used once: links for a new password and for an address',
  one_time_used: 'of such links',
  recovery_newest: 'of such links',
  pending_email: 'waits for such a link',
  invitation: 'used once',
  invitations: 'of invitations',
  initial_access_token: 'has a number of uses',
  initial_access_tokens: 'of such tokens',
  recovery_codes: 'used once each',
  factor_code: 'used once',
  totp_enrolment: 'under way',
  factor_generation: 'a restore makes it anew, so that no device is trusted',
  passkey_loss: 'used once',
  passkey_refusal: 'expires by itself',
  known_device: 'expires by itself; the next sign-in is told as one of a new device',
  user_devices: 'of known devices',
  consent: 'may have been withdrawn: the End-User is asked again',
  user_consents: 'of consents',
  interaction: 'under way',
  interaction_params: 'under way',
  admin_request: 'under way',
  sent_form: 'under way',
  last_form: 'under way',
  pushed_request: 'used once',
  device: 'used once',
  lab_trouble: 'ends within an hour',
  worksheet: 'of lessons that are under way',
  classroom: 'ends within a week',
  classroom_seat: 'of classrooms',
  classroom_name: 'of classrooms',
  classroom_roster: 'of classrooms',
  classroom_present: 'of classrooms',
  classroom_numbers: 'of classrooms',
  device_user_code: 'used once',
  backchannel_request: 'used once',
  backchannel_requests: 'of such requests',
  backchannel_delivery: 'was delivered',
  backchannel_deliveries: 'of such deliveries',
  logout_delivery: 'was delivered',
  logout_outbox: 'of such deliveries',
  mail: 'was delivered',
  mail_outbox: 'of such mails',
  shown_mail: 'development alone',
  shown_mails: 'development alone',
  export_told: 'expires by itself',
}

const nameOf = (key: string): string => key.split(':', 1)[0] ?? ''

export const isListed = (name: string): boolean =>
  Object.hasOwn(values, name) || Object.hasOwn(indexes, name) || Object.hasOwn(leftOut, name)

export type Contents = 'everything' | 'configuration'

/** Of a realm, the kinds are those of the server itself. */
export function isKept(found: Found, contents: Contents): boolean {
  const own = realmOf(found)?.inside ?? found
  const [parts, name] = own.kind === 'value' ? [values, nameOf(own.key)] : [indexes, nameOf(own.index)]
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined
  return part !== undefined && (contents === 'everything' || part === 'configuration')
}

/** The record of an account: its `sub`, and the id of its realm if it has one; undefined for any other. */
export function accountOf(found: Found): { sub: string; realm?: string } | undefined {
  const { realm, inside } = realmOf(found) ?? {}
  const own = inside ?? found
  if (own.kind !== 'value' || nameOf(own.key) !== 'user') return undefined
  return { sub: own.key.slice('user:'.length), ...(realm !== undefined && { realm }) }
}
