/** The configuration of a realm: that of the root under the settings of its record, with secrets of its own. docs/decisions/0100-realms.md */
import { type Config, ConfigError, loadConfig } from '../../config.ts'
import type { Env } from '../../config/read.ts'
import { inheritedEnv, realmSettingProblem } from '../../config/realm_setting.ts'
import { entries } from '../../config/variables.ts'
import { deepFreeze } from '../../lib/freeze.ts'
import { deriveKey } from '../../lib/hash.ts'
import type { RealmRecord } from '../../models/realm.ts'
import { featureEntries } from '../../table.ts'

export interface Root {
  config: Config
  /** With the values of secrets, as `readSettings` has it. */
  env: Env
}

export const realmIssuer = (config: Pick<Config, 'issuer'>, name: string): string =>
  `${config.issuer}/realms/${name}`

/** A secret of the realm for each of the root, in their order: nothing that one of them made opens with another. */
const ofRealm = <Values extends readonly string[]>(values: Values, purpose: string, id: string): Values =>
  values.map((value) =>
    Buffer.from(deriveKey(value, `${purpose} of realm ${id}`)).toString('base64url'),
  ) as readonly string[] as Values

/** Throws ConfigError, with the words that the same setting of the root would give. */
export function realmConfig(
  root: Root,
  { id, name, settings }: Pick<RealmRecord, 'id' | 'name' | 'settings'>,
): Config {
  requireOfRealms(settings)
  const env = {
    ...inheritedEnv(everyEntry, root.env),
    ...(lacksTokens(root) && { REGISTRATION: 'closed' }),
    ...settings,
    ISSUER_URL: realmIssuer(root.config, name),
  }
  const config = loadConfig(env, { featureEntries })
  const { secretKey, auditSigningKey } = config
  return deepFreeze({
    ...config,
    secretKey: ofRealm(secretKey, 'secrets', id),
    auditSigningKey: auditSigningKey && ofRealm(auditSigningKey, 'audit trail', id),
    // Those of development, which show the key of the root.
    privateKeyPath: undefined,
    publicKeyPath: undefined,
  })
}

/** The token of the server is not that of a realm, and no command makes one in the memory of another process. */
const lacksTokens = ({ config: { registration, store } }: Root): boolean =>
  registration === 'token' && store.kind === 'memory'

export const everyEntry = [...entries, ...Object.values(featureEntries).flat()]

function requireOfRealms(settings: RealmRecord['settings']): void {
  const problems = Object.keys(settings).flatMap((name) => {
    const problem = realmSettingProblem(everyEntry, name, 'command')
    return problem === undefined ? [] : [`${name}: ${problem}`]
  })
  if (problems.length > 0) throw new ConfigError(problems)
}
