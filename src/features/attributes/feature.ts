/** Custom scopes of the operator, which return attributes of End-Users as claims (`permissions`, `organization`, …). https://openid.net/specs/openid-connect-core-1_0.html#AdditionalClaims */
import type { Config } from '../../config.ts'
import type { User } from '../../models/user.ts'
import { defineFeature } from '../../contracts/feature.ts'
import type { Client } from '../../models/client.ts'
import { builtInScopes, rolesFor, rolesInAccessTokens } from './roles.ts'
import { env, problems, settingsOf } from './settings.ts'

const valueOf = (user: User, attribute: string, client: Client): unknown => {
  const { attributes } = user
  if (attribute === 'roles') return rolesFor(user, client)
  return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
}

const tableOf = (config: Config) => ({
  ...builtInScopes(config),
  ...Object.fromEntries(
    Object.entries(settingsOf(config).customScopes ?? {}).map(([scope, { description, claims }]) => [
      scope,
      { description, claims: Object.keys(claims) },
    ]),
  ),
})

export const attributes = defineFeature({
  name: 'attributes',
  env,
  problems,
  claims: [
    {
      name: 'attributes',
      scopes: tableOf,
      values(context, user, client) {
        const { customScopes } = settingsOf(context.config)
        const roles = rolesFor(user, client)
        if (!customScopes) return { roles, groups: roles }
        return {
          roles,
          groups: roles,
          ...Object.fromEntries(
            Object.values(customScopes).flatMap(({ claims }) =>
              Object.entries(claims).map(([claim, attribute]) => [claim, valueOf(user, attribute, client)]),
            ),
          ),
        }
      },
    },
  ],
  grantRules: [rolesInAccessTokens],
})
