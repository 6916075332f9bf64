/** The path and the notices that the pages of this feature share. */
import type { MessageKey } from '../../lib/say.ts'

export const factorsPath = '/account/factors'

/** Notices of /account/factors after a change, by the value of `?done=`. */
export const doneMessages = {
  totp_added: 'second_factor.done_totp_added',
  sms_added: 'second_factor.done_sms_added',
  email_added: 'second_factor.done_email_added',
  removed: 'second_factor.done_removed',
  devices_forgotten: 'second_factor.done_devices_forgotten',
} as const satisfies Record<string, MessageKey>

export type Done = keyof typeof doneMessages
