/** Which variables a realm may have its own value of. docs/realms.md */
import type { Entries, Entry } from './entry.ts'

/** By which way a setting comes: the command line of the operator, or the administration over the network. */
export type SettingWay = 'command' | 'administration'

/** Why a realm has no own value of this variable, and what to do; undefined where it may have one. */
export function realmSettingProblem(entries: Entries, name: string, way: SettingWay): string | undefined {
  const entry = entries.find((each) => each.name === name)
  if (!entry) return 'unknown variable; docs/configuration.md marks the variables of realms with ◆'
  if (entry.realm === true || (entry.realm === 'by_command' && way === 'command')) return undefined
  if (entry.realm === 'by_command')
    return 'expected a variable that names no file or service of the operator; set it at the command line: latchkey realm set'
  return `expected a variable of a realm (◆ in docs/configuration.md), got ${ownerOf(entry)}`
}

const ownerOf = ({ secret }: Entry): string =>
  secret
    ? 'a secret, which is not kept in the record of a realm'
    : 'one of the server, which all realms share: set it in the environment of the process'

/**
 * What is of the server alone: its keys and credentials, its issuer, and services that know it. A realm has the default, or
 * its own value. A secret that all realms shared would lead from one to another.
 */
const ofServer = new RegExp(
  `^(?:${[
    'REALMS',
    '(?:MTLS_)?ISSUER_URL',
    '(?:PRIVATE|PUBLIC)_KEY_PATH',
    'SIGNING_KEY_SOURCES',
    'PKCS11_PIN',
    'ACCESS_TOKEN_AUDIENCE',
    'RESOURCES',
    'REGISTRATION_INITIAL_ACCESS_TOKEN',
    'JWT_BEARER_ISSUERS',
    'SOFTWARE_STATEMENT_ISSUERS',
    'LAB_SEED',
    'CIBA_NOTIFY_\\w+',
    'UPSTREAM_\\w+',
    'AUDIT_(?:SYSLOG|WEBHOOK|FILE|ALERT)_\\w+',
    'AUDIT_FILE',
  ].join('|')})(?:_FILE)?$`,
)

/** Whether a realm has the value of the server where it has none of its own. */
export const isInherited = (name: string): boolean => !ofServer.test(name)
