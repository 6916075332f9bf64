/** The state of an account in one word. */
import type { User } from '../models/user.ts'

export const accountStates = ['active', 'disabled', 'leaving'] as const
export type AccountState = (typeof accountStates)[number]

/** `leaving`: the End-User requested deletion of the account and can still sign in to cancel it. */
export const stateOf = ({ disabled, leaving_at }: User): AccountState => {
  if (disabled) return 'disabled'
  return leaving_at === undefined ? 'active' : 'leaving'
}
