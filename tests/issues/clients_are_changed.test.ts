/** Issue 9, line 38: `client set` changes and removes every member that `client add` gives, and says what changed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { memberOptions } from '../../src/cli/client_option_table.ts'
import { commandLine } from '../support/command.ts'

const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

type Shown = Record<string, unknown>
const keys = join(line.folder, 'jwks.json')
const { publicKey } = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
  'verify',
])) as CryptoKeyPair
const jwks = {
  keys: [{ ...(await crypto.subtle.exportKey('jwk', publicKey)), key_ops: undefined, kid: 'a' }],
}
writeFileSync(keys, JSON.stringify(jwks))

const add = (id: string, ...more: string[]) =>
  line.json<Shown>('client', 'add', id, '--client-id', id, '--json', ...more)
const set = (id: string, ...more: string[]) => line.json<Shown>('client', 'set', id, '--json', ...more)
const show = (id: string) => line.json<Shown>('client', 'show', id, '--json')
const callback = ['--redirect-uri', 'https://app.example/cb']

/** A value for each option that `client add` has, and what the member then is. */
const values: Record<keyof typeof memberOptions, [string[], unknown]> = {
  'redirect-uri': [['https://new.example/cb'], ['https://new.example/cb']],
  'post-logout-redirect-uri': [['https://new.example/bye'], ['https://new.example/bye']],
  'grant-type': [['authorization_code'], ['authorization_code']],
  'response-type': [['code id_token'], ['code id_token']],
  scope: [['openid'], 'openid'],
  'auth-method': [['client_secret_post'], 'client_secret_post'],
  public: [[], 'none'],
  jwks: [[keys], jwks],
  'id-token-alg': [['ES256'], 'ES256'],
  'id-token-claims': [[], true],
  'no-id-token-claims': [[], false],
  'access-token-format': [['opaque'], 'opaque'],
  'access-token-typ': [['JWT'], 'JWT'],
  'application-type': [['web'], 'web'],
  'first-party': [[], true],
  pkce: [[], true],
  'no-pkce': [[], false],
  'resource-server': [[], true],
  'resource-uri': [['https://api.example'], ['https://api.example']],
  'may-impersonate': [[], true],
  'lab-client': [[], true],
  'exchange-audience': [['stock'], ['stock']],
  'role-name': [['admin=Administrators'], { admin: 'Administrators' }],
  'allow-resource': [['https://api.example'], ['https://api.example']],
}

test.each(Object.entries(values))(
  '--%s is changed, named, and removed',
  async (option, [given, expected]) => {
    const { member } = memberOptions[option as keyof typeof memberOptions]
    const first = option === 'id-token-claims' ? ['--no-id-token-claims'] : [] // it is the default
    const before = await add(option, ...callback, ...first)
    const after = await set(option, `--${option}`, ...given)
    const stored = JSON.parse(JSON.stringify(expected)) as unknown
    expect(after[member]).toEqual(stored)
    expect(after.changed).toMatchObject({ [member]: { from: before[member] ?? null, to: stored } })
    const follows = option === 'response-type' ? 'grant_types' : member // the one follows from the other
    const others = (client: Shown) => {
      const {
        [member]: _,
        [follows]: _f,
        changed: _c,
        client_secret: _s,
        either_secret_method: _e,
        ...rest
      } = client
      return rest // either_secret_method follows from the method
    }
    expect(others(after)).toEqual(others(before))
    if (['redirect_uris', 'grant_types'].includes(member)) return // one is needed; the default is what was set
    const unset = await set(option, '--unset', member)
    expect(unset[member]).not.toEqual(stored)
    expect(Object.keys(unset.changed as object)).toContain(member)
  },
)

