/** The paths of an older provider below /auth, for clients that come from there: the same endpoints. https://www.rfc-editor.org/rfc/rfc8414 https://www.rfc-editor.org/rfc/rfc7636 docs/decisions/0097-migration-paths.md */
import type { Config } from '../../config.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { challenge } from './challenge.ts'
import { refresh } from './refresh.ts'

const featureName = 'migration_paths'

const env = defineEntries([
  {
    name: 'MIGRATION_PATHS',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    help: 'Serves authorization, tokens, revocation, userinfo and metadata below /auth as well, with /auth/refresh and /auth/challenge, for clients of an older provider that has these paths.',
  },
])

const isOn = (config: Config): boolean => featureConfig(config, featureName, env).migrationPaths

export const migrationPaths = defineFeature({
  name: featureName,
  env,
  when: isOn,
  notes: () => [
    'MIGRATION_PATHS: move clients to the endpoints of /.well-known/openid-configuration, then turn it off; a client makes its PKCE pair itself, /auth/challenge is for learning',
  ],
  operation: {
    mounts: [
      { endpoint: 'authorization', path: '/auth/authorize' },
      { endpoint: 'token', path: '/auth/token' },
      { endpoint: 'revocation', path: '/auth/revoke' },
      { endpoint: 'userinfo', path: '/auth/userinfo' },
      { endpoint: 'discovery', path: '/auth/.well-known/oauth-authorization-server' },
    ],
  },
  endpoints: [challenge, refresh],
})
