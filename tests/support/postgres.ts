/** Real PostgreSQL servers for the tests: one alone, and one that follows another. */
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SQL } from 'bun'
import { freePort } from './free_port.ts'
import { until } from './until.ts'

export interface PostgresServer {
  readonly port: number
  readonly pid: number
  /** The directory of the server; it has the Unix socket. Gone after `stop`. */
  readonly directory: string
  /** The folder of its programs, such as psql. */
  readonly programs: string
  /** Runs what follows as the user of the server, where this process is root. */
  readonly asUser: readonly string[]
  /** The URL of a new, empty database and of the user `latchkey`, which owns it. */
  database(name?: string): string
  /** What `psql` prints for a statement of the superuser. Throws with what it says on an error. */
  psql(sql: string, database?: string): string
  /** A session of the superuser that stays open, for transactions. */
  session(database: string): { ask(sql: string): Promise<unknown>; end(): Promise<void> }
  /** SIGKILL of all its processes, as a crash: nothing is flushed and the port goes dead. */
  kill(): Promise<void>
  /** SIGSTOP of all its processes: connections stay open and nothing answers. */
  pause(): void
  resume(): void
  /** SIGKILL when still running, then start again on the same port and directory. */
  restart(): Promise<void>
  /** A server that follows this one. */
  replica(): Promise<PostgresServer>
  /** Makes a replica a server that accepts writes. */
  promote(): void
  /** End the processes and remove the directory. */
  stop(): Promise<void>
}

export interface PostgresServerOptions {
  /** Settings, e.g. `{ max_connections: '5' }`. */
  settings?: Record<string, string>
  /** Files that the server presents over TLS. It takes plain connections too. */
  tls?: { cert: string; key: string }
  /** Whether the user `latchkey` exists. Default: true. */
  user?: boolean
  /** Lines of pg_hba.conf in place of that for connections with a password. */
  rules?: string
}

/** It has characters that a URL must escape. */
export const password = 'p@ss:w/rd%?#'

/** Debian keeps the programs of each version in a folder of its own. */
function programs(): string {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? (readdirSync(root) as string[]) : []
  const found = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'postgres')))
  const onPath = Bun.which('postgres')
  if (found === undefined && onPath === null)
    throw new Error('PostgreSQL is missing: apt-get install postgresql')
  return found ?? dirname(realpathSync(onPath!))
}

const isRoot = process.getuid?.() === 0
/** PostgreSQL refuses to run as root; its package makes this user. */
const asUser = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []

function idOf(option: '-u' | '-g'): number {
  return Number(Bun.spawnSync(['id', option, 'postgres']).stdout.toString())
}

const own = (path: string): void => {
  if (isRoot) chownSync(path, idOf('-u'), idOf('-g'))
}

function run(command: string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}:\n${stderr.toString()}`)
  return stdout.toString()
}

/** The superuser comes through the socket alone. */
const hostRules = `local all postgres trust
local all all scram-sha-256
host replication postgres 127.0.0.1/32 trust
`
const withPassword = 'host all all 127.0.0.1/32 scram-sha-256\n'

/** A server on a random loopback port. The disk is not waited for, unless `settings` says so. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
  own(directory)
  const data = join(directory, 'data')
  const make = [
    'initdb',
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ]
  run([...asUser, join(programs(), make[0] as string), ...make.slice(1)], directory)
  const server = await serve(directory, options)
  if (options.user !== false) server.psql(`CREATE ROLE latchkey LOGIN PASSWORD '${password}'`)
  return server
}

async function serve(directory: string, options: PostgresServerOptions): Promise<PostgresServer> {
  const { settings = {}, tls } = options
  const bin = programs()
  const data = join(directory, 'data')
  const port = freePort()
  const log = join(directory, 'log')
  writeFileSync(join(data, 'pg_hba.conf'), hostRules + (options.rules ?? withPassword))
  if (tls) {
    for (const name of ['cert', 'key'] as const) {
      const path = join(directory, `server.${name}`)
      writeFileSync(path, readFileSync(tls[name]), { mode: 0o600 })
      own(path)
    }
  }
  const all = {
    listen_addresses: '127.0.0.1,127.0.0.2',
    port: `${port}`,
    unix_socket_directories: directory,
    shared_buffers: '16MB',
    fsync: 'off',
    ...(tls && {
      ssl: 'on',
      ssl_cert_file: join(directory, 'server.cert'),
      ssl_key_file: join(directory, 'server.key'),
    }),
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const psql = (sql: string, database = 'postgres') =>
    run(
      [
        join(bin, 'psql'),
        '-h',
        directory,
        '-p',
        `${port}`,
        '-U',
        'postgres',
        '-d',
        database,
        '-v',
        'ON_ERROR_STOP=1',
        '-qtA',
        '-c',
        sql,
      ],
      directory,
    ).trim()
  const spawn = async () => {
    const child = Bun.spawn([...asUser, join(bin, 'postgres'), '-D', data, ...flags], {
      cwd: directory,
      stdio: ['ignore', Bun.file(log), Bun.file(log)],
    })
    await until(() => {
      if (child.exitCode !== null) throw new Error(`postgres ended:\n${readFileSync(log, 'utf8')}`)
      return Bun.spawnSync([join(bin, 'pg_isready'), '-q', '-h', directory, '-p', `${port}`]).exitCode === 0
    }, `postgres on port ${port}`).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw error
    })
    return child
  }
  /** A shell reads its stdin, which is closed when this process ends in any way, and then stops the server and removes the directory. */
  const guard = () =>
    Bun.spawn(
      [
        'sh',
        '-c',
        'cat >/dev/null; kill -QUIT "$0"; sleep 1; kill -9 "$0"; rm -rf "$1"',
        `${child.pid}`,
        directory,
      ],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    )
  let child = await spawn()
  let guardian = guard()
  let databases = 0
  const signal = (name: NodeJS.Signals) => {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
    for (const pid of [child.pid, ...children.map(Number)]) {
      try {
        process.kill(pid, name)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) signal('SIGKILL')
    await child.exited
  }
  return {
    port,
    directory,
    programs: bin,
    asUser,
    get pid() {
      return child.pid
    },
    psql,
    database(name = `db${databases++}`) {
      psql(`CREATE DATABASE "${name}" OWNER latchkey`)
      return `postgres://latchkey:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`
    },
    session(database) {
      const client = new SQL({
        adapter: 'postgres',
        hostname: directory,
        port,
        username: 'postgres',
        password: '',
        database,
        max: 1,
      })
      return { ask: (sql) => client.unsafe(sql).simple(), end: () => client.close() }
    },
    kill,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async restart() {
      await kill()
      guardian.kill()
      child = await spawn()
      guardian = guard()
    },
    async replica() {
      const home = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
      own(home)
      const copy = [
        '-h',
        '127.0.0.1',
        '-p',
        `${port}`,
        '-U',
        'postgres',
        '-D',
        join(home, 'data'),
        '-R',
        '--no-sync',
        '-c',
        'fast',
      ]
      run([...asUser, join(bin, 'pg_basebackup'), ...copy], home)
      return serve(home, options)
    },
    promote: () => void psql('SELECT pg_promote(true)'),
    async stop() {
      await kill()
      guardian.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