test('a text output names what was and what is, and what it means for what was issued', async () => {
  await add('spoken', ...callback)
  const { code, stdout } = await line.latchkey([
    'client',
    'set',
    'spoken',
    '--scope',
    'openid',
    '--name',
    'Shop',
  ])
  expect(code).toBe(0)
  expect(stdout).toContain('client_name: spoken → Shop')
  expect(stdout).toContain('scope: openid profile email offline_access → openid')
  expect(stdout).toContain('from before keep their scopes')
  const again = await line.latchkey(['client', 'set', 'spoken', '--scope', 'openid'])
  expect(again.stdout).toContain('nothing changed')
})

test('a client that becomes public loses its secret, and one that becomes confidential gets a new one', async () => {
  await add('turned', ...callback)
  expect(await set('turned', '--public')).not.toHaveProperty('client_secret')
  const again = await set('turned', '--auth-method', 'client_secret_basic')
  expect(again.client_secret).toBeString()
  expect(await show('turned')).not.toHaveProperty('client_secret')
})

test('response types follow the grant types, and grant types the response types', async () => {
  const service = await add('both', '--grant-type', 'client_credentials')
  expect(service).toMatchObject({ response_types: [], scope: '' })
  const app = await set(
    'both',
    ...callback,
    '--grant-type',
    'authorization_code',
    '--grant-type',
    'client_credentials',
  )
  expect(app).toMatchObject({
    response_types: ['code'],
    grant_types: ['authorization_code', 'client_credentials'],
  })
  const none = join(line.folder, 'none.json')
  writeFileSync(none, JSON.stringify({ response_types: [] }))
  const back = await set('both', '--metadata', none)
  expect(back).toMatchObject({ response_types: [], grant_types: ['client_credentials'] })
})

test('--metadata changes what has no option, privileges too', async () => {
  const file = join(line.folder, 'more.json')
  writeFileSync(file, JSON.stringify({ policy_uri: 'https://app.example/policy', require_pkce: false }))
  await add('filed', ...callback)
  expect(await set('filed', '--metadata', file)).toMatchObject({
    policy_uri: 'https://app.example/policy',
    require_pkce: false,
  })
  expect(await set('filed', '--unset', 'policy_uri')).not.toHaveProperty('policy_uri')
  expect(await add('filed-add', ...callback, '--metadata', file)).toMatchObject({ require_pkce: false })
})

test.each<[string, string[], number, string]>([
  ['nothing to set', [], 2, 'nothing to set'],
  ['a member that is none', ['--unset', 'sealed_secret'], 2, 'sealed_secret'],
  ['the client_id', ['--unset', 'client_id'], 2, 'client_id'],
  ['a member both given and removed', ['--scope', 'openid', '--unset', 'scope'], 2, 'scope'],
  ['a scope that there is not', ['--scope', 'everything'], 1, 'everything'],
  ['a redirect URI that is none', ['--redirect-uri', 'nonsense'], 1, 'nonsense'],
  ['no redirect URI', ['--unset', 'redirect_uris'], 1, 'redirect_uris'],
  ['a public API', ['--public', '--resource-server'], 2, 'introspect'],
])('%s is refused and changes nothing', async (_, args, exit, words) => {
  await line.latchkey(['client', 'add', 'kept', '--client-id', 'kept', ...callback])
  const before = await show('kept')
  const { code, stdout, stderr } = await line.latchkey(['client', 'set', 'kept', ...args])
  expect([code, stdout]).toEqual([exit, ''])
  expect(stderr).toContain(words)
  expect(await show('kept')).toEqual(before)
})

test('an API does not become public by two commands', async () => {
  await add('api', '--grant-type', 'client_credentials', '--resource-server')
  const { code, stderr } = await line.latchkey([
    'client',
    'set',
    'api',
    '--public',
    '--grant-type',
    'urn:ietf:params:oauth:grant-type:device_code',
  ])
  expect(code).toBe(1)
  expect(stderr).toContain('introspect')
})

test('--end-grants says how many ended', async () => {
  await add('ended', ...callback)
  expect(await set('ended', '--end-grants')).toMatchObject({ ended_grants: 0, changed: {} })
})
