/** Configuration: accepted and refused values; one error lists all problems, and no error contains a secret. */
import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import {
  type Config,
  ConfigError,
  defineEntries,
  featureConfig,
  loadConfig,
  type LoadOptions,
} from '../../src/config.ts'
import type { Env } from '../../src/config/read.ts'
import { differsByAtMost } from '../../src/lib/nearest.ts'
import { entries } from '../../src/config/variables.ts'

const strongKey = 'q8Zt0LxWv3nRk6YbUe2HsJp9McFd5GaT7ViXo4Bw'
const production = { NODE_ENV: 'production', ISSUER_URL: 'https://id.example', SECRET_KEY: strongKey }

function problems(env: Env, options?: LoadOptions): readonly string[] {
  try {
    loadConfig(env, options)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('defaults', () => {
  test('development needs nothing', () => {
    expect(loadConfig({})).toMatchObject({
      environment: 'development',
      host: 'localhost',
      issuer: 'http://localhost:5000',
      store: { kind: 'memory' },
      privateKeyPath: 'keys/private.pem',
      publicKeyPath: 'keys/public.pem',
      accessTokenAudience: 'http://localhost:5000',
      registration: 'open',
      rateLimitingEnabled: false,
      logFormat: 'text',
      signInConcurrency: Math.max(1, availableParallelism() - 1),
      trustedProxies: [],
      scopes: [],
    })
    expect(loadConfig({ NODE_ENV: 'test' })).toEqual(loadConfig({}))
  })

  test('production needs an issuer and a key, and has no default of development', () => {
    expect(problems({ NODE_ENV: 'production' })).toEqual([
      expect.stringMatching(/^ISSUER_URL: required in production\. .*https/),
      expect.stringMatching(/^SECRET_KEY: required in production\. .*openssl rand/),
    ])
    expect(loadConfig(production)).toMatchObject({
      environment: 'production',
      host: '127.0.0.1',
      issuer: 'https://id.example',
      store: { kind: 'sqlite', path: './latchkey.db' },
      privateKeyPath: undefined,
      publicKeyPath: undefined,
      registration: 'closed',
      rateLimitingEnabled: true,
      logFormat: 'json',
    })
  })

  test('an empty variable is an unset one', () => {
    const empty = Object.fromEntries(
      entries.flatMap(({ name }) => [
        [name, ''],
        [`${name}_FILE`, ''],
      ]),
    )
    expect(loadConfig(empty)).toEqual(loadConfig({}))
  })

  test('deeply frozen', () => {
    const config = loadConfig({
      TLS_CERT_PATH: 'c',
      TLS_KEY_PATH: 'k',
      TRUSTED_PROXIES: 'loopback',
      SCOPES: 'a b',
    })
    for (const part of [
      config,
      config.store,
      config.tls,
      config.trustedProxies,
      config.trustedProxies[0],
      config.scopes,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('every field has the value of its variable', () => {
  const taken: [env: Env, field: keyof Config, value: unknown][] = [
    [{ PORT: '0' }, 'port', 0],
    [{ PORT: '8443' }, 'issuer', 'http://localhost:8443'],
    [{ TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'k' }, 'issuer', 'https://localhost:5000'],
    [{ TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'k' }, 'tls', { certPath: 'c', keyPath: 'k' }],
    [{ HOST: '::1' }, 'host', '::1'],
    [{ ISSUER_URL: 'https://ID.example:443/realms/a//' }, 'issuer', 'https://id.example/realms/a'],
    [{ ISSUER_URL: 'http://10.0.0.1:81/' }, 'issuer', 'http://10.0.0.1:81'],
    [{ ...production, ISSUER_URL: 'http://localhost:5000' }, 'issuer', 'http://localhost:5000'],
    [{ ...production, ISSUER_URL: 'http://[::1]:5000' }, 'issuer', 'http://[::1]:5000'],
    [{ ISSUER_URL: 'https://id.example/' }, 'accessTokenAudience', 'https://id.example'],
    [{ STORE_URL: 'sqlite:/var/lib/l k.db' }, 'store', { kind: 'sqlite', path: '/var/lib/l k.db' }],
    [{ REDIS_URL: 'redis://:p@h:1/0' }, 'store', { kind: 'redis', url: 'redis://:p@h:1/0' }],
    [{ STORE_URL: 'rediss://h', REDIS_URL: 'rediss://h' }, 'store', { kind: 'redis', url: 'rediss://h' }],
    [
      { REDIS_URL: 'redis+sentinel://a:1,b:2/main' },
      'store',
      { kind: 'redis', url: 'redis+sentinel://a:1,b:2/main' },
    ],
    [{ STORE_URL: 'rediss+cluster://a:1,b:2' }, 'store', { kind: 'redis', url: 'rediss+cluster://a:1,b:2' }],
    [{ REDIS_URL: 'rediss://h', REDIS_CA_PATH: 'ca.pem' }, 'redisCaPath', 'ca.pem'],
    [{ STORE_URL: 'postgres://u:p@h/d' }, 'store', { kind: 'postgres', url: 'postgres://u:p@h/d' }],
    [{ STORE_URL: 'postgres://u:p@h/d', POSTGRES_CA_PATH: 'ca.pem' }, 'postgresCaPath', 'ca.pem'],
    [{ POSTGRES_POOL_SIZE: '3' }, 'postgresPoolSize', 3],
    [{ STORE_ENCRYPTION: 'Yes' }, 'storeEncryption', 'true'],
    [{ STORE_ENCRYPTION: 'migrate' }, 'storeEncryption', 'migrate'],
    [{ RATE_LIMITING_ENABLED: 'TRUE' }, 'rateLimitingEnabled', true],
    [{ ...production, RATE_LIMITING_ENABLED: '0' }, 'rateLimitingEnabled', false],
    [{ KEYS_PATH: '/k' }, 'privateKeyPath', '/k/private.pem'],
    [{ JWKS_MAX_AGE: '595' }, 'jwksMaxAge', 595],
    [{ CORS_ALLOWED_ORIGINS: '*' }, 'corsAllowedOrigins', ['*']],
    [
      { CORS_ALLOWED_ORIGINS: 'https://a.example, http://b:81,https://a.example' },
      'corsAllowedOrigins',
      ['https://a.example', 'http://b:81'],
    ],
    [{ ACCESS_TOKEN_ALG: 'EdDSA' }, 'accessTokenAlg', 'EdDSA'],
    [{ AUTHORIZATION_CODE_TTL: '600' }, 'authorizationCodeTtl', 600],
    [{ REFRESH_TOKEN_GRACE: '0' }, 'refreshTokenGrace', 0],
    [{ SCOPES: ' api:read  api:write ' }, 'scopes', ['api:read', 'api:write']],
    [{ SIGN_IN_CONCURRENCY: '7' }, 'signInConcurrency', 7],
    [
      { REGISTRATION_ALLOWED_GRANT_TYPES: 'urn:ietf:params:oauth:grant-type:device_code' },
      'registrationAllowedGrantTypes',
      ['urn:ietf:params:oauth:grant-type:device_code'],
    ],
  ]
  test.each(taken)('%j → %s', (env, field, value) => {
    expect(loadConfig(env)[field]).toEqual(value as never)
  })

  test('trusted proxies become networks', () => {
    expect(loadConfig({ TRUSTED_PROXIES: '10.0.0.0/8, ::1 loopback' }).trustedProxies).toHaveLength(4)
  })
})

describe('refused, with what was expected and what came', () => {
  const refused: [env: Env, problem: string | RegExp][] = [
    [{ PORT: '65536' }, 'PORT: expected an integer from 0 to 65535, got "65536"'],
    ...['-1', '1.5', '1e3', '0x50', '05', ' 80', '80 ', '５'].map((port): [Env, RegExp] => [
      { PORT: port },
      /^PORT: /,
    ]),
    [{ ACCESS_TOKEN_TTL: '1h' }, 'ACCESS_TOKEN_TTL: expected whole seconds from 1 to 86400, got "1h"'],
    [{ AUTHORIZATION_CODE_TTL: '601' }, /^AUTHORIZATION_CODE_TTL: .* 600, got "601"$/],
    [{ REFRESH_TOKEN_GRACE: '61' }, /^REFRESH_TOKEN_GRACE: /],
    [{ STORE_ENCRYPTION: 'on' }, /^STORE_ENCRYPTION: expected true or false/],
    [{ STORE_ENCRYPTION: 'constructor' }, /^STORE_ENCRYPTION: /],
    [{ HOST: 'http://x' }, /^HOST: /],
    ...[
      'id.example',
      'ftp://id.example',
      'https://id.example/?a',
      'https://id.example/#',
      'https:// x',
      'https://',
    ].map((url): [Env, RegExp] => [{ ISSUER_URL: url }, /^ISSUER_URL: expected an http/]),
    [{ ISSUER_URL: 'https://*.example' }, /^ISSUER_URL: /],
    [{ ...production, ISSUER_URL: 'http://id.example' }, /^ISSUER_URL: expected https off loopback/],
    [{ ...production, ISSUER_URL: 'http://localhost.example' }, /^ISSUER_URL: expected https off loopback/],
    [{ LOG_LEVEL: 'verbose' }, 'LOG_LEVEL: expected one of debug, info, warn, error, silent, got "verbose"'],
    [{ ACCESS_TOKEN_ALG: 'none' }, /^ACCESS_TOKEN_ALG: /],
    [{ ACCESS_TOKEN_ALG: 'HS256' }, /^ACCESS_TOKEN_ALG: /],
    [{ TRUSTED_PROXIES: '10.0.0.0/8,10.0.0.1/8' }, /^TRUSTED_PROXIES: .*, got "10\.0\.0\.1\/8"$/],
    [{ CORS_ALLOWED_ORIGINS: 'https://a.example,https://b.example/' }, /, got "https:\/\/b\.example\/"$/],
    [{ CORS_ALLOWED_ORIGINS: 'null' }, /^CORS_ALLOWED_ORIGINS: /],
    [{ CORS_ALLOWED_ORIGINS: 'https://*.example' }, /^CORS_ALLOWED_ORIGINS: /],
    [{ ...production, CORS_ALLOWED_ORIGINS: '*' }, /^CORS_ALLOWED_ORIGINS: expected exact origins/],
    [{ SCOPES: 'a "b"' }, /^SCOPES: expected space-separated names, got "\\"b\\""$/],
    [{ TLS_CERT_PATH: 'c' }, /^TLS_KEY_PATH: required/],
    [{ TLS_KEY_PATH: 'k' }, /^TLS_CERT_PATH: required/],
    [
      { JWKS_MAX_AGE: '596' },
      'JWKS_MAX_AGE: expected at most KEY_ACTIVATION_DELAY (600) less 5 seconds, got 596',
    ],
    [
      { KEY_ROTATION_INTERVAL: '900' },
      'KEY_ROTATION_INTERVAL: expected more than KEY_ACTIVATION_DELAY (600) and JWKS_MAX_AGE (300) together, or 0 to rotate by command alone, got 900',
    ],
    [{ SESSION_TTL: '3600' }, 'SESSION_IDLE_TTL: expected at most SESSION_TTL (3600), got 86400'],
    [{ STORE_URL: 'memory' }, /^STORE_URL: expected memory:/],
    [{ STORE_URL: 'sqlite://latchkey.db' }, /^STORE_URL: /],
    [{ STORE_URL: 'sqlite:' }, /^STORE_URL: /],
    [{ REDIS_URL: 'http://h' }, /^REDIS_URL: /],
    [{ REDIS_URL: 'redis+tls://h' }, /^REDIS_URL: /],
    [{ REDIS_URL: 'redis://' }, /^REDIS_URL: /],
    [{ STORE_URL: 'memory:', REDIS_URL: 'redis://h' }, /^STORE_URL: expected one store/],
    [{ STORE_URL: 'redis://a', REDIS_URL: 'redis://b' }, /^STORE_URL: expected one store/],
    [{ ...production, STORE_URL: 'memory:' }, /^STORE_URL: .* got memory$/],
    [{ ...production, STORE_URL: 'sqlite::memory:' }, /^STORE_URL: .* got memory$/],
    [{ REDIS_URL: 'redis://h', REDIS_CA_PATH: 'ca.pem' }, /^REDIS_CA_PATH: expected a Redis over TLS/],
    [{ REGISTRATION: 'token' }, 'REGISTRATION_INITIAL_ACCESS_TOKEN: required with REGISTRATION=token'],
    [{ REGISTRATION_INITIAL_ACCESS_TOKEN: strongKey }, /^REGISTRATION: expected "token"/],
    [
      { REGISTRATION: 'token', REGISTRATION_INITIAL_ACCESS_TOKEN: 'short' },
      /^REGISTRATION_INITIAL_ACCESS_TOKEN: expected at least 32/,
    ],
    [{ METRICS_TOKEN: 'not a bearer token' }, /^METRICS_TOKEN: /],
  ]
  test.each(refused)('%j', (env, problem) => {
    const found = problems(env)
    expect(found).toHaveLength(1)
    if (typeof problem === 'string') expect(found[0]).toBe(problem)
    else expect(found[0]).toMatch(problem)
  })

  test('an unknown NODE_ENV is checked like production', () => {
    expect(problems({ NODE_ENV: 'prod' }).map((line) => line.split(':')[0])).toEqual([
      'NODE_ENV',
      'ISSUER_URL',
      'SECRET_KEY',
    ])
  })

  test('all at once, in one error', () => {
    const env = {
      NODE_ENV: 'production',
      PORT: 'x',
      SECRET_KEY: 'y',
      STORE_URL: 'memory:',
      LATCHKEY_X: '1',
      TLS_KEY_PATH: 'k',
    }
    const names = ['PORT', 'ISSUER_URL', 'TLS_CERT_PATH', 'STORE_URL', 'SECRET_KEY', 'LATCHKEY_X']
    const found = problems(env)
    expect(found.map((line) => line.split(':')[0]).sort()).toEqual(names.sort())
    expect(() => loadConfig(env)).toThrow(found.join('\n'))
  })
})

describe('secrets', () => {
  const weak = {
    short: 'q8Zt0LxWv3nRk6YbUe2HsJp9McFd5Ga',
    'the development key': loadConfig({}).secretKey[0],
    "the walkthrough's": 'dev-secret-key-change-in-production!',
    placeholder: 'your-own-secret-here-0123456789-abcdef',
    'one letter': 'a'.repeat(64),
    'a repeated phrase': 'correct-horse-'.repeat(4),
    'a sequence': 'abcdefghijklmnopqrstuvwxyz0123456789',
    'few letters': 'abbababbbaababbbabaabbabababbbabaabb',
  }
  test.each(Object.entries(weak))('a SECRET_KEY refused in production: %s', (_, SECRET_KEY) => {
    const found = problems({ ...production, SECRET_KEY })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^SECRET_KEY: expected /)
    expect(found[0]).not.toContain(SECRET_KEY)
  })

  test('keys of common generators are accepted', () => {
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(32)))
      for (const SECRET_KEY of [
        bytes.toString('hex'),
        bytes.toString('base64'),
        bytes.toString('base64url'),
      ]) {
        expect(loadConfig({ ...production, SECRET_KEY }).secretKey).toEqual([SECRET_KEY])
      }
    }
  })

  const hidden = 'hunter2-Zq'
  const leaks: Env[] = [
    { ...production, SECRET_KEY: hidden },
    { SECRT_KEY: hidden, LATCHKEY_SECRET: hidden },
    { REDIS_URL: `redis+tls://:${hidden}@h` },
    { STORE_URL: `redis:/:${hidden}@h` },
    { STORE_URL: `redis://:${hidden}@h`, REDIS_URL: 'redis://h' },
    { METRICS_TOKEN: hidden },
    { REGISTRATION: 'token', REGISTRATION_INITIAL_ACCESS_TOKEN: hidden },
    { ISSUER_URL: `https://admin:${hidden}@id.example` },
    { CORS_ALLOWED_ORIGINS: `https://admin:${hidden}@id.example` },
    { SECRET_KEY: hidden, SECRET_KEY_FILE: '/file' },
  ]
  test.each(leaks)('no message holds the value: %#', (env) => {
    const found = problems(env)
    expect(found).not.toBeEmpty()
    expect(found.join('\n')).not.toContain(hidden)
  })

  test("nor does a feature's own schema leak it through valibot's words", () => {
    const own = defineEntries([
      {
        name: 'WIDGET_SECRET',
        realm: 'server',
        schema: v.pipe(v.string(), v.email(), v.maxLength(3)),
        secret: true,
        help: 'x',
      },
      { name: 'WIDGET_MAIL', realm: 'server', schema: v.pipe(v.string(), v.email()), help: 'x' },
    ])
    const env = { WIDGET_SECRET: hidden, WIDGET_MAIL: 'nobody' }
    const found = problems(env, { featureEntries: { widget: own } })
    expect(found.map((line) => line.split(':')[0])).toEqual(['WIDGET_SECRET', 'WIDGET_SECRET', 'WIDGET_MAIL'])
    expect(found.join('\n')).not.toContain(hidden)
    expect(found[2]).toContain('nobody')
  })
})

describe('NAME_FILE', () => {
  const read = (text: string): LoadOptions => ({ readFile: () => text })

  test('a mounted secret, its one trailing line break dropped', () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-config-'))
    try {
      writeFileSync(join(folder, 'key'), `${strongKey}\n`)
      const env = { ...production, SECRET_KEY: undefined, SECRET_KEY_FILE: join(folder, 'key') }
      expect(loadConfig(env).secretKey).toEqual([strongKey])
      expect(problems({ ...env, SECRET_KEY_FILE: join(folder, 'none') })).toEqual([
        `SECRET_KEY_FILE: expected a readable file, got ${JSON.stringify(join(folder, 'none'))} (ENOENT)`,
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('only one line break, and only at the end', () => {
    expect(loadConfig({ SECRET_KEY_FILE: 'f' }, read('a\nb\r\n')).secretKey).toEqual(['a\nb'])
    expect(loadConfig({ SECRET_KEY_FILE: 'f' }, read(' a \n\n')).secretKey).toEqual([' a \n'])
  })

  test('an empty file never falls back to the default', () => {
    expect(problems({ SECRET_KEY_FILE: 'f' }, read('\n'))).toEqual([
      'SECRET_KEY_FILE: expected a file with the value, got the empty file "f"',
    ])
  })

  test('both set is a problem', () => {
    expect(problems({ SECRET_KEY: strongKey, SECRET_KEY_FILE: 'f' }, read(strongKey))).toEqual([
      'SECRET_KEY: expected either SECRET_KEY or SECRET_KEY_FILE, got both',
    ])
  })

  test('the value of a file is checked like that of the variable', () => {
    expect(problems({ ...production, SECRET_KEY: '', SECRET_KEY_FILE: 'f' }, read('weak'))).toHaveLength(1)
    expect(loadConfig({ REDIS_URL_FILE: 'f' }, read('redis://h\n')).store).toEqual({
      kind: 'redis',
      url: 'redis://h',
    })
    const env = { REGISTRATION: 'token', REGISTRATION_INITIAL_ACCESS_TOKEN_FILE: 'f' }
    expect(loadConfig(env, read(strongKey)).registrationInitialAccessToken).toBe(strongKey)
  })

  test('only secrets can come from a file', () => {
    expect(problems({ ISSUER_URL_FILE: 'f' })).toEqual([
      'ISSUER_URL_FILE: unknown variable: only secrets can come from a file, and ISSUER_URL is not a secret',
    ])
  })
})

describe('unknown variables', () => {
  const unknown: [name: string, meant: string | undefined][] = [
    ['LATCHKEY_ANYTHING', undefined],
    ['LATCHKEY_ISSUER_URL', 'ISSUER_URL'],
    ['LATCHKEY_PORT', 'PORT'],
    ['SECRT_KEY', 'SECRET_KEY'],
    ['ISSUER_URI', 'ISSUER_URL'],
    ['REDIS_URLS', 'REDIS_URL'],
    ['SECRET_KEY_FIL', 'SECRET_KEY_FILE'],
    ['ACCES_TOKEN_TTL', 'ACCESS_TOKEN_TTL'],
    ['TRUSTED_PROXIS', 'TRUSTED_PROXIES'],
  ]
  test.each(unknown)('%s', (name, meant) => {
    const ending = meant ? `, did you mean ${meant}?` : ''
    expect(problems({ [name]: 'x' })).toEqual([`${name}: unknown variable${ending}`])
  })

  test('a name with three other letters is not similar, and an empty unknown variable is unset', () => {
    expect(problems({ TRUSTED_PROXY: 'x', SECRT_KEY: '', LATCHKEY_X: '' })).toEqual([])
  })

  test('variables of systems, shells, tools and clusters are not reported', () => {
    const names =
      `HOME HOSTNAME HOSTTYPE HOST_NAME PATH PWD OLDPWD USER LOGNAME SHELL SHLVL LANG LC_ALL TERM TZ _ PS1
      LS_COLORS TMPDIR TEMP MAIL EDITOR PAGER DISPLAY COLORTERM LD_LIBRARY_PATH MANPATH INFOPATH MACHTYPE OSTYPE
      XDG_SESSION_ID XDG_SESSION_TYPE XDG_SESSION_CLASS XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_TTY
      SSL_CERT_FILE SSL_CERT_DIR SSL_CERT_PATH NODE_PATH NODE_OPTIONS NODE_VERSION NODE_EXTRA_CA_CERTS NODE_HOME NODE_NAME
      NODE_DEBUG BUN_INSTALL BUN_ENV NPM_TOKEN YARN_VERSION CI GITHUB_TOKEN GITHUB_ACTIONS GITLAB_CI RUNNER_OS
      HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY KUBERNETES_SERVICE_HOST KUBERNETES_PORT REDIS_PORT REDIS_HOST
      REDIS_SERVICE_HOST REDIS_PORT_6379_TCP STORE_PORT DATABASE_URL BASE_URL SITE_URL APP_URL
      AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID NOTIFY_SOCKET
      container DEBIAN_FRONTEND PYTHONPATH JAVA_HOME GOPATH CARGO_HOME WINDOWID SESSION_MANAGER SUDO_USER
      LATCHKEY_SERVICE_HOST LATCHKEY_SERVICE_PORT LATCHKEY_SERVICE_PORT_HTTP LATCHKEY_PORT_5000_TCP
      LATCHKEY_PORT_5000_TCP_ADDR LATCHKEY_WEB_SERVICE_HOST`.split(/\s+/)
    const env = Object.fromEntries(names.map((name) => [name, 'x']))
    expect(problems({ ...env, LATCHKEY_PORT: 'tcp://10.0.0.1:5000' })).toEqual([])
  })

  test('edit distance', () => {
    const pairs: [a: string, b: string, distance: number][] = [
      ['kitten', 'sitting', 3],
      ['flaw', 'lawn', 2],
      ['', 'ab', 2],
      ['same', 'same', 0],
      ['abcdefgh', 'bacdefgh', 2],
      ['abcdefgh', 'hgfedcba', 8],
    ]
    for (const [a, b, distance] of pairs) {
      expect([a, b, differsByAtMost(a, b, distance), differsByAtMost(b, a, distance)]).toEqual([
        a,
        b,
        true,
        true,
      ])
      expect([a, b, differsByAtMost(a, b, distance - 1), differsByAtMost(b, a, distance - 1)]).toEqual([
        a,
        b,
        false,
        false,
      ])
    }
  })
})

describe('features have entries of the same type', () => {
  const own = defineEntries([
    {
      name: 'WIDGET_COUNT',
      realm: 'server',
      schema: v.pipe(v.string(), v.toNumber()),
      default: '3',
      help: 'How many.',
    },
    { name: 'WIDGET_SECRET', realm: 'server', schema: v.string(), secret: true, help: 'What opens it.' },
  ])
  const featureEntries = { widget: own }

  test('typed, under its name, and with all the rules', () => {
    const config = loadConfig({ WIDGET_SECRET_FILE: 'f' }, { featureEntries, readFile: () => 'sesame\n' })
    const { widgetCount, widgetSecret } = featureConfig(config, 'widget', own)
    const typed: [number, string | undefined] = [widgetCount, widgetSecret]
    expect(typed).toEqual([3, 'sesame'])
    expect(config.features.widget).toEqual({ widgetCount: 3, widgetSecret: 'sesame' })
    expect(Object.isFrozen(config.features.widget)).toBe(true)
    expect(problems({ WIDGET_CUONT: '1' }, { featureEntries })).toEqual([
      'WIDGET_CUONT: unknown variable, did you mean WIDGET_COUNT?',
    ])
  })

  test('a feature that was not loaded throws', () => {
    expect(() => featureConfig(loadConfig({}), 'widget', own)).toThrow('feature widget was not configured')
  })

  test('two entries cannot have one name', () => {
    const entry = (name: string) => [{ name, realm: 'server' as const, schema: v.string(), help: 'x' }]
    const claims = {
      a: entry('PORT'),
      b: entry('GADGET_X'),
      c: entry('GADGET_X'),
      d: entry('SECRET_KEY_FILE'),
    }
    expect(problems({}, { featureEntries: claims })).toEqual([
      'PORT: claimed by feature a and by the core',
      'GADGET_X: claimed by feature c and by feature b',
      'SECRET_KEY_FILE: claimed by feature d and by the core',
    ])
  })
})
