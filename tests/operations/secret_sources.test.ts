/** Secrets that are kept elsewhere: Vault, AWS Secrets Manager, Google Secret Manager, a command. Issue 10, section 4. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { createSecrets } from '../../src/cli/secrets.ts'
import { ConfigError } from '../../src/config.ts'
import { isSigned } from '../support/aws.ts'
import { startVault } from '../support/vault.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
const file = (name: string, text: string) => (writeFileSync(join(folder, name), text), join(folder, name))
const stops: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true })]
afterAll(() => stops.forEach((stop) => stop()))

/** What SECRET_KEY becomes. */
const read = async (SECRET_KEY: string, env: Record<string, string> = {}) =>
  (await createSecrets().resolve({ PATH: process.env.PATH, ...env, SECRET_KEY })).SECRET_KEY

const problemOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (value) => Promise.reject(new Error(`it was read: ${String(value)}`)),
    (error: unknown) => {
      if (error instanceof ConfigError) return error.problems.join('\n')
      throw error
    },
  )

describe('Vault', () => {
  const vault = startVault()
  stops.push(vault.stop)
  const approle = {
    VAULT_ADDR: vault.address,
    VAULT_ROLE_ID: 'our-role',
    VAULT_SECRET_ID: 'our-secret-id',
  }
  beforeEach(() => {
    vault.tokens.clear()
    vault.asked.length = 0
    vault.lifetime = 3600
    vault.secrets = {
      'secret/latchkey': { key: 'of-the-second-version', other: 'x' },
      'secret/a/single one': { only: 'one' },
      'old/latchkey': { key: 'of-the-first-version' },
    }
  })

  test('both versions of the engine, a member by name or the only one', async () => {
    expect(await read('vault:secret/latchkey#key', approle)).toBe('of-the-second-version')
    expect(await read('vault:old/latchkey#key', approle)).toBe('of-the-first-version')
    expect(await read('vault:secret/a/single one', approle)).toBe('one')
  })

  test('a file of authorities that has none is said with its variable', async () => {
    const empty = { ...approle, VAULT_CACERT: file('empty.pem', 'no certificate') }
    expect(await problemOf(read('vault:secret/latchkey#key', empty))).toContain(
      'VAULT_CACERT: expected a file of certificates in PEM',
    )
  })

  test('AppRole with a secret id from a file, Kubernetes, and a token', async () => {
    const fromFile = {
      ...approle,
      VAULT_SECRET_ID: '',
      VAULT_SECRET_ID_FILE: file('secret_id', 'our-secret-id\n'),
    }
    expect(await read('vault:secret/latchkey#key', fromFile)).toBe('of-the-second-version')
    const kubernetes = {
      VAULT_ADDR: vault.address,
      VAULT_KUBERNETES_ROLE: 'latchkey',
      VAULT_KUBERNETES_TOKEN_PATH: file('jwt', 'service-account-jwt'),
      VAULT_AUTH_MOUNT: 'k8s-east',
    }
    expect(await read('vault:secret/latchkey#key', kubernetes)).toBe('of-the-second-version')
    expect(vault.asked).toContain('POST auth/k8s-east/login')
    vault.tokens.add('root-token')
    const token = { VAULT_ADDR: vault.address, VAULT_TOKEN: 'root-token' }
    expect(await read('vault:secret/latchkey#key', token)).toBe('of-the-second-version')
  })

  test('one sign-in for several secrets and readings, renewed before its end, anew when Vault forgot it', async () => {
    const secrets = createSecrets()
    const env = {
      ...approle,
      SECRET_KEY: 'vault:secret/latchkey#key',
      METRICS_TOKEN: 'vault:secret/latchkey#other',
    }
    const signIns = () => vault.asked.filter((each) => each.endsWith('/login')).length
    await secrets.resolve(env)
    await secrets.resolve(env)
    expect(signIns()).toBe(1)
    vault.tokens.clear() // as after a restart of Vault without its storage
    expect(await secrets.resolve(env)).toMatchObject({
      SECRET_KEY: 'of-the-second-version',
      METRICS_TOKEN: 'x',
    })
    expect(secrets.unread()).toEqual([])
    expect(vault.asked).not.toContain('POST auth/token/renew-self')
    const short = createSecrets()
    vault.lifetime = 0.000_001
    await short.resolve(env)
    await short.resolve(env)
    expect(vault.asked).toContain('POST auth/token/renew-self')
  })

  test('what is wrong is said, with the variable', async () => {
    const cases: [reference: string, env: Record<string, string>, said: string][] = [
      ['vault:secret/nothing#x', approle, 'SECRET_KEY: Vault has nothing at secret/nothing'],
      ['vault:secret/latchkey#x', approle, 'SECRET_KEY: secret/latchkey has no member "x", but "key, other"'],
      ['vault:secret/latchkey', approle, 'SECRET_KEY: secret/latchkey has 2 members: name one after #'],
      ['vault:elsewhere/x', approle, 'SECRET_KEY: Vault does not show elsewhere/x: 403 "preflight'],
      [
        'vault:secret/latchkey#key',
        { ...approle, VAULT_SECRET_ID: 'wrong' },
        '400 "invalid role or secret ID"',
      ],
      ['vault:secret/latchkey#key', { VAULT_ADDR: vault.address }, 'vault: needs VAULT_TOKEN, VAULT_ROLE_ID'],
      ['vault:secret/latchkey#key', { VAULT_TOKEN: 'x' }, 'VAULT_ADDR is required with vault:'],
      ['vault:secret/latchkey#key', { ...approle, VAULT_ADDR: 'http://vault.example' }, 'with https only'],
      ['vault:secret/latchkey#key', { ...approle, VAULT_ADDR: 'http://127.0.0.1:9' }, 'cannot be reached'],
      [
        'vault:secret/latchkey#key',
        { ...approle, VAULT_ADDR: 'vault' },
        'VAULT_ADDR: expected an http or https URL',
      ],
    ]
    for (const [reference, env, said] of cases) {
      const problem = await problemOf(read(reference, env))
      expect(problem).toContain(said)
      expect(problem).not.toContain('our-secret-id')
      expect(problem).not.toContain('of-the-second')
    }
  })

  test('a place that fails later leaves the last value in force, for the same place alone', async () => {
    const secrets = createSecrets()
    const env = { ...approle, SECRET_KEY: 'vault:secret/latchkey#key' }
    await secrets.resolve(env)
    vault.seal(true)
    expect((await secrets.resolve(env)).SECRET_KEY).toBe('of-the-second-version')
    expect(secrets.unread()).toEqual([{ name: 'SECRET_KEY', problem: expect.stringContaining('503') }])
    const moved = { ...env, SECRET_KEY: 'vault:old/latchkey#key' }
    expect(await problemOf(secrets.resolve(moved))).toContain('SECRET_KEY: ')
    vault.seal(false)
    expect((await secrets.resolve(moved)).SECRET_KEY).toBe('of-the-first-version')
    expect(secrets.unread()).toEqual([])
  })
})

