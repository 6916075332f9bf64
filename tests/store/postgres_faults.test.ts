/** A PostgreSQL that does not serve us is named for what it is: wrong password, user, database, a full disk, a replica, no TLS. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test'
import { renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { freePort } from '../support/free_port.ts'
import { password, type PostgresServer, startPostgres } from '../support/postgres.ts'
import { provider } from '../support/provider.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: '20' } })
  url = server.database('main')
  await (await postgresStore(url, systemClock, { timeoutMs: 30_000 })).close()
  server.psql('CREATE ROLE bob LOGIN')
}, 60_000)
afterAll(() => server.stop())

/** A machine that is busy is slow and not down. */
const patient = { timeoutMs: 30_000, poolSize: 2 }
/** Nothing answers, so all of this time is waited. */
const brief = { timeoutMs: 2_000, poolSize: 2 }

const opened = (at: string, options = patient): Promise<string> =>
  postgresStore(at, systemClock, options).then(
    async (store) => {
      const said = await store.put('k', 'v').then(
        () => 'written',
        (error: Error) => error.message,
      )
      await store.close()
      return said
    },
    (error: Error) => {
      expect(error).toBeInstanceOf(StoreUnavailable)
      return error.message
    },
  )

const changed = (part: Partial<Record<'username' | 'password' | 'pathname' | 'host' | 'search', string>>) =>
  Object.assign(new URL(url), part).href

describe('the start says it', () => {
  test.each<[what: string, at: () => string, message: string, options: typeof brief]>([
    ['what is right works', () => url, 'written', patient],
    [
      'a Unix socket',
      () => url.replace(/@[^/]*(.*)$/, `@$1?host=${server.directory}&port=${server.port}`),
      'written',
      patient,
    ],
    [
      'a wrong password',
      () => changed({ password: 'wrong' }),
      'postgres: 28P01: the server refuses the user or the password',
      patient,
    ],
    [
      'an unknown user',
      () => changed({ username: 'eve' }),
      'postgres: 28P01: the server refuses the user or the password',
      patient,
    ],
    [
      'a database that is not there',
      () => changed({ pathname: '/none' }),
      'postgres: 3D000: the server does not have the database',
      patient,
    ],
    [
      'TLS to a server without',
      () => changed({ search: '?sslmode=require' }),
      'the server has no TLS, and sslmode of the URL asks for it',
      patient,
    ],
    [
      'no server',
      () => changed({ host: `127.0.0.1:${freePort()}` }),
      'nothing listens at the host and port of the URL',
      brief,
    ],
    [
      'a name without an address',
      () => changed({ host: 'none.invalid:5432' }),
      'the host of the URL has no address',
      brief,
    ],
  ])('%s', async (_, at, message, options) => expect(await opened(at(), options)).toContain(message), 60_000)

  test('a user without the right to create tables is told of the command', async () => {
    server.psql('ALTER DATABASE main CONNECTION LIMIT -1')
    server.database('bare')
    server.psql(`ALTER ROLE bob PASSWORD 'b'`)
    const said = await opened(changed({ username: 'bob', password: 'b', pathname: '/bare' }))
    expect(said).toContain('the tables have version 0 and this release needs 1')
    expect(said).toContain('latchkey store schema')
  })

  test('a user without rights on the tables', async () => {
    expect(await opened(changed({ username: 'bob', password: 'b' }))).toContain(
      'lacks a right that Latchkey needs',
    )
  })

  test('no connection is left', async () => {
    server.psql('ALTER ROLE latchkey CONNECTION LIMIT 0')
    expect(await opened(url, brief)).toContain('53300: the server has no connection left')
    server.psql('ALTER ROLE latchkey CONNECTION LIMIT -1')
  })

  test('tables of a newer release that this one cannot use', async () => {
    server.psql('UPDATE latchkey.schema_version SET version = 9, oldest = 8', 'main')
    expect(await opened(url)).toContain(
      'which a newer release made, and this release has 1: use a newer release',
    )
    server.psql('UPDATE latchkey.schema_version SET version = 9, oldest = 1', 'main')
    expect(await opened(url)).toBe('written')
    server.psql('UPDATE latchkey.schema_version SET version = 1', 'main')
  })
})

