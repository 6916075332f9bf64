/** `config check --deep` tries each setting that names something outside, and says each fault once; `serve` says it in the same words. Issue 9, 45. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as is from '../../src/config/schemas.ts'
import type { Entry } from '../../src/config/entry.ts'
import { entries } from '../../src/config/variables.ts'
import { trials } from '../../src/cli/trials.ts'
import { featureEntries } from '../../src/table.ts'
import { makeCertificate } from '../support/certificate.ts'
import { type CommandLine, commandLine, type Ran } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

// Each test runs the command, and some wait for a Redis that does not answer.
setDefaultTimeout(240_000)

const all: readonly Entry[] = [...entries, ...Object.values(featureEntries).flat()]

/** Schemas whose values are places outside. */
const places: readonly unknown[] = [
  ...[is.path, is.host, is.issuer, is.foreignIssuer, is.webUrl, is.redisUrl, is.storeUrl],
  ...[is.issuersWithKeys, is.hostPortList, is.networks, is.origins],
]
const placeName =
  /(^|_)(PATH|FILE|FOLDER|DIR|URL|URI|HOST|HOSTS|PORT|ISSUERS?|ENDPOINT|PROVIDERS|ORIGINS|PROXIES|PRIVATE_KEY|SECRET_KEY)$/
const namesPlace = ({ name, schema, outbound }: Entry): boolean =>
  places.includes(schema) || placeName.test(name) || outbound !== undefined

/** Settings with a place in them that `--deep` does not try, and why. */
const untried: Readonly<Record<string, string>> = {
  REDIS_URL: 'the trial of STORE_URL: both are one setting',
  ISSUER_URL:
    'clients reach it through a proxy and DNS that this machine need not see; TLS_CERT_PATH is compared with it',
  MTLS_ISSUER_URL: 'as ISSUER_URL',
  OUTBOUND_ALLOW_HOSTS: 'a permission: the URLs that need it are tried',
  TRUSTED_PROXIES: 'addresses that connect to us',
  CORS_ALLOWED_ORIGINS: 'names that browsers send; nothing is requested there',
  CORS_REDIRECT_ORIGINS: 'a choice, with no place in it',
  PASSKEY_RELATED_ORIGINS: 'names that browsers compare; nothing is requested there',
  THEME_PATH: 'every config check and every start reads the whole folder',
  MTLS_CA_PATH:
    'every config check and every start reads it; the trial of the feature asks whether it is valid',
  VAULT_ADDR: 'every config check and every start reads there, where a variable refers to it',
  VAULT_KUBERNETES_TOKEN_PATH: 'as VAULT_ADDR; it has a default that is there in Kubernetes alone',
  OTEL_EXPORTER_OTLP_ENDPOINT:
    'a provider without its collector works in full; the check traces of /health says when it takes none',
  SENTRY_DSN: 'as OTEL_EXPORTER_OTLP_ENDPOINT, with the check error_reports',
  TRACE_PARENT_FROM: 'addresses that connect to us',
  ADMIN_HOST: 'a name that callers send; nothing is requested there',
  ADMIN_NETWORKS: 'addresses that connect to us',
  LAB_NETWORKS: 'addresses that connect to us',
  UPSTREAM_APPLE_PRIVATE_KEY: 'every config check and every start reads the key',
}

test('each setting that names something outside has a trial, or a reason why not', () => {
  const tried = new Set(trials.map(({ name }) => name))
  const services = ['SMTP_URL', 'AUDIT_SYSLOG_URL']
  const isTried = ({ name, outbound }: Entry) =>
    tried.has(name) || outbound !== undefined || services.includes(name)
  const named = all.filter(namesPlace)
  expect(named.length).toBeGreaterThan(25)
  expect(
    named.filter((entry) => !isTried(entry) && !(entry.name in untried)).map(({ name }) => name),
  ).toEqual([])
  for (const name of [...Object.keys(untried), ...tried])
    expect(all.map((entry) => entry.name)).toContain(name)
  for (const name of Object.keys(untried)) expect(tried).not.toContain(name)
})

const folder = mkdtempSync(join(tmpdir(), 'latchkey-tried-'))
const at = (name: string): string => join(folder, name)
const secret = 'Zk9vQ2h1bXBTdGF0aWM3NDEyOTgzNkxhdGNoa2V5RGVlcENoZWNr'
const production = {
  NODE_ENV: 'production',
  ISSUER_URL: 'https://localhost',
  SECRET_KEY: secret,
  LOG_LEVEL: 'error',
  PORT: '0', // the check listens at another port for a moment, where a command of another test may do so
}
/** The whole time is waited; a busy machine needs it to learn what is wrong. */
const patient = { STORE_TIMEOUT_MS: '3000' }
const development = { NODE_ENV: 'development', ISSUER_URL: 'http://localhost', SECRET_KEY: '', STORE_URL: '' }
let redis: RedisServer
let secure: RedisServer
let line: CommandLine

