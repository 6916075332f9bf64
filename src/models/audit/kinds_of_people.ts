/** Security events of End-Users: signing in, factors, passwords, sessions, accounts. OWASP ASVS 5.0 V16.3 */
import type { MessageKey } from '../../lib/say.ts'
import { change, flag, type Kind, note, text } from './kind.ts'

/** The kinds that the End-User reads under "Activity"; each has a message, `event.signed_in` and so on. */
export type ActivityKind = Extract<MessageKey, `event.${string}`> extends `event.${infer Name}` ? Name : never

/** What an operator did is the one kind `changed_by_operator` of the log and the audit trail (kinds.ts). */
export type OperatorKind =
  | 'account_added'
  | 'account_disabled'
  | 'account_enabled'
  | 'email_set'
  | 'password_set'
  | 'profile_set'
  | 'roles_set'
  | 'connection_taken'
  | 'factors_reset'
  | 'signed_out_by_operator'

const app = { detail: text }

/** What End-Users read of their own acts. The `detail` of a message is kept only where a row names it: others are addresses and names. */
export const activityKinds = {
  signed_in: note('An End-User signed in', 'person', { details: { amr: text } }),
  signed_in_with: note('An End-User signed in with another provider, whose name is `detail`', 'person', {
    details: app,
  }),
  sign_in_locked: note('Sign-in by password was paused after too many wrong ones', 'unproven', {
    outcome: 'refused',
    level: 'warn',
  }),
  new_device: note('A device signed in to the account for the first time', 'person'),
  totp_added: change('An authenticator app was added', 'person'),
  totp_removed: change('The authenticator app was removed', 'person'),
  sms_codes_on: change('Codes by text message were turned on', 'person'),
  sms_codes_off: change('Codes by text message were turned off', 'person'),
  email_codes_on: change('Codes by email were turned on', 'person'),
  email_codes_off: change('Codes by email were turned off', 'person'),
  recovery_codes_made: change('New recovery codes replaced the old ones', 'person'),
  recovery_code_used: change('A recovery code was used; `detail` is the number of those left', 'person', {
    details: app,
  }),
  devices_forgotten: change('No device is trusted any more', 'person'),
  second_factor_guessed: note('Too many wrong codes of a second factor after a right password', 'unproven', {
    level: 'warn',
    outcome: 'refused',
  }),
  passkey_added: change('A passkey was added', 'person', { details: { passkey: text, aaguid: text } }),
  passkey_removed: change('A passkey was removed', 'person', { details: { passkey: text } }),
  passkey_refused: change('A passkey was refused because it looked like a copy', 'unproven', {
    level: 'warn',
    outcome: 'refused',
    details: { passkey: text, problem: text },
  }),
  passkey_loss_asked: change('The removal of all passkeys was requested', 'person'),
  passkey_loss_stopped: change('The removal of all passkeys was stopped', 'person'),
  passkeys_removed: change('All passkeys were removed by a mailed code', 'person'),
  password_changed: change('A password was changed', 'person'),
  password_asked: change('A link to choose a new password was requested', 'unproven'),
  password_reset: change('A password was chosen through a mailed link', 'person'),
  session_moved: note('A session was used by another device and ended', 'unproven', {
    level: 'warn',
    outcome: 'refused',
    details: { sid: text },
  }),
  session_ended: note('One session was ended by its End-User', 'person'),
  sessions_ended: note('All other sessions were ended by their End-User', 'person'),
  session_limit: note('The oldest session ended because of the limit of sessions', 'server'),
  access_withdrawn: change('The access of an application was withdrawn', 'person', { details: app }),
  connection_added: change('An account of another provider was connected', 'person', { details: app }),
  connection_removed: change('An account of another provider was disconnected', 'person', { details: app }),
  account_created: change('An End-User created an account', 'person', {
    details: { provider: text, invited: flag },
  }),
  profile_changed: change('An End-User changed the profile', 'person'),
  email_change_asked: change('Another email address was requested', 'person'),
  email_changed: change('The email address was changed', 'person'),
  data_exported: change('An End-User exported the data of the account', 'person'),
  data_exported_to: change('A client exported the data of the account', 'client', { details: app }),
  deletion_asked: change('An End-User requested deletion of the account', 'person'),
  deletion_asked_by: change('A client requested deletion of the account', 'client', { details: app }),
  deletion_stopped: change('The deletion of the account was stopped', 'person'),
} as const satisfies Record<Exclude<ActivityKind, OperatorKind>, Kind>

/** Events that the log and the audit trail have, and no list of an End-User. */
export const otherKindsOfPeople = {
  sign_in_failed: note('A password was wrong, or there is no such account', 'unproven', {
    outcome: 'refused',
  }),
  second_factor_failed: note('A code of a second factor was wrong', 'unproven', { outcome: 'refused' }),
  passkey_failed: note('A passkey was refused', 'unproven', {
    outcome: 'refused',
    details: { problem: text },
  }),
  upstream_failed: note('A sign-in at another provider failed', 'unproven', {
    level: 'warn',
    outcome: 'refused',
    details: { provider: text, failure: text },
  }),
  signed_out: note('An End-User signed out', 'person'),
  device_trusted: change('A device needs no second factor for a time', 'person'),
  consent_given: change('An End-User let a client have scopes', 'person', { details: { scope: text } }),
  consent_refused: note('An End-User refused a client', 'person', { outcome: 'refused' }),
  device_answered: change('An End-User answered the request of a device', 'person', {
    details: { allowed: flag },
  }),
  approval_answered: change('An End-User answered a backchannel request', 'person', {
    details: { allowed: flag },
  }),
  email_verified: change('An email address was proven', 'person'),
  password_hash_upgraded: change('An old password hash was replaced at a sign-in', 'server'),
  account_erased: change('An account and all that was stored about it were erased', 'server'),
} as const satisfies Record<string, Kind>
