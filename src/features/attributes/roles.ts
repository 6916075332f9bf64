/** The roles of an End-User for a client: the scopes `roles` and `groups`, also in access tokens. https://www.rfc-editor.org/rfc/rfc9068#section-2.2.3.1 */
import { roleScopes, scopeValues } from '../../auth/scope.ts'
import type { Config } from '../../config.ts'
import type { GrantRule, Issue } from '../../contracts/grant_type.ts'
import type { ScopeTable } from '../../contracts/feature.ts'
import { ownMember } from '../../lib/own_member.ts'
import { say } from '../../lib/say.ts'
import type { Client } from '../../models/client.ts'
import type { User } from '../../models/user.ts'
import { isOtherClaim, settingsOf } from './settings.ts'

/** As the client calls them, and those alone that it is told; undefined for none. */
export function rolesFor({ roles }: User, { role_names: names }: Client): string[] | undefined {
  const told = names ? roles.flatMap((role) => ownMember(names, role) ?? []) : roles
  return told.length > 0 ? [...new Set(told)] : undefined
}

const descriptions = { roles: say('scope.roles'), groups: say('scope.groups') }

/** Each has the claim of its name. A scope or a claim that the operator defined (SCOPES, CUSTOM_SCOPES) keeps that meaning. */
export const builtInScopes = (config: Config): ScopeTable =>
  Object.fromEntries(
    roleScopes
      .filter(
        (name) =>
          !config.scopes.includes(name) &&
          !ownMember(settingsOf(config).customScopes ?? {}, name) &&
          !isOtherClaim(name, config),
      )
      .map((name) => [name, { claims: [name], description: descriptions[name] }]),
  )

/** Whether a scope brings the roles: a built-in one, or one of CUSTOM_SCOPES. */
const bringsRoles = (scope: string, config: Config): boolean =>
  ownMember(builtInScopes(config), scope) !== undefined ||
  Object.values(ownMember(settingsOf(config).customScopes ?? {}, scope)?.claims ?? {}).includes('roles')

/**
 * A copy, of a token exchange, has the scopes of a token that another client may have got. The roles are only for a client
 * that an operator has said may be told them: by the scope, or by `role_names`.
 */
function withinOwn(issue: Issue, client: Client, config: Config): readonly string[] {
  if (!issue.copyOf || client.role_names) return issue.scope
  const own = scopeValues(client.scope)
  return issue.scope.filter((scope) => own.includes(scope) || !bringsRoles(scope, config))
}

export const rolesInAccessTokens: GrantRule = {
  name: 'roles',
  shape(given, { client, context }) {
    if (!given.grant) return given
    const issue = { ...given, scope: withinOwn(given, client, context.config) }
    const names = issue.scope.filter((scope) => ownMember(builtInScopes(context.config), scope))
    const roles = names.length > 0 ? rolesFor(issue.user, client) : undefined
    if (!roles) return issue
    return {
      ...issue,
      claims: { ...issue.claims, ...Object.fromEntries(names.map((name) => [name, roles])) },
    }
  },
}
