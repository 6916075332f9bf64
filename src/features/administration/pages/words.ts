/** Words of the values that the API answers with. */
import type { AdminRole } from '../../../auth/admin_roles.ts'
import { type Said, say } from '../../../lib/say.ts'
import type { AccountState } from '../../../people/account_state.ts'

export const roleWords: Readonly<Record<AdminRole, Said>> = {
  owner: say('admin.role_owner'),
  operator: say('admin.role_operator'),
  support: say('admin.role_support'),
  auditor: say('admin.role_auditor'),
}

export const stateWords: Readonly<Record<AccountState, readonly ['good' | 'doubtful' | 'bad', Said]>> = {
  active: ['good', say('admin.state_active')],
  disabled: ['bad', say('admin.state_disabled')],
  leaving: ['doubtful', say('admin.state_leaving')],
}
