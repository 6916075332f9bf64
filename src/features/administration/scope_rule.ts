/** Scopes of the administration API are in tokens of that API alone, and never in one that was exchanged. docs/administration.md */
import { isAdminScope } from '../../auth/admin_roles.ts'
import { OAuthError } from '../../auth/errors.ts'
import type { GrantRule } from '../../contracts/grant_type.ts'
import { audienceOf } from './api_head.ts'

const refuse = (expected: string, came: unknown) =>
  new OAuthError('invalid_target', { rule: 'RFC 8707 §2', expected, came })

/** Runs after the rule for `resource`, which decides the audience. */
export const adminScopeRule: GrantRule = {
  name: 'administration',
  shape(issue, { client, context }) {
    const own = audienceOf(context)
    const audience = issue.audience ?? issue.copyOf?.aud ?? []
    const isMeant = typeof audience === 'string' ? audience === own : audience.includes(own)
    if (!isMeant)
      return issue.scope.some(isAdminScope)
        ? { ...issue, scope: issue.scope.filter((each) => !isAdminScope(each)) }
        : issue
    if (issue.copyOf)
      throw refuse(
        'no token exchange for the administration API: the client requests a token for itself or its End-User',
        own,
      )
    if (client.self_registered)
      throw refuse('a client that an operator registered, for the administration API', client.client_id)
    if (typeof audience !== 'string' && audience.length > 1)
      throw refuse('the administration API as the one resource of the token', audience.join(' '))
    return issue
  },
}
