/** How an event looks in lists: its icon, and whether it may be the work of an attacker. */
import type { IconName } from '../../html/icon.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { isMessageKey } from '../../html/words.ts'
import { ownMember } from '../../lib/own_member.ts'
import { type Said, say } from '../../lib/say.ts'
import type { Event } from '../../models/event.ts'
import type { ActivityKind } from '../../models/audit/kinds_of_people.ts'

/** An event kind of another version has no sentence here, so its name is shown. */
export function sentenceOf({ kind, detail = '' }: Event): Said {
  const key = `event.${kind}`
  return isMessageKey(key) ? say(key, { detail: foreignText(detail) }) : say('activity.unknown', { kind })
}

/** What an End-User who did not cause it must know at once. */
const alarming: ReadonlySet<string> = new Set<ActivityKind>([
  'new_device',
  'session_moved',
  'sign_in_locked',
  'second_factor_guessed',
  'passkey_refused',
  'passkey_loss_asked',
  'recovery_code_used',
])

export const isAlarming = ({ kind }: Event): boolean => alarming.has(kind)

/** By the first word of the kind, for kinds without a row of their own. */
const icons: Readonly<Record<string, IconName>> = {
  signed_in: 'log-in',
  signed_in_with: 'log-in',
  sign_in_locked: 'lock-keyhole',
  signed_out_by_operator: 'log-out',
  new_device: 'monitor-smartphone',
  session: 'monitor-smartphone',
  sessions: 'monitor-smartphone',
  password: 'lock-keyhole',
  passkey: 'fingerprint-pattern',
  passkeys: 'fingerprint-pattern',
  totp: 'shield-check',
  sms: 'shield-check',
  email_codes_on: 'shield-check',
  email_codes_off: 'shield-check',
  recovery: 'shield-check',
  second: 'shield-check',
  factors: 'shield-check',
  devices: 'shield-check',
  access: 'layout-grid',
  connection: 'link',
  email: 'mail',
  profile: 'user-round',
  account: 'user-round',
  roles: 'user-round',
  data: 'database',
  deletion: 'database',
}

export const iconOf = ({ kind }: Event): IconName =>
  ownMember(icons, kind) ?? ownMember(icons, kind.split('_')[0] ?? '') ?? 'history'
