/** The administration API: people, clients, sessions and keys over HTTP, for administrators and their services. https://www.rfc-editor.org/rfc/rfc9457 */
import { adminScopes } from '../../auth/admin_roles.ts'
import type { Config } from '../../config.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { say } from '../../lib/say.ts'
import { Administrators } from '../../models/administrators.ts'
import { apiEndpoints } from './endpoints.ts'
import { adminPages, ownHostEntry } from './pages/pages.ts'
import './pages/views.ts'
import { firstOwnerJob, firstOwnerPage } from './first_owner.ts'
import { adminScopeRule } from './scope_rule.ts'
import { adminBases, adminPageBase, env, featureName, settingsOf } from './settings.ts'

/** With ADMIN_HOST proofs of possession name that host, and with another host name than the issuer pages have a session there. */
const basesOf = (config: Config) =>
  adminBases(config)
    .filter((url) => url !== config.issuer)
    .map((url) => ({ url, ...(url === adminPageBase(config) && { pages: true as const }) }))

const pages = [...adminPages, firstOwnerPage].map((each) => ({
  ...each,
  atPageBases: true as const,
}))

const taken = (config: Config): string[] => {
  const custom = config.features.attributes?.customScopes
  return [...config.scopes, ...Object.keys((custom as object | undefined) ?? {})]
}

export const administration = defineFeature({
  name: featureName,
  env,
  when: (config) => settingsOf(config).administration,
  problems: (config) => [
    ...adminScopes
      .filter((each) => taken(config).includes(each))
      .map((each) => `SCOPES: ${each} is a scope of the administration API; choose another name`),
    ...adminScopes
      .filter((each) => config.registrationAllowedScopes.includes(each))
      .map((each) => `REGISTRATION_ALLOWED_SCOPES: ${each} is given to a client by an operator alone`),
  ],
  baseUrls: basesOf,
  endpoints: [...apiEndpoints, ...pages, ownHostEntry],
  jobs: [firstOwnerJob],
  claims: [
    {
      name: featureName,
      scopes: Object.fromEntries(
        adminScopes.map((each) => [
          each,
          { claims: [], description: say('scope.admin', { scope: each }), byOperator: true as const },
        ]),
      ),
    },
  ],
  grantRules: [adminScopeRule],
  personData: [
    {
      name: 'administration',
      read: async (context, sub) => (await Administrators.find(context, sub)) ?? undefined,
      erase: (context, sub) => Administrators.forget(context, sub),
    },
  ],
})
