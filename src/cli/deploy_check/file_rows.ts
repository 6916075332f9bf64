/** Checks before going live of files that only the service should read. A database of SQLite gets its rights at each opening (src/store/sqlite_file.ts). https://www.gnu.org/software/libc/manual/html_node/Permission-Bits.html */
import { readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Env, given } from '../../config/read.ts'
import { entries } from '../../config/variables.ts'
import { featureEntries } from '../../table.ts'
import type { Row, Sight } from './row.ts'

const othersRead = 0o004
const othersEnter = 0o001

const modeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mode

/** Whether an account that is neither the owner nor of the group can open it: each folder above must let it in, too. */
function isOpenToOthers(path: string): boolean {
  try {
    if (((modeOf(path) ?? 0) & othersRead) === 0) return false
    for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
      if (((modeOf(folder) ?? 0) & othersEnter) === 0) return false
      if (folder === dirname(folder)) return true
    }
  } catch {
    return false // a folder that this account may not enter
  }
}

/** Windows has rights of another kind. */
const openOf = ({ machine }: Sight, paths: readonly (string | undefined)[]): string[] =>
  machine.platform === 'win32'
    ? []
    : [...new Set(paths)]
        .filter((path) => path !== undefined)
        .filter(isOpenToOthers)
        .map((path) => `every account of this machine can read ${resolve(path)}`)

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    return []
  }
}

const secretFiles = (env: Env): (string | undefined)[] =>
  [...entries, ...Object.values(featureEntries).flat()]
    .filter((entry) => 'secret' in entry && entry.secret === true)
    .map(({ name }) => given(env, `${name}_FILE`))
    // Docker and Kubernetes mount them into a container that has no other account.
    .filter((path) => !/^(\/var)?\/run\/secrets\//.test(path ?? ''))

const hasDotenv = ({ env, fromDotenv }: Sight): boolean => Object.keys(env).some(fromDotenv)

const shared = { mend: 'chmod o= FILE, and let the account of the service own it' } as const

export const fileRows: readonly Row[] = [
  {
    name: 'key_files',
    level: 'error',
    expected: 'private keys that the service alone can read',
    ...shared,
    link: 'security.md#keys-and-secrets',
    source: 'ASVS 13.3.2',
    find: (sight) =>
      openOf(sight, [
        sight.config.tls?.keyPath,
        given(sight.env, 'PRIVATE_KEY_PATH'),
        ...(sight.config.store.kind === 'memory'
          ? filesIn(sight.config.keysPath).filter((path) => !path.endsWith('public.pem'))
          : []),
      ]),
  },
  {
    name: 'settings_file',
    level: 'error',
    expected: 'a .env that the service alone can read',
    ...shared,
    link: 'deployment.md#systemd',
    source: 'ASVS 13.3.2; hardening plan, Settings & Secrets',
    find: (sight) => (hasDotenv(sight) ? openOf(sight, ['.env']) : undefined),
  },
  {
    name: 'secret_files',
    level: 'warning',
    expected: 'files of secrets that the service alone can read, or in a container of its own',
    ...shared,
    link: 'deployment.md#secrets-that-are-kept-elsewhere',
    source: 'ASVS 13.3.2',
    find: (sight) => openOf(sight, secretFiles(sight.env)),
  },
  {
    name: 'log_file',
    level: 'warning',
    expected: 'a log that the service alone can read: it has addresses of End-Users',
    ...shared,
    link: 'operations.md#log',
    source: 'hardening plan, Observability & Compliance',
    find: (sight) => openOf(sight, [sight.config.logFile]),
  },
]
