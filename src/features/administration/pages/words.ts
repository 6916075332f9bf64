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

type Kind = 'good' | 'doubtful' | 'bad'

export const outcomeWords: Readonly<Record<string, readonly [Kind, Said]>> & {
  failure: readonly [Kind, Said]
} = {
  success: ['good', say('admin.outcome_success')],
  refused: ['doubtful', say('admin.outcome_refused')],
  failure: ['bad', say('admin.outcome_failure')],
}

export const actorWords: Readonly<Record<string, Said>> = {
  person: say('admin.actor_person'),
  client: say('admin.actor_client'),
  operator: say('admin.actor_operator'),
  server: say('admin.actor_server'),
  unproven: say('admin.actor_unproven'),
}

export const stateWords: Readonly<Record<AccountState, readonly [Kind, Said]>> = {
  active: ['good', say('admin.state_active')],
  disabled: ['bad', say('admin.state_disabled')],
  leaving: ['doubtful', say('admin.state_leaving')],
}
