/** Checks before going live of the realms in the store. docs/realms.md */
import * as v from 'valibot'
import { ConfigError } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import { isOpen, Realm, type RealmRecord } from '../../models/realm.ts'
import { checkRealm } from '../realms/check_realm.ts'
import type { Row, Sight } from './row.ts'

/** Those that are answered. Only they can be of concern. */
async function openRealms({ store, config, now, log }: Sight): Promise<RealmRecord[]> {
  if (!store || !config.realms) return []
  const memory = { store, clock: { now: () => now }, log }
  const found = await Promise.all((await Realm.keys(memory)).map(({ name }) => Realm.find(memory, name)))
  return found.filter((realm) => realm !== undefined && isOpen(realm, now)) as RealmRecord[]
}

function problemsOf({ config, env }: Sight, realm: RealmRecord): readonly string[] {
  try {
    checkRealm({ config, env }, realm)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** By the words that the variable takes. */
function isTrue(text = 'false'): boolean {
  const read = v.safeParse(is.boolean, text)
  return read.success && read.output === true
}

export const realmRows: readonly Row[] = [
  {
    name: 'realm_settings',
    level: 'error',
    expected: 'realms with settings that this server takes: others are answered with 503',
    mend: 'latchkey realm set NAME --unset VARIABLE, or latchkey realm disable NAME',
    link: 'realms.md#settings',
    source: 'ASVS 13.1.1',
    find: async (sight) =>
      (await openRealms(sight)).flatMap((realm) =>
        problemsOf(sight, realm).map((problem) => `realm ${realm.name}: ${problem}`),
      ),
  },
  {
    name: 'realm_demo',
    level: 'error',
    expected: 'no realm with the demo accounts, whose passwords are public',
    mend: 'latchkey realm remove NAME',
    link: 'realms.md#commands',
    source: 'ASVS 13.2.3, 13.4.2',
    find: async (sight) =>
      (await openRealms(sight)).flatMap(({ name, demo }) => (demo ? [`realm ${name}`] : [])),
  },
  {
    name: 'realm_lab',
    level: 'warning',
    expected: 'no realm with the lab, whose pages show sign-ins and tokens of other people',
    mend: 'latchkey realm set NAME --set LAB=false',
    link: 'realms.md#settings',
    source: 'ASVS 13.4.2',
    find: async (sight) =>
      (await openRealms(sight)).flatMap(({ name, settings }) =>
        isTrue(settings.LAB) ? [`realm ${name}`] : [],
      ),
  },
]
