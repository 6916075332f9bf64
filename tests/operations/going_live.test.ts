/** `config check --deploy`: a good deployment has no finding, and each row of the table is found by a fault that it alone names. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync } from 'node:fs'
import { rows } from '../../src/cli/deploy_check/table.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { LastBackup } from '../../src/models/last_backup.ts'
import { Realm } from '../../src/models/realm.ts'
import { commandLine } from '../support/command.ts'
import { anchorsOf, document } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { redisCli } from '../support/redis.ts'
import {
  at,
  behindProxy,
  check,
  daysAgo,
  development,
  elsewhere,
  type Fault,
  fileOf,
  folder,
  good,
  headers,
  host,
  issue,
  keysOf,
  memoryOf,
  ofAnotherServer,
  postgres,
  postgresUrl,
  quiet,
  redis,
  redisUrl,
  secret,
  secrets,
  startGood,
  stopGood,
  storeWith,
  unreachable,
  unsafePostgres,
  weak,
  withTables,
} from '../support/good_deployment.ts'

beforeAll(startGood, 240_000)
afterAll(stopGood)

/** For each row a fault; `also` has what follows from the same fault. */
const faults: Readonly<Record<string, Fault | (() => Fault | Promise<Fault>)>> = {
  settings_work: { env: { GEOIP_DATABASE_PATH: '/nowhere.mmdb' } },
  production: { env: { ...development, ...behindProxy, ISSUER_URL: 'http://localhost:1' }, also: quiet },
  https: {
    env: { ...development, ...behindProxy, ISSUER_URL: `http://${host}:1` },
    also: ['production', 'development_issuer', ...quiet],
  },
  lasting_store: {
    env: { ...development, STORE_URL_FILE: '', KEYS_PATH: at('keys') },
    also: ['production', 'development_issuer'],
  },
  secrets_differ: {
    env: { AUDIT_SIGNING_KEY_FILE: '', AUDIT_SIGNING_KEY: secrets.backup },
    also: ['secrets_apart'],
  },
  audit_key_strength: () => ({ env: { AUDIT_SIGNING_KEY_FILE: fileOf('weak_audit', weak) } }),
  token_strength: () => ({ env: { METRICS_TOKEN_FILE: fileOf('weak_token', weak) } }),
  secrets_apart: { env: { METRICS_TOKEN_FILE: '', METRICS_TOKEN: secrets.metrics } },
  trusted_networks: { env: { TRUSTED_PROXIES: '0.0.0.0/1,128.0.0.0/1' } },
  redis_password: () => ({
    env: { ...redisUrl(`rediss://${elsewhere}`), ...unreachable },
    also: ['settings_work'],
  }),
  hsts: { env: { HSTS: 'off' }, served: () => ({ ...headers, 'strict-transport-security': undefined }) },
  audit: { env: { AUDIT_SIGNING_KEY_FILE: '' } },
  mail: { env: { SMTP_URL_FILE: '' } },
  mail_encrypted: { env: { SMTP_ALLOW_PLAINTEXT: 'true' } },
  backup_key: { env: { BACKUP_KEY_FILE: '' } },
  store_encryption: async () => ({ env: await storeWith('plain', async () => {}) }),
  metrics: { env: { METRICS_TOKEN_FILE: '' } },
  outbound_exemptions: { env: { OUTBOUND_ALLOW_HOSTS: '10.0.0.1:443' } },

  development_issuer: { env: development, also: ['production'] },
  development_host: { env: { ...development, HOST: '0.0.0.0' }, also: ['production', 'development_issuer'] },
  loopback_issuer: { env: { ...behindProxy, ISSUER_URL: 'http://localhost:1' }, also: quiet },
  no_trusted_proxies: { env: { ...behindProxy, TRUSTED_PROXIES: '' } },
  proxy_here_alone: { env: { ...behindProxy, TRUSTED_PROXIES: 'loopback', HOST: '0.0.0.0' } },
  plain_http: { env: { ...behindProxy, PLAIN_HTTP_FROM: 'anywhere', HOST: '0.0.0.0' } },
  old_ciphers: { env: { TLS_CIPHERS: 'AES128-GCM-SHA256' } },
  http_issuer_with_tls: {
    env: { ...development, PORT: '0', ISSUER_URL: `http://${host}:1` },
    also: ['production', 'https', 'development_issuer', ...quiet],
  },
  rate_limiting: { env: { RATE_LIMITING_ENABLED: 'false' } },
  open_registration: { env: { REGISTRATION: 'open' } },
  unverified_redirect: { env: { REGISTRATION: 'token', UNVERIFIED_CLIENTS_REDIRECT: 'at_once' } },
  unverified_logos: { env: { UNVERIFIED_CLIENT_LOGOS: 'true' } },
  redis_plain: () => ({
    env: { ...redisUrl(`redis://:word@${elsewhere}`), ...unreachable },
    also: ['settings_work'],
  }),
  postgres_plain: () => ({
    env: { ...postgresUrl(`postgres://u:p@${elsewhere}/d?sslmode=disable`), ...unreachable },
    also: ['settings_work'],
  }),
  postgres_unverified: () => ({
    env: { ...postgresUrl(`postgres://u:p@${elsewhere}/d?sslmode=require`), ...unreachable },
    also: ['settings_work'],
  }),
  key_activation: { env: { KEY_ACTIVATION_DELAY: '30', JWKS_MAX_AGE: '25' } },
  former_secrets: () => ({
    env: { SECRET_KEY_FILE: fileOf('two_keys', JSON.stringify([secrets.key, secret()])) },
  }),
  key_rotation: { env: { KEY_ROTATION_INTERVAL: '0' } },
  refresh_grace: { env: { REFRESH_TOKEN_GRACE: '0' } },
  fapi2_code_ttl: { env: { PROFILE: 'fapi2', AUTHORIZATION_CODE_TTL: '61' } },
  sign_in_attempts: { env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000' } },
  lab: { env: { LAB: 'true' } },
  log_level: { env: { LOG_LEVEL: 'debug' } },

  tls_chain: () => ({ env: { ...issue({ host }), OUTBOUND_CA_PATH: '' }, also: ofAnotherServer }),
  tls_expiry: () => ({ env: issue({ host, days: 3 }), also: ofAnotherServer }),
  issuer_answers: () => ({ env: { ...behindProxy, ISSUER_URL: `https://${host}:${freePort()}` } }),
  served_certificate: { env: { ...behindProxy, OUTBOUND_CA_PATH: '' } },
  served_issuer: { issuer: 'https://another.example.test' },
  served_headers: { served: () => ({ ...headers, 'x-content-type-options': undefined }) },
  account_of_the_process: { machine: { uid: 0 } },
  bun_version: { machine: { bunVersion: '1.2.0' } },
  memory_limit: { machine: { memoryLimit: undefined } },
  little_memory: { machine: { memoryLimit: 134_217_728 } },

  key_files: () => {
    const env = issue({ host })
    chmodSync(env.TLS_KEY_PATH!, 0o644)
    return { env, also: ofAnotherServer }
  },
  settings_file: () => {
    const before = process.cwd()
    process.chdir(folder)
    fileOf('.env', 'PORT=1', 0o644)
    return { fromDotenv: true, after: () => process.chdir(before) }
  },
  secret_files: () => ({ env: { METRICS_TOKEN_FILE: fileOf('open_token', secrets.metrics, 0o644) } }),
  log_file: () => ({ env: { LOG_FILE: fileOf('open.log', '', 0o644) } }),

  demo_data: async () => ({
    env: await storeWith('demo', (store) => store.put('user:user-alice', '{}')),
    also: ['store_encryption'],
  }),
  store_evicts: () => {
    redisCli(redis.port, 'config', 'set', 'maxmemory-policy', 'allkeys-lru')
    return {
      env: { ...redisUrl(redis.url), REDIS_EVICTION: 'allow' },
      also: ['store_on_disk', 'store_rights'],
      after: () => redisCli(redis.port, 'config', 'set', 'maxmemory-policy', 'noeviction'),
    }
  },
  store_loses_writes: async () => ({
    env: await withTables(unsafePostgres.database('unsafe')),
  }),
  store_on_disk: () => ({ env: redisUrl(redis.url), also: ['store_rights'] }),
  store_settings: () => {
    redisCli(redis.port, 'acl', 'setuser', 'plain', 'on', '>word', '~*', '&*', '+@all', '-info')
    return { env: redisUrl(`redis://plain:word@127.0.0.1:${redis.port}`) }
  },
  store_user: async () => {
    const env = await withTables(postgres.database('super'))
    postgres.psql('ALTER USER latchkey SUPERUSER')
    return { env, after: () => postgres.psql('ALTER USER latchkey NOSUPERUSER') }
  },
  store_rights: () => {
    redisCli(redis.port, 'config', 'set', 'appendonly', 'yes')
    return {
      env: redisUrl(redis.url),
      after: () => redisCli(redis.port, 'config', 'set', 'appendonly', 'no'),
    }
  },
  backup_taken: async () => ({
    env: await storeWith('old_backup', async (store) => {
      await store.link('clients', 'one', 1)
      await LastBackup.put(memoryOf(store), { made_at: daysAgo(3), contents: 'everything' })
    }),
    also: ['store_encryption'],
  }),
  key_age: async () => ({
    env: await storeWith('old_keys', async (store) => {
      const [entry] = await keysOf(store)
      await store.put(
        'key_ring',
        JSON.stringify({ keys: [{ ...entry, created_at: daysAgo(500) }], retired: [] }),
      )
    }),
    also: ['store_encryption'],
  }),
  realm_settings: () => withRealm('unusable', { ACCESS_TOKEN_TTL: '0' }),
  realm_demo: () => withRealm('demo', {}, { demo: true }),
  realm_lab: () => withRealm('taught', { LAB: 'true' }),
}

/** A realm that commands refuse to make, or that was made elsewhere. */
const withRealm = async (
  name: string,
  settings: Record<string, string>,
  more: { demo?: boolean } = {},
): Promise<Fault> => ({
  env: {
    ...(await storeWith(`realm_${name}`, (store) =>
      Realm.create(memoryOf(store), systemRandom, { name, settings, ...more }),
    )),
    REALMS: 'true',
  },
  also: ['store_encryption'],
})

test('each row has a fault', () => {
  expect(Object.keys(faults).toSorted()).toEqual(rows.map(({ name }) => name).toSorted())
})

test('a good deployment has no finding', async () => {
  expect(await check()).toEqual([])
}, 60_000)

test.each(Object.entries(faults))(
  '%s',
  async (name, given) => {
    const fault = typeof given === 'function' ? await given() : given
    try {
      const found = await check(fault)
      const names = new Set(found.map((each) => each.name))
      expect([...names].toSorted()).toEqual([name, ...(fault.also ?? [])].toSorted())
      for (const each of found) expect(each.found).not.toContain(secrets.key)
    } finally {
      await fault.after?.()
    }
  },
  60_000,
)

test('the links lead to headings, and docs/going_live.md lists each row', () => {
  for (const { name, link } of rows) {
    const [file, anchor] = link.split('#')
    expect(anchorsOf(document(`docs/${file}`)), `${name}: docs/${link}`).toContain(anchor!)
  }
  const cells = document('docs/going_live.md')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((line) => line.length > 5 && line[1]!.startsWith('`'))
    .map((line) => line.slice(1, 6))
  expect(cells).toEqual(
    rows.map(({ name, level, expected, link, source }) => [
      `\`${name}\``,
      level,
      expected,
      `[${link.split('#')[0]}](${link})`,
      source,
    ]),
  )
})

describe('the command', () => {
  const run = async (env: Record<string, string>, ...more: string[]) => {
    const all = Object.entries({ ...good, ...env }).filter(([, value]) => value !== '')
    const line = commandLine(Object.fromEntries(all))
    const ran = await line.latchkey(['config', 'check', '--deploy', ...more])
    line.remove()
    return ran
  }

  test('exit code 0 without an error, and JSON for a pipeline', async () => {
    const { code, stdout } = await run({ METRICS_TOKEN_FILE: '' }, '--json')
    const facts = JSON.parse(stdout) as { ok: boolean; checks: number; findings: Record<string, string>[] }
    expect({ code, ok: facts.ok, checks: facts.checks }).toEqual({ code: 0, ok: true, checks: rows.length })
    const found = facts.findings.find(({ name }) => name === 'metrics')!
    expect(Object.keys(found).toSorted()).toEqual(
      ['expected', 'found', 'level', 'link', 'mend', 'name', 'source'].toSorted(),
    )
    expect(facts.findings.map(({ level }) => level)).not.toContain('error')
  })

  test('exit code 1 with an error, in words with the next step and no secret', async () => {
    const { code, stdout, stderr } = await run({ RATE_LIMITING_ENABLED: 'false' })
    expect(code).toBe(1)
    expect(stderr).toContain('latchkey: a finding is an error')
    expect(stdout).toStartWith('ERROR: do not go live with this\n\n  rate_limiting: ')
    expect(stdout).toContain('mend      remove RATE_LIMITING_ENABLED')
    for (const value of Object.values(secrets)) expect(stdout + stderr).not.toContain(value)
  })

  test('exit code 2 for settings that do not load, as without --deploy', async () => {
    const { code, stdout } = await run({ PORT: 'none' }, '--json')
    expect({ code, stdout: JSON.parse(stdout) }).toMatchObject({ code: 2, stdout: { ok: false } })
    expect((await run({}, '--changed')).code).toBe(2)
  })
})