describe('while serving', () => {
  const served = async (at = url) => {
    const store = await postgresStore(at, systemClock, patient)
    await store.put('k', 'v')
    const op = await provider({ store })
    return { store, health: async () => (await op.fetch('/health')).status }
  }
  const saidBy = (store: Store) =>
    store.put('k', 'w').then(
      () => 'written',
      (error: Error) => error.message,
    )
  const cut = (database = 'main') =>
    server.psql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND pid <> pg_backend_pid()`,
    )

  test('a password that was changed is said at once by every verb, and the right one serves again', async () => {
    const { store, health } = await served()
    server.psql(`ALTER ROLE latchkey PASSWORD 'another'`)
    cut()
    await until(async () => (await saidBy(store)).includes('28P01'), 'the refusal')
    expect(await health()).toBe(503)
    server.psql(`ALTER ROLE latchkey PASSWORD '${password}'`)
    await until(async () => (await saidBy(store)) === 'written', 'the store to serve')
    expect(await health()).toBe(200)
    await store.close()
  }, 60_000)

  test('default_transaction_read_only: reads go on, writes and /health say so', async () => {
    const { store, health } = await served()
    server.psql('ALTER DATABASE main SET default_transaction_read_only = on')
    cut()
    await until(async () => (await saidBy(store)).includes('25006: the database is read-only'), 'the refusal')
    expect(await store.get('k')).toBe('v')
    expect(await health()).toBe(503)
    await expect(store.ping()).rejects.toMatchObject({ refusesWrites: true })
    server.psql('ALTER DATABASE main RESET default_transaction_read_only', 'postgres')
    cut()
    await until(async () => (await health()) === 200, 'the store to serve')
    await store.close()
  }, 60_000)

  test('tables that are gone are not made while serving: a restore may be about to bring them', async () => {
    const at = server.database('gone')
    const { store, health } = await served(at)
    server.psql('DROP SCHEMA latchkey CASCADE', 'gone')
    expect(await saidBy(store)).toContain('the database has no tables of Latchkey')
    expect(await health()).toBe(503)
    cut('gone')
    await until(
      async () => (await saidBy(store)).includes('no tables of Latchkey'),
      'the same after a new connection',
    )
    expect(server.psql(`SELECT count(*) FROM pg_namespace WHERE nspname = 'latchkey'`, 'gone')).toBe('0')
    await store.close()
  }, 60_000)

  test('a full disk: reads go on, writes and the probe of /health say so', async () => {
    const at = server.database('full')
    await (await postgresStore(at, systemClock, patient)).close()
    // Every write to /dev/full fails as on a full disk.
    const file = join(
      server.directory,
      'data',
      server.psql(`SELECT pg_relation_filepath('latchkey.entries')`, 'full'),
    )
    renameSync(file, `${file}.away`)
    symlinkSync('/dev/full', file)
    const store = await postgresStore(at, systemClock, patient)
    expect(await saidBy(store)).toBe('postgres: 53100: the disk of the server is full')
    expect(await store.get('k')).toBeUndefined()
    await expect(store.ping()).rejects.toThrow('53100')
    await store.close()
  }, 60_000)

  test('a closed store refuses', async () => {
    const { store } = await served()
    await store.close()
    expect(await saidBy(store)).toBe('postgres: the store is closed')
    await expect(store.get('k')).rejects.toThrow(StoreUnavailable)
  })
})

test('neither errors nor the console ever show the password', async () => {
  const secret = 'hunter2hunter2'
  const said: unknown[][] = []
  const spies = (['log', 'warn', 'error'] as const).map((name) =>
    spyOn(console, name).mockImplementation((...args) => void said.push(args)),
  )
  for (const at of [changed({ password: secret }), changed({ password: secret, host: '127.0.0.1:1' })]) {
    const error = await postgresStore(at, systemClock, { ...brief, timeoutMs: 200 }).then(
      String,
      (found: unknown) => found,
    )
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect(Bun.inspect(error, { depth: 9 })).not.toContain(secret)
  }
  for (const bad of [`postgres://u:${secret}@h:port/d`, `postgres://u:${secret}@h`, `x${secret}`]) {
    await expect(postgresStore(bad, systemClock)).rejects.toThrow('the PostgreSQL URL is not usable')
    await expect(postgresStore(bad, systemClock)).rejects.not.toThrow(secret)
  }
  for (const spy of spies) spy.mockRestore()
  expect(Bun.inspect(said, { depth: 9 })).not.toContain(secret)
})

test('variables of other programs change nothing', async () => {
  const others = {
    PGHOST: '127.0.0.2',
    PGPORT: '1',
    PGUSER: 'x',
    PGDATABASE: 'template1',
    PGPASSWORD: 'x',
    PGSSLMODE: 'require',
    PGOPTIONS: '-c search_path=x',
    DATABASE_URL: 'postgres://x@127.0.0.2:1/x?sslmode=verify-full',
    TLS_DATABASE_URL: 'postgres://x@127.0.0.2:1/x',
  }
  const before = { ...process.env }
  Object.assign(process.env, others)
  try {
    expect(await opened(url)).toBe('written')
  } finally {
    for (const name of Object.keys(others)) delete process.env[name]
    Object.assign(process.env, before)
  }
})

describe('TLS', () => {
  let secure: PostgresServer
  let own: Certificate
  let other: Certificate
  let at: string
  beforeAll(async () => {
    own = makeCertificate()
    other = makeCertificate()
    secure = await startPostgres({
      tls: { cert: own.certPath, key: own.keyPath },
      rules: 'hostssl all all 127.0.0.1/32 scram-sha-256\n',
    })
    at = secure.database('safe')
  }, 60_000)
  afterAll(async () => {
    await secure.stop()
    for (const made of [own, other]) made.remove()
  })

  test.each<[query: string, ca: () => string | undefined, said: string]>([
    ['?sslmode=require', () => undefined, 'written'],
    ['?sslmode=require', () => own.pem, 'written'],
    ['', () => own.pem, 'written'],
    ['?sslmode=verify-full&channel_binding=require', () => own.pem, 'written'],
    ['?sslmode=require', () => other.pem, 'Name the file of its authority in POSTGRES_CA_PATH'],
    ['?sslmode=verify-full', () => undefined, 'Name the file of its authority in POSTGRES_CA_PATH'],
    ['?sslmode=disable', () => undefined, '28000: the server does not accept this user from here'],
    ['', () => undefined, '28000: the server does not accept this user from here'],
  ])(
    '%s',
    async (query, ca, said) => {
      const caCert = ca()
      expect(
        await opened(`${at}${query}`, { ...patient, ...(caCert !== undefined && { caCert }) }),
      ).toContain(said)
    },
    60_000,
  )

  test('a certificate for another name', async () => {
    const elsewhere = at.replace('127.0.0.1', '127.0.0.2')
    const said = await opened(`${elsewhere}?sslmode=verify-full`, {
      ...patient,
      caCert: own.pem,
    } as typeof patient)
    expect(said).toContain('the certificate of the server is for another host')
  }, 60_000)

  test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not turn the check off', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      expect(await opened(`${at}?sslmode=verify-full`)).toContain('POSTGRES_CA_PATH')
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
  }, 60_000)
})
