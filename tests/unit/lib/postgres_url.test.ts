/** The forms of a PostgreSQL URL, and what is refused. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS */
import { expect, test } from 'bun:test'
import { loadConfig } from '../../../src/config.ts'
import { parsePostgresUrl, type PostgresTarget, sslModeOf } from '../../../src/lib/postgres_url.ts'
import { warningsAbout } from '../../../src/cli/config_warnings.ts'

const local = { hosts: [{ host: 'h', port: 5432 }], username: 'u', database: 'd' }

test.each<[url: string, target: PostgresTarget]>([
  ['postgres://u@h/d', local],
  ['postgresql://u@h:5432/d', local],
  ['postgres://u:p%40%3A%2F@h/d', { ...local, password: 'p@:/' }],
  ['postgres://%75@h/%64', local],
  [
    'postgres://u@one,two:6432,[::1]:1/d?target_session_attrs=read-write',
    {
      ...local,
      hosts: [
        { host: 'one', port: 5432 },
        { host: 'two', port: 6432 },
        { host: '::1', port: 1 },
      ],
    },
  ],
  ['postgres://u@/d?host=/run/postgresql', { ...local, hosts: [{ host: '/run/postgresql', port: 5432 }] }],
  ['postgres://u@/d?host=%2Frun&port=6000', { ...local, hosts: [{ host: '/run', port: 6000 }] }],
  [
    'postgres://u@h/d?sslmode=verify-full&channel_binding=require',
    { ...local, sslMode: 'verify-full', channelBinding: 'require' },
  ],
])('%s', (url, target) => expect(parsePostgresUrl(url)).toEqual(target))

test.each([
  ['postgres://h/d', 'the user is missing'],
  ['postgres://u@h', 'the name of the database is missing'],
  ['postgres://u@/d', 'the host is missing'],
  ['postgres://u@h:99999/d', 'a host is not host:port'],
  ['postgres://u@a,/d', 'a host is not host:port'],
  ['postgres://u@h/d?host=/run', 'it names a host twice'],
  ['postgres://u@/d?host=run', 'host= is the directory of a Unix socket'],
  ['postgres://u@/d?host=/run&port=x', 'its port is not a number'],
  ['postgres://u@h/d?sslmode=prefer', 'sslmode is not one of disable, require, verify-full'],
  ['postgres://u@h/d?sslmode=constructor', 'sslmode is not one of'],
  ['postgres://u@h/d?target_session_attrs=any', 'target_session_attrs is not one of read-write, primary'],
  ['postgres://u@h/d?pgbouncer=true', 'its query has a parameter other than sslmode'],
  ['postgres://u:%zz@h/d', 'a % in it is not followed by two hexadecimal digits'],
  ['postgres://u@h/d#f', 'it has another form'],
])('the configuration refuses %s: %s', (url, why) =>
  expect(() => loadConfig({ STORE_URL: url })).toThrow(`STORE_URL: the PostgreSQL URL is not usable: ${why}`),
)

test('a certificate authority is there to be checked, unless the URL turns TLS off', () => {
  const mode = (query: string, hasCa: boolean) =>
    sslModeOf(parsePostgresUrl(`postgres://u@h/d${query}`), hasCa)
  expect(['', '?sslmode=require', '?sslmode=disable'].map((query) => mode(query, true))).toEqual([
    'verify-full',
    'verify-full',
    'disable',
  ])
  expect(['', '?sslmode=require', '?sslmode=verify-full'].map((query) => mode(query, false))).toEqual([
    'disable',
    'require',
    'verify-full',
  ])
  const contradiction = { STORE_URL: 'postgres://u@h/d?sslmode=disable', POSTGRES_CA_PATH: 'ca.pem' }
  expect(() => loadConfig(contradiction)).toThrow('POSTGRES_CA_PATH: expected a PostgreSQL over TLS')
  expect(() => loadConfig({ POSTGRES_CA_PATH: 'ca.pem' })).toThrow('POSTGRES_CA_PATH: expected')
})

test.each([
  ['postgres://u@db.example/d', {}, 'the PostgreSQL connection is not encrypted and leaves this machine'],
  ['postgres://u@localhost,db.example/d', {}, 'the PostgreSQL connection is not encrypted'],
  ['postgres://u@db.example/d?sslmode=require', {}, 'encrypts the connection to whatever server answers'],
  ['postgres://u@db.example/d?sslmode=require', { POSTGRES_CA_PATH: 'ca.pem' }, undefined],
  ['postgres://u@db.example/d?sslmode=verify-full', {}, undefined],
  ['postgres://u@127.0.0.1/d', {}, undefined],
  ['postgres://u@/d?host=/run/postgresql', {}, undefined],
])('config check warns of %s %j: %s', (url, env: Record<string, string>, words) => {
  const about = warningsAbout(loadConfig({ STORE_URL: url, ...env })).filter((text) =>
    /PostgreSQL|sslmode/.test(text),
  )
  if (words === undefined) expect(about).toEqual([])
  else expect(about).toEqual([expect.stringContaining(words)])
})
