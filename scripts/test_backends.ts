/** Finds the programs that the tests use, or installs them from Debian packages where that is allowed. */
import { accessSync, constants } from 'node:fs'
import { delimiter } from 'node:path'

interface Backend {
  /** Alternatives: the first that is found is used. */
  programs: readonly string[]
  /** A command that succeeds when the program is available in another way. */
  or?: readonly string[]
  package: string
  why: string
}

const backends: readonly Backend[] = [
  { programs: ['redis-server'], package: 'redis-server', why: 'the Redis store (version 7)' },
  { programs: ['redis-cli'], package: 'redis-tools', why: 'Redis clusters and Sentinels' },
  {
    programs: ['postgres'],
    or: ['sh', '-c', 'ls /usr/lib/postgresql/*/bin/postgres'], // Debian keeps it off the PATH
    package: 'postgresql',
    why: 'the PostgreSQL store (version 14 or later)',
  },
  { programs: ['pgbouncer'], package: 'pgbouncer', why: 'a pooler before PostgreSQL' },
  {
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    package: 'chromium',
    why: 'the pages in a real browser (or name one in CHROMIUM_PATH)',
  },
  { programs: ['nginx'], package: 'nginx-light', why: 'a TLS proxy before the provider' },
  { programs: ['openssl'], package: 'openssl', why: 'certificates of the TLS tests' },
  {
    programs: ['docker-compose'],
    or: ['docker', 'compose', 'version'],
    package: 'docker-compose',
    why: 'the check of compose.yaml (no daemon is needed)',
  },
  {
    programs: ['prometheus'],
    package: 'prometheus',
    why: 'metrics, alerts and the dashboard (promtool comes with it)',
  },
  {
    programs: ['kubectl'],
    package: 'kubernetes-client',
    why: 'the build of deploy/kubernetes (no cluster is needed)',
  },
  {
    programs: ['systemd-analyze'],
    package: 'systemd',
    why: 'the check of deploy/latchkey.service (it need not run)',
  },
  { programs: ['softhsm2-util'], package: 'softhsm2', why: 'a PKCS#11 token for signing keys' },
  { programs: ['pkcs11-tool'], package: 'opensc', why: 'the keys of that token' },
  { programs: ['curl'], package: 'curl', why: 'the lines of the README' },
]

/** Folders of servers that are not on the PATH of an unprivileged user. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin', '/sbin']

/** Searches the current PATH. Bun.which without it searches the PATH of the start of this process. */
const which = (program: string): string | null => Bun.which(program, { PATH: process.env.PATH ?? '' })

const find = ({ programs, or }: Backend): string | undefined =>
  programs.map(which).find((path) => path !== null) ?? (or && succeeds(or) ? or[0] : undefined)

function succeeds([program = '', ...args]: readonly string[]): boolean {
  if (which(program) === null) return false
  return (
    Bun.spawnSync([program, ...args], { env: process.env, stdio: ['ignore', 'ignore', 'ignore'] })
      .exitCode === 0
  )
}

function namedChromium(): string | undefined {
  const path = process.env.CHROMIUM_PATH
  if (!path) return undefined
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch {
    throw new Error(`CHROMIUM_PATH: ${path} cannot be run`)
  }
}

/** Installs as root on Debian or Ubuntu, as in a container. Elsewhere the missing programs are only named. */
const mayInstall = (): boolean => process.getuid?.() === 0 && which('apt-get') !== null

function install(absent: readonly Backend[]): void {
  const packages = absent.map((backend) => backend.package)
  process.stdout.write('installing with apt-get, because they are not on this machine:\n')
  for (const each of absent) process.stdout.write(`  ${each.package}: ${each.why}\n`)
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    RUNLEVEL: '1', // asks Debian not to start the services that it installs
  }
  for (const command of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    const { exitCode, stderr } = Bun.spawnSync(command, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    if (exitCode !== 0)
      process.stdout.write(`${command.join(' ')} ended with ${exitCode}\n${stderr.toString()}`)
  }
}

/**
 * Sets PATH and CHROMIUM_PATH for the tests. Returns one line for each program that is still missing, which
 * says what to install.
 */
export function prepareBackends(): string[] {
  process.env.PATH = [process.env.PATH ?? '', ...serverFolders].join(delimiter)
  const named = namedChromium()
  const needed = backends.filter((backend) => !(named && backend.package === 'chromium'))
  const absent = () => needed.filter((backend) => find(backend) === undefined)
  if (absent().length > 0 && mayInstall()) install(absent())
  const chromium = needed.find((backend) => backend.package === 'chromium')
  const path = named ?? (chromium && find(chromium))
  if (path) process.env.CHROMIUM_PATH = path
  return absent().map(
    (backend) =>
      `missing: ${backend.programs.join(' or ')}, for ${backend.why}; on Debian or Ubuntu: apt-get install ${backend.package}`,
  )
}