function openssl(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...args], { cwd: folder })
  if (exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
}

beforeAll(async () => {
  const [own, other] = [makeCertificate(), makeCertificate()]
  for (const [name, path] of Object.entries({
    cert: own.certPath,
    key: own.keyPath,
    other_key: other.keyPath,
  }))
    copyFileSync(path, at(name))
  for (const made of [own, other]) made.remove()
  openssl('req', '-new', '-key', 'key', '-subj', '/CN=localhost', '-out', 'csr')
  openssl('x509', '-req', '-in', 'csr', '-signkey', 'key', '-days', '-1', '-out', 'expired')
  writeFileSync(
    at('text'),
    'neither a certificate nor a key nor a database, but some text that is long enough',
  )
  writeFileSync(at('half'), readFileSync(at('cert'), 'utf8').replace(/-----END[^]*$/, ''))
  writeFileSync(
    at('damaged'),
    readFileSync(at('cert'), 'utf8').replace(/\nM[^\n]{20}/, '\nMAAAAAAAAAAAAAAAAAAAA'),
  )
  mkdirSync(at('directory'))
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const [mine, foreign] = [rsa(), rsa()]
  writeFileSync(at('rsa'), mine.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(at('foreign.pub'), createPublicKey(foreign).export({ type: 'spki', format: 'pem' }))
  line = commandLine({ ...production, STORE_URL: `sqlite:${at('used.db')}` })
  expect((await line.latchkey(['keys', 'generate'])).code).toBe(0)
  const tls = { cert: at('cert'), key: at('key'), ca: at('cert') }
  ;[redis, secure] = await Promise.all([startRedis({ password: 'right' }), startRedis({ tls })])
}, 240_000)
afterAll(async () => {
  await Promise.all([redis.stop(), secure.stop()])
  line.remove()
  rmSync(folder, { recursive: true, force: true })
})

const run = async (args: string[], env: Record<string, string>): Promise<Ran> => {
  const shell = commandLine({ ...production, STORE_URL: `sqlite:${at('used.db')}`, ...env })
  try {
    return await shell.latchkey(args)
  } finally {
    shell.remove()
  }
}
const check = (env: Record<string, string>) => run(['config', 'check', '--deep'], env)

/** The lines with problems. */
async function problemsOf(env: Record<string, string>): Promise<string[]> {
  const { code, stderr, stdout } = await check(env)
  expect(stderr).not.toContain('    at ')
  expect([code, stdout.endsWith('ok\n')]).toEqual(stderr.includes('latchkey:') ? [2, false] : [0, true])
  return stderr.split('\n').filter((each) => /^[A-Z0-9_]+: /.test(each))
}

interface Fault {
  env: () => Record<string, string>
  /** The one line of the check begins so. */
  says: string
  and?: string
  /** The fault does not end a start. */
  starts?: true
}

const tls = (cert: string, key: string) => ({ TLS_CERT_PATH: at(cert), TLS_KEY_PATH: at(key) })
const byRedis = (url: string) => ({ ...patient, STORE_URL: url })
const wide = { PLAIN_HTTP_FROM: 'anywhere' }

const faults: Record<string, Fault> = {
  'a database below a file': {
    env: () => ({ STORE_URL: `sqlite://${at('text')}/x.db` }),
    says: 'STORE_URL: expected a path in a folder, got one below the file',
  },
  'a database in /proc': {
    env: () => ({ STORE_URL: 'sqlite:///proc/x.db' }),
    says: 'STORE_URL: no file can be made in /proc',
  },
  'a database in a folder that is not there': {
    env: () => ({ STORE_URL: `sqlite:${at('none/x.db')}` }),
    says: 'STORE_URL: the folder',
    and: 'does not exist: make it',
  },
  'a folder as a database': {
    env: () => ({ STORE_URL: `sqlite:${at('directory')}` }),
    says: 'STORE_URL: sqlite: EISDIR',
  },
  'a text as a database': {
    env: () => ({ STORE_URL: `sqlite:${at('text')}` }),
    says: 'STORE_URL: sqlite: SQLITE_NOTADB',
  },
  'KEYS_PATH is a file': {
    env: () => ({ ...development, KEYS_PATH: at('text') }),
    says: 'KEYS_PATH: expected a folder, got the file',
  },
  'KEYS_PATH below a file': {
    env: () => ({ ...development, KEYS_PATH: at('text/keys') }),
    says: 'KEYS_PATH: expected a folder, got the file',
  },
  'KEYS_PATH that cannot be made': {
    env: () => ({ ...development, KEYS_PATH: '/proc/keys_of_latchkey' }),
    says: 'KEYS_PATH: no folder can be made in /proc',
  },
  'KEYS_PATH in which nothing can be made': {
    env: () => ({ ...development, KEYS_PATH: '/proc' }),
    says: 'KEYS_PATH: no file can be made in /proc',
  },
  'a name without an address': {
    env: () => ({ ...wide, HOST: 'nosuch.invalid' }),
    says: 'HOST: expected an address of this machine or a name that has one, got nosuch.invalid',
  },
  'an address of another machine': {
    env: () => ({ ...wide, HOST: '203.0.113.7' }),
    says: 'HOST: expected an address of this machine, got 203.0.113.7',
  },
  'an IPv6 address of another machine': {
    env: () => ({ ...wide, HOST: '2001:db8::7' }),
    says: 'HOST: expected an address of this machine, got 2001:db8::7',
  },
  'a certificate that is none': {
    env: () => tls('text', 'key'),
    says: 'TLS_CERT_PATH: expected a file of certificates',
  },
  'half a certificate': {
    env: () => tls('half', 'key'),
    says: 'TLS_CERT_PATH: expected a file',
    and: 'without its end',
  },
  'a damaged certificate': {
    env: () => tls('damaged', 'key'),
    says: 'TLS_CERT_PATH: expected a file',
    and: 'damaged',
  },
  'a key as a certificate': {
    env: () => tls('key', 'key'),
    says: 'TLS_CERT_PATH: expected a file',
    and: 'PRIVATE KEY',
  },
  'a key that is none': {
    env: () => tls('cert', 'text'),
    says: 'TLS_KEY_PATH: expected a private key in PEM',
  },
  'a folder as a key': {
    env: () => tls('cert', 'directory'),
    says: 'TLS_KEY_PATH: expected a readable file',
    and: 'EISDIR',
  },
  'a device as a key': {
    env: () => ({ ...tls('cert', 'key'), TLS_KEY_PATH: '/dev/zero' }),
    says: 'TLS_KEY_PATH: expected a readable file',
    and: 'device',
  },
  'a key of another certificate': {
    env: () => tls('cert', 'other_key'),
    says: 'TLS_CERT_PATH: expected the certificate of the key in TLS_KEY_PATH',
  },
  'a certificate that has expired': {
    env: () => tls('expired', 'key'),
    says: 'TLS_CERT_PATH: expected a valid certificate, got one that has expired',
    starts: true,
  },
  'an authority that is none': {
    env: () => ({ STORE_URL: secure.url, REDIS_CA_PATH: at('text') }),
    says: 'REDIS_CA_PATH: expected a file of certificates',
  },
  'an authority that has expired': {
    env: () => ({ STORE_URL: secure.url, REDIS_CA_PATH: at('expired') }),
    says: 'REDIS_CA_PATH: expected a valid certificate',
    starts: true,
  },
  'authorities for requests that are none': {
    env: () => ({ OUTBOUND_CA_PATH: at('text') }),
    says: 'OUTBOUND_CA_PATH: expected a file of certificates',
  },
  'a key of the operator that is none': {
    env: () => ({ PRIVATE_KEY_PATH: at('text') }),
    says: 'PRIVATE_KEY_PATH: ',
    and: 'expected a private key in PEM',
  },
  'a key of the operator of another kind': {
    env: () => ({ PRIVATE_KEY_PATH: at('key') }),
    says: 'PRIVATE_KEY_PATH: ',
  },
  'a public key of another key': {
    env: () => ({ PRIVATE_KEY_PATH: at('rsa'), PUBLIC_KEY_PATH: at('foreign.pub') }),
    says: 'PUBLIC_KEY_PATH: expected the public key of PRIVATE_KEY_PATH',
    starts: true,
  },
  'no database of places': {
    env: () => ({ GEOIP_DATABASE_PATH: at('text') }),
    says: 'GEOIP_DATABASE_PATH: expected a MaxMind database',
    starts: true,
  },
  'another SECRET_KEY': {
    env: () => ({ SECRET_KEY: secret.split('').reverse().join('') }),
    says: 'SECRET_KEY: the signing key',
    and: 'not sealed with this SECRET_KEY',
  },
  'a wrong password': {
    env: () => byRedis(`redis://:wrong@127.0.0.1:${redis.port}`),
    says: 'STORE_URL: redis:',
    and: 'WRONGPASS',
  },
  'a wrong password in REDIS_URL': {
    env: () => ({ ...byRedis(''), REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` }),
    says: 'REDIS_URL: redis:',
    and: 'WRONGPASS',
  },
  'no password': {
    env: () => byRedis(`redis://127.0.0.1:${redis.port}`),
    says: 'STORE_URL: redis:',
    and: 'NOAUTH',
  },
  'a user without a password': {
    env: () => byRedis(`redis://bob@127.0.0.1:${redis.port}`),
    says: 'STORE_URL: the Redis URL is not usable: it has a user and no password',
  },
  'a database that is not there': {
    env: () => byRedis(`redis://:right@127.0.0.1:${redis.port}?db=99`),
    says: 'STORE_URL: redis: the server does not have the database',
  },
  'nothing that listens': {
    env: () => byRedis(`redis://127.0.0.1:${freePort()}`),
    says: 'STORE_URL: redis:',
    and: 'ECONNREFUSED',
  },
  'a Redis without an address': {
    env: () => byRedis('redis://nosuch.invalid'),
    says: 'STORE_URL: redis:',
    and: 'no address',
  },
  'TLS to a Redis without': {
    env: () => byRedis(`rediss://:right@127.0.0.1:${redis.port}`),
    says: 'STORE_URL: redis:',
    and: 'redis:// is without TLS',
  },
  'no TLS to a Redis with it': {
    env: () => byRedis(`redis://127.0.0.1:${secure.port}`),
    says: 'STORE_URL: redis:',
    and: 'begins with rediss://',
  },
  'a Redis of an unknown authority': {
    env: () => byRedis(`rediss://127.0.0.1:${secure.port}`),
    says: 'STORE_URL: redis:',
    and: 'REDIS_CA_PATH',
  },
}

describe('one line, with the variable', () => {
  test.each(Object.entries(faults))('%s', async (_, { env, says, and = '', starts }) => {
    const setting = env()
    const [found, served] = await Promise.all([
      problemsOf(setting),
      starts ? undefined : run(['serve'], { ...setting, PORT: '0' }),
    ])
    expect(found).toHaveLength(1)
    expect(found[0]).toStartWith(says)
    expect(found[0]).toContain(and)
    if (!served) return
    // How far a connection to Redis came in its time may differ between two runs.
    const same = says.startsWith('STORE_URL: redis:') ? [says, and] : [found[0]!]
    for (const words of same) expect(served.stderr).toContain(words)
    expect(served.stderr).not.toContain('    at ')
    // A store that does not answer may do so later.
    expect(served.code).toBe(/^\w+: (?:sqlite|redis|postgres): /.test(found[0]!) ? 1 : 2)
  })
})

/** Nothing is asked there, because the file is a problem before. */
const syslog = () => ({ AUDIT_SIGNING_KEY: secret, AUDIT_SYSLOG_URL: 'tls://localhost' })

/** What a path needs beside it, so that it is looked at. */
const companions: Readonly<Record<string, () => Record<string, string>>> = {
  TLS_CERT_PATH: () => ({ TLS_KEY_PATH: at('key') }),
  TLS_KEY_PATH: () => ({ TLS_CERT_PATH: at('cert') }),
  REDIS_CA_PATH: () => ({ STORE_URL: secure.url }),
  KEYS_PATH: () => development,
  SMTP_CA_PATH: () => ({ SMTP_URL: `smtps://127.0.0.1:${freePort()}`, MAIL_FROM: 'a@example.com' }),
  AUDIT_SYSLOG_CA_PATH: syslog,
  AUDIT_SYSLOG_CERT_PATH: () => ({ ...syslog(), AUDIT_SYSLOG_KEY_PATH: at('key') }),
  AUDIT_SYSLOG_KEY_PATH: () => ({ ...syslog(), AUDIT_SYSLOG_CERT_PATH: at('cert') }),
  AUDIT_FILE: () => ({ AUDIT_SIGNING_KEY: secret }),
  MTLS_CA_PATH: () => ({ MUTUAL_TLS: 'true', TRUSTED_PROXIES: '127.0.0.1' }),
}
const paths = all
  .filter(({ name, schema }) => schema === is.path && name !== 'VAULT_KUBERNETES_TOKEN_PATH')
  .map(({ name }) => name)

test.each(paths)('%s below a file is one problem', async (name) => {
  const found = await problemsOf({ ...companions[name]?.(), [name]: at('text/none') })
  expect(found).toEqual([expect.stringContaining(`${name}: expected `)])
})

test('each file of a secret that is missing is one problem', async () => {
  const names = all.filter(({ secret: hidden }) => hidden).map(({ name }) => `${name}_FILE`)
  const env = Object.fromEntries(names.map((name) => [name, at('none')]))
  const found = await problemsOf({ ...env, SECRET_KEY: '', STORE_URL: '' })
  const said = names.map((name) =>
    found.filter((each) => each.startsWith(`${name}: expected a readable file`)),
  )
  expect(said.map((each) => each.length)).toEqual(names.map(() => 1))
})

test('a new database is a note, and nothing stays', async () => {
  const before = readdirSync(folder).length
  const { code, stdout } = await check({ STORE_URL: `sqlite:${at('fresh.db')}` })
  expect([code, existsSync(at('fresh.db')), readdirSync(folder).length]).toEqual([0, false, before])
  expect(stdout).toContain(`note: STORE_URL: ${at('fresh.db')} does not exist yet; the first start makes it`)
  const { stdout: json } = await run(['config', 'check', '--deep', '--json'], {
    STORE_URL: `sqlite:${at('fresh.db')}`,
  })
  expect((JSON.parse(json) as { notes: string[] }).notes.join('\n')).toContain('does not exist yet')
})

test('several faults are said together, each once', async () => {
  const env = {
    ...wide,
    HOST: '203.0.113.7',
    STORE_URL: `redis://127.0.0.1:${freePort()}`,
    OUTBOUND_CA_PATH: at('text'),
  }
  const { stdout, code } = await run(['config', 'check', '--deep', '--json'], env)
  const { ok, problems } = JSON.parse(stdout) as { ok: boolean; problems: string[] }
  expect([code, ok]).toEqual([2, false])
  expect(problems.map((each) => each.split(':', 1)[0])).toEqual(['HOST', 'STORE_URL', 'OUTBOUND_CA_PATH'])
})

describe('PORT', () => {
  test('in use by another program', async () => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('another') })
    const said = `PORT: port ${other.port} of 127.0.0.1 is in use`
    const env = { HOST: '127.0.0.1', PORT: `${other.port}` }
    expect(await problemsOf(env)).toEqual([expect.stringContaining(said)])
    const { code, stderr } = await run(['serve'], env)
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)])
    await other.stop(true)
  })

  test('in use by the provider that is checked is a note', async () => {
    const env = {
      ...production,
      STORE_URL: `sqlite:${at('served.db')}`,
      HOST: '127.0.0.1',
      PORT: `${freePort()}`,
    }
    const served = await spawnProvider(env)
    const { code, stdout } = await check(env)
    await served.stop()
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('note: PORT: a provider with this ISSUER_URL listens'),
    ])
  })

  test('that needs a right', async () => {
    const limited = ['setpriv', '--inh-caps=-net_bind_service', '--bounding-set=-net_bind_service']
    const start = (...args: string[]) => {
      const { exitCode, stderr } = Bun.spawnSync(
        [...(process.getuid?.() === 0 ? limited : []), ...latchkeyCommand, ...args],
        {
          cwd: folder,
          env: {
            PATH: process.env.PATH,
            HOME: folder,
            ...production,
            STORE_URL: `sqlite:${at('used.db')}`,
            HOST: '127.0.0.1',
            PORT: '81',
          },
        },
      )
      return { code: exitCode, stderr: stderr.toString() }
    }
    const said = expect.stringContaining('PORT: port 81 of 127.0.0.1 is for privileged processes')
    expect(start('config', 'check', '--deep')).toEqual({ code: 2, stderr: said })
    expect(start('serve')).toEqual({ code: 2, stderr: said })
  })
})

test('a certificate that has expired is a warning of a start', async () => {
  const env = {
    ...production,
    ...tls('expired', 'key'),
    STORE_URL: `sqlite:${at('served.db')}`,
    LOG_LEVEL: 'warn',
  }
  const served = await spawnProvider(env)
  await served.stop()
  expect(served.output()).toContain('"setting_fault"')
  expect(served.output()).toContain('TLS_CERT_PATH: expected a valid certificate, got one that has expired')
})
