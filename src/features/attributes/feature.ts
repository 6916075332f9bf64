/** Custom scopes of the operator, which return attributes of End-Users as claims (`permissions`, `organization`, …). https://openid.net/specs/openid-connect-core-1_0.html#AdditionalClaims */
import type { Config } from '../../config.ts'
import type { User } from '../../models/user.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { env, settingsOf } from './settings.ts'

const valueOf = ({ attributes, roles }: User, attribute: string): unknown => {
  if (attribute === 'roles') return roles.length > 0 ? roles : undefined
  return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
}

const tableOf = (config: Config) =>
  Object.fromEntries(
    Object.entries(settingsOf(config).customScopes ?? {}).map(([scope, { description, claims }]) => [
      scope,
      { description, claims: Object.keys(claims) },
    ]),
  )

export const attributes = defineFeature({
  name: 'attributes',
  env,
  claims: [
    {
      name: 'attributes',
      scopes: tableOf,
      values(context, user) {
        const { customScopes } = settingsOf(context.config)
        return (
          customScopes &&
          Object.fromEntries(
            Object.values(customScopes).flatMap(({ claims }) =>
              Object.entries(claims).map(([claim, attribute]) => [claim, valueOf(user, attribute)]),
            ),
          )
        )
      },
    },
  ],
})