describe('AWS Secrets Manager', () => {
  const secrets: Record<string, unknown> = { prod: '{"key":"from-aws"}', plain: 'as-it-is' }
  const key = {
    id: 'AKIDEXAMPLE',
    secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    session: 'the-session',
  }

  const asked: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const body = await request.text()
      const { pathname } = new URL(request.url)
      asked.push(pathname)
      const keys = { AccessKeyId: key.id, SecretAccessKey: key.secret }
      if (pathname === '/container')
        return request.headers.get('authorization') === 'container-token'
          ? Response.json({ ...keys, Token: key.session, Expiration: '2099-01-01T00:00:00Z' })
          : new Response('', { status: 400 })
      if (pathname === '/sts') {
        const form = new URLSearchParams(body)
        if (form.get('WebIdentityToken') !== 'web-identity') return Response.json({}, { status: 403 })
        const Credentials = { ...keys, SessionToken: key.session, Expiration: 4_000_000_000 }
        return Response.json({
          AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } },
        })
      }
      if (!isSigned(request, body, key.secret))
        return Response.json({ __type: 'com.amazon#InvalidSignatureException' }, { status: 400 })
      const { SecretId } = JSON.parse(body) as { SecretId: string }
      const SecretString = secrets[SecretId.split(':').at(-1) ?? '']
      return SecretString === undefined
        ? Response.json({ __type: 'ResourceNotFoundException', Message: 'not found' }, { status: 400 })
        : Response.json({ SecretString })
    },
  })
  stops.push(() => void server.stop(true))
  const at = `http://127.0.0.1:${server.port}`
  const place = { AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL_SECRETS_MANAGER: `${at}/` }
  const own = { ...place, AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret }

  test('credentials of the environment, a container and a web identity; the signature is that of AWS', async () => {
    expect(await read('awssm:prod#key', own)).toBe('from-aws')
    expect(await read('awssm:plain', { ...own, AWS_SESSION_TOKEN: key.session })).toBe('as-it-is')
    const arn = 'arn:aws:secretsmanager:us-east-2:123456789012:secret:plain'
    expect(await read(`awssm:${arn}`, { ...own, AWS_REGION: '' })).toBe('as-it-is')
    const container = {
      ...place,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${at}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file('container_token', 'container-token'),
    }
    expect(await read('awssm:plain', container)).toBe('as-it-is')
    const web = {
      ...place,
      AWS_ENDPOINT_URL_STS: `${at}/sts`,
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/latchkey',
      AWS_WEB_IDENTITY_TOKEN_FILE: file('web_identity', 'web-identity'),
    }
    expect(await read('awssm:plain', web)).toBe('as-it-is')
  })

  test('credentials are fetched once, and again before they end', async () => {
    const env = {
      ...place,
      SECRET_KEY: 'awssm:plain',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${at}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'container-token',
    }
    const kept = createSecrets()
    asked.length = 0
    await kept.resolve(env)
    await kept.resolve(env)
    expect(asked.filter((path) => path === '/container').length).toBe(1)
  })

  test('what is wrong is said, with the variable', async () => {
    const cases: [reference: string, env: Record<string, string>, said: string][] = [
      ['awssm:nothing', own, 'SECRET_KEY: AWS refused nothing: 400 ResourceNotFoundException "not found"'],
      ['awssm:plain#key', own, 'SECRET_KEY: plain is no JSON object: leave out the part after #'],
      ['awssm:plain', { ...own, AWS_SECRET_ACCESS_KEY: 'wrong' }, '400 InvalidSignatureException'],
      ['awssm:plain', { ...own, AWS_REGION: '' }, 'AWS_REGION is required'],
      ['awssm:plain', place, 'awssm: needs credentials'],
      ['awssm:plain', { ...own, AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://10.0.0.1/' }, 'with https only'],
    ]
    for (const [reference, env, said] of cases) expect(await problemOf(read(reference, env))).toContain(said)
  })
})

