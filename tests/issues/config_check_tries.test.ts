/** `config check --deep` tries what the settings name, and the problem begins with the variable to mend. Issue 9, 45. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createPrivateKey } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from '../support/certificate.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-deep-'))
const at = (name: string): string => join(folder, name)
const secret = 'Zk9vQ2h1bXBTdGF0aWM3NDEyOTgzNkxhdGNoa2V5RGVlcENoZWNr'
const production = {
  NODE_ENV: 'production',
  ISSUER_URL: 'https://localhost',
  SECRET_KEY: secret,
  LOG_LEVEL: 'error',
}
let redis: RedisServer
let postgres: PostgresServer

beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([
    startRedis({ password: 'right' }),
    startPostgres({ settings: { fsync: 'on' } }),
  ])
  writeFileSync(at('text'), 'no certificate and no database, but some text that is long enough to look at')
  mkdirSync(at('directory'))
  const [own, other] = [makeCertificate(), makeCertificate()]
  for (const [name, path] of Object.entries({
    cert: own.certPath,
    key: own.keyPath,
    other_key: other.keyPath,
  }))
    copyFileSync(path, at(name))
  const sealed = createPrivateKey(readFileSync(own.keyPath)).export({
    ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'words' },
  })
  writeFileSync(at('sealed_key'), sealed)
  for (const made of [own, other]) made.remove()
})
afterAll(async () => {
  await redis.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

const check = (env: Record<string, string>) =>
  commandLine({ ...production, STORE_URL: `sqlite:${at('fresh.db')}`, ...env }).latchkey([
    'config',
    'check',
    '--deep',
  ])

test('what works is ok, and no file is made', async () => {
  const { code, stdout, stderr } = await check({})
  expect(stderr).not.toContain('latchkey:')
  expect(stdout).toEndWith('ok\n')
  expect(code).toBe(0)
  expect(existsSync(at('fresh.db'))).toBe(false)
})

test('of a PostgreSQL without tables it is tried whether they could be made, and of one with tables all', async () => {
  const env = { STORE_URL: postgres.database('deep'), STORE_TIMEOUT_MS: '30000' }
  const schemas = () => postgres.psql(`SELECT count(*) FROM pg_namespace WHERE nspname = 'latchkey'`, 'deep')
  expect(await check(env)).toMatchObject({ code: 0 })
  expect(schemas()).toBe('0')
  expect((await commandLine({ ...production, ...env }).latchkey(['keys', 'generate'])).code).toBe(0)
  const rows = () => postgres.psql('SELECT count(*) FROM latchkey.entries', 'deep')
  const before = rows()
  expect(await check(env)).toMatchObject({ code: 0 })
  expect(rows()).toBe(before)
  const { code, stderr } = await check({ ...env, SECRET_KEY: secret.split('').reverse().join('') })
  expect(stderr).toContain('not sealed with this SECRET_KEY')
  expect(code).toBe(2)
}, 120_000)

/** The whole time is waited; a busy machine needs it to learn what is wrong. */
const patient = { STORE_TIMEOUT_MS: '8000' }
const elsewhere = { HOST: '203.0.113.7', TRUSTED_PROXIES: '203.0.113.0/24' }

