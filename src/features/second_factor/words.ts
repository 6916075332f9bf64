/** Names that the pages of this feature share. */
import type { MessageKey } from '../../lib/say.ts'

export const factorsPath = '/account/factors'

/** What /account/factors says after a change, by the word in its address. */
export const doneWords = {
  totp_added: 'second_factor.done_totp_added',
  sms_added: 'second_factor.done_sms_added',
  email_added: 'second_factor.done_email_added',
  removed: 'second_factor.done_removed',
  devices_forgotten: 'second_factor.done_devices_forgotten',
} as const satisfies Record<string, MessageKey>

export type Done = keyof typeof doneWords