describe('Google Secret Manager', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { pathname, origin } = new URL(request.url)
      if (pathname.endsWith('/service-accounts/default/token'))
        return request.headers.get('metadata-flavor') === 'Google'
          ? Response.json({ access_token: 'of-the-machine' })
          : new Response('', { status: 403 })
      if (pathname === '/token') {
        const form = new URLSearchParams(await request.text())
        const { payload } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
          audience: `${origin}/token`,
          issuer: 'latchkey@example.iam.gserviceaccount.com',
        })
        return Response.json({ access_token: payload.scope ? 'of-the-account' : '' })
      }
      const bearer = request.headers.get('authorization')?.replace('Bearer ', '') ?? ''
      if (!['of-the-machine', 'of-the-account'].includes(bearer))
        return Response.json({ error: { code: 401, message: 'unauthenticated' } }, { status: 401 })
      if (!/^\/v1\/projects\/p\/secrets\/s\/versions\/(latest|7):access$/.test(pathname))
        return Response.json({ error: { code: 404, message: 'Secret not found' } }, { status: 404 })
      const data = Buffer.from(JSON.stringify({ key: 'from-google' })).toString('base64')
      return Response.json({ name: pathname, payload: { data } })
    },
  })
  stops.push(() => void server.stop(true))
  const at = `127.0.0.1:${server.port}`
  const machine = {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: `http://${at}/`,
    GCE_METADATA_HOST: at,
  }
  const account = {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: `http://${at}/`,
    GOOGLE_APPLICATION_CREDENTIALS: file(
      'account.json',
      JSON.stringify({
        client_email: 'latchkey@example.iam.gserviceaccount.com',
        private_key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
        token_uri: `http://${at}/token`,
      }),
    ),
  }

  test('the account of the machine, and a key file; the latest version or a named one', async () => {
    expect(await read('gcpsm:projects/p/secrets/s#key', machine)).toBe('from-google')
    expect(await read('gcpsm:projects/p/secrets/s/versions/7#key', account)).toBe('from-google')
    expect(await read('gcpsm:projects/p/secrets/s', account)).toBe('{"key":"from-google"}')
  })

  test('what is wrong is said, with the variable', async () => {
    expect(await problemOf(read('gcpsm:s', machine))).toContain('SECRET_KEY: expected gcpsm:projects/PROJECT')
    expect(await problemOf(read('gcpsm:projects/p/secrets/other', machine))).toContain(
      '404 "Secret not found"',
    )
    const missing = { ...account, GOOGLE_APPLICATION_CREDENTIALS: '/nowhere.json' }
    expect(await problemOf(read('gcpsm:projects/p/secrets/s', missing))).toContain(
      'GOOGLE_APPLICATION_CREDENTIALS: expected a readable file, got /nowhere.json (ENOENT: there is no such file)',
    )
  })
})

describe('a command', () => {
  test('its output without the last line break; no shell reads it', async () => {
    expect(await read('exec:echo a-secret')).toBe('a-secret')
    expect(await read('exec:echo $HOME;id')).toBe('$HOME;id')
  })

  test('what is wrong is said, and what it wrote is not', async () => {
    const script = file('fails.sh', 'echo half-a-secret; exit 3\n')
    const problem = await problemOf(read(`exec:sh ${script}`))
    expect(problem).toBe('SECRET_KEY: sh ended with 3')
    expect(await problemOf(read('exec:no-such-program-here x'))).toContain(
      'no-such-program-here cannot be run',
    )
    expect(await problemOf(read('exec:true'))).toBe('SECRET_KEY: exec: the secret is empty')
    expect(await problemOf(read('exec:yes'))).toContain('yes wrote more than')
    const leaves = file('leaves.sh', 'sleep 20 2>&- &\nexec sleep 60\n')
    expect(await problemOf(read(`exec:sh ${leaves}`, { SECRETS_TIMEOUT_MS: '300' }))).toContain('did not end')
    expect(await problemOf(read('exec:sleep 3600', { SECRETS_TIMEOUT_MS: '100' }))).toBe(
      'SECRET_KEY: sleep did not end within 100 ms',
    )
  })
})

test('a variable that is no secret, and one that is needed to read the others, is a value', async () => {
  const env = { ISSUER_URL: 'exec:echo x', VAULT_TOKEN: 'exec:echo x' }
  expect(await createSecrets().resolve(env)).toEqual(env)
})