const faults: Record<string, [env: () => Record<string, string>, problem: string]> = {
  'an address of another machine': [
    () => elsewhere,
    'HOST: expected an address of this machine, got 203.0.113.7',
  ],
  'a certificate that is none': [
    () => ({ TLS_CERT_PATH: at('text'), TLS_KEY_PATH: at('key') }),
    'TLS_CERT_PATH: ',
  ],
  'a key of another certificate': [
    () => ({ TLS_CERT_PATH: at('cert'), TLS_KEY_PATH: at('other_key') }),
    'TLS_CERT_PATH: expected the certificate of the key in TLS_KEY_PATH',
  ],
  'a key with a passphrase': [
    () => ({ TLS_CERT_PATH: at('cert'), TLS_KEY_PATH: at('sealed_key') }),
    'TLS_KEY_PATH: expected a private key in PEM without passphrase',
  ],
  'a certificate for another host': [
    () => ({ ISSUER_URL: 'https://id.example.com', TLS_CERT_PATH: at('cert'), TLS_KEY_PATH: at('key') }),
    'TLS_CERT_PATH: expected a certificate for id.example.com',
  ],
  'an authority that is none': [
    () => ({ STORE_URL: `rediss://127.0.0.1:${redis.port}`, REDIS_CA_PATH: at('text') }),
    'REDIS_CA_PATH: ',
  ],
  'a directory as a database': [
    () => ({ STORE_URL: `sqlite:${at('directory')}` }),
    'STORE_URL: sqlite: EISDIR: the path is a directory',
  ],
  'a file that is no database': [
    () => ({ STORE_URL: `sqlite:${at('text')}` }),
    'STORE_URL: sqlite: SQLITE_NOTADB: the file is not an SQLite database',
  ],
  'a directory that is not there': [() => ({ STORE_URL: `sqlite:${at('none/x.db')}` }), 'STORE_URL: '],
  'a wrong password': [
    () => ({ ...patient, STORE_URL: '', REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` }),
    'REDIS_URL: redis: no connection (WRONGPASS',
  ],
  'a wrong password of PostgreSQL': [
    () => ({ ...patient, STORE_URL: `postgres://latchkey:wrong@127.0.0.1:${postgres.port}/postgres` }),
    'STORE_URL: postgres: 28P01: the server refuses the user or the password',
  ],
  'an authority of PostgreSQL that is none': [
    () => ({ STORE_URL: `postgres://u@127.0.0.1:${postgres.port}/d`, POSTGRES_CA_PATH: at('text') }),
    'POSTGRES_CA_PATH: ',
  ],
  'an unreachable Redis': [
    () => ({ ...patient, STORE_URL: `redis://127.0.0.1:${freePort()}` }),
    'STORE_URL: redis: no connection (ECONNREFUSED',
  ],
  'a private key that is none': [() => ({ PRIVATE_KEY_PATH: at('text') }), 'PRIVATE_KEY_PATH: '],
}

test.each(Object.entries(faults))(
  '%s',
  async (_, [env, problem]) => {
    const { code, stderr } = await check(env())
    expect(stderr).toContain(problem)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(2)
  },
  60_000,
)

test.each(['false', 'true'])(
  'another SECRET_KEY than that of the keys, STORE_ENCRYPTION=%s',
  async (encryption) => {
    const env = { STORE_URL: `sqlite:${at(`used-${encryption}.db`)}`, STORE_ENCRYPTION: encryption }
    expect((await commandLine({ ...production, ...env }).latchkey(['keys', 'generate'])).code).toBe(0)
    expect((await check(env)).code).toBe(0)
    const { code, stderr } = await check({ ...env, SECRET_KEY: secret.split('').reverse().join('') })
    expect(stderr).toContain('SECRET_KEY: the')
    expect(stderr).toContain('not sealed with this SECRET_KEY')
    expect(code).toBe(2)
  },
)

test('without --deep nothing outside is asked', async () => {
  const env = { ...production, STORE_URL: `sqlite:${at('directory')}`, ...elsewhere }
  expect((await commandLine(env).latchkey(['config', 'check'])).code).toBe(0)
})

test.each<[string, () => Record<string, string>, string]>([
  [
    'an address of another machine',
    () => elsewhere,
    'HOST: expected an address of this machine, got 203.0.113.7',
  ],
  [
    'a key of another certificate',
    () => ({ TLS_CERT_PATH: at('cert'), TLS_KEY_PATH: at('other_key') }),
    `TLS_KEY_PATH=${at('other_key')}`,
  ],
])('serve with %s names the variables, and the command that tries them', async (_, env, named) => {
  const line = commandLine({ ...production, STORE_URL: `sqlite:${at('served.db')}`, PORT: '0', ...env() })
  const { code, stderr } = await line.latchkey(['serve'])
  expect(stderr).toContain(named)
  expect(stderr).toContain('latchkey config check --deep')
  expect(code).toBe(2)
})
