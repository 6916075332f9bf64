/** Signing keys in Vault Transit and AWS KMS, at servers that answer as the documentation says, and fail in each way that it names. Issue 10, section 4. */
import { createPublicKey } from 'node:crypto'
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose'
import { thumbprint, type SigningAlg } from '../../src/auth/jwk.ts'
import { sign } from '../../src/auth/jws.ts'
import { openRemoteKeys } from '../../src/cli/key_sources/open_sources.ts'
import { requireReloadable } from '../../src/cli/reload.ts'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/lib/log.ts'
import { loadKeyRing } from '../../src/models/key_ring.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { featureEntries } from '../../src/table.ts'
import { kmsProblem, startKms } from '../support/aws.ts'
import { commandLine } from '../support/command.ts'
import { signDigest } from '../support/openssl.ts'
import { spawnProvider, turnableClock } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { startVault } from '../support/vault.ts'

// openssl signs for the servers, a process for each signature.
setDefaultTimeout(240_000)

const vault = startVault()
const kms = startKms()
afterAll(() => {
  vault.stop()
  kms.stop()
})
afterEach(() => {
  vault.transit.instead = kms.instead = undefined
  vault.transit.asked.length = kms.asked.length = 0
  vault.seal(false)
})

const approle = { VAULT_ADDR: vault.address, VAULT_ROLE_ID: 'our-role', VAULT_SECRET_ID: 'our-secret-id' }
const algs = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
for (const alg of algs) vault.transit.add(alg.toLowerCase(), alg)
const transit = (...of: readonly SigningAlg[]) =>
  of.map((alg) => `${alg}=vault-transit:transit/${alg.toLowerCase()}`).join(' ')

/** A ring as `serve` opens it. */
async function ringOf(sources: string, env: Record<string, string>, more: Record<string, string> = {}) {
  const all = { ...env, ...more, SIGNING_KEY_SOURCES: sources }
  const config = loadConfig(all, { featureEntries })
  const lines: string[] = []
  const clock = turnableClock()
  const log = createLog('info', 'json', (line) => lines.push(line))
  const remote = openRemoteKeys({ config, clock, log }, all)
  const ring = await loadKeyRing({
    storage: memoryStore(clock),
    sealingKey: new Uint8Array(32).fill(7),
    clock,
    log,
    algs: Object.keys(config.signingKeySources) as SigningAlg[],
    activationDelay: 600,
    retention: 3600,
    remote,
  })
  const token = async (alg: SigningAlg) => sign(ring.signer(alg), 'JWT', { sub: 'a' })
  return { ring, clock, lines, token }
}

type Ring = Awaited<ReturnType<typeof ringOf>>
const verified = async ({ ring }: Ring, jwt: string) => {
  const keys = createLocalJWKSet(JSON.parse(ring.jwks().body) as Parameters<typeof createLocalJWKSet>[0])
  return (await jwtVerify(jwt, keys)).protectedHeader
}
const refusalOf = async (opened: Ring, alg: SigningAlg = 'ES256'): Promise<string> =>
  opened.token(alg).then(
    (jwt) => Promise.reject(new Error(`it was signed: ${jwt}`)),
    (error: Error) => (expect(error.name).toBe('SignerUnavailable'), error.message),
  )

describe('Vault Transit', () => {
  test('each algorithm; the digest is sent and not the token, except for EdDSA', async () => {
    const opened = await ringOf(transit(...algs), approle)
    for (const alg of algs) {
      vault.transit.asked.length = 0
      const jwt = await opened.token(alg)
      expect(await verified(opened, jwt)).toEqual({ alg, typ: 'JWT', kid: opened.ring.signer(alg).kid })
      const input = Buffer.from(String(vault.transit.asked[0]!.input), 'base64')
      expect(input.length === 32).toBe(alg !== 'EdDSA')
      expect(vault.transit.asked[0]).toMatchObject({ key_version: 1, marshaling_algorithm: 'jws' })
    }
    const [key] = vault.transit.keys.es256!.versions
    expect(opened.ring.signer('ES256').kid).toBe(thumbprint(createPublicKey(key!).export({ format: 'jwk' })))
  })

  test('rotation: a new version there, announced; the old version signs until then, and no longer than Vault lets it', async () => {
    const key = vault.transit.add('turning', 'ES256')
    const opened = await ringOf('ES256=vault-transit:transit/turning', approle)
    await opened.ring.rotate()
    expect(key.versions).toHaveLength(2)
    expect(opened.ring.list().map(({ state, version }) => [state, version])).toEqual([
      ['current', '1'],
      ['next', '2'],
    ])
    vault.transit.asked.length = 0
    await verified(opened, await opened.token('ES256'))
    expect(vault.transit.asked.map(({ key_version }) => key_version)).toEqual([1])
    key.least = 2 // vault write transit/keys/turning/config min_encryption_version=2
    expect(await refusalOf(opened)).toContain('less than the minimum encryption key version')
    opened.clock.advance(600_000)
    await verified(opened, await opened.token('ES256'))
    expect(vault.transit.asked.at(-1)!.key_version).toBe(2)
  })

  test('what is wrong is said, and nothing is signed: refused, too many, sealed, broken, huge, another version, other marshaling', async () => {
    const opened = await ringOf(transit('ES256'), approle)
    const errors = (status: number, ...said: string[]) => Response.json({ errors: said }, { status })
    const signature = (text: string) => Response.json({ data: { signature: text } })
    const key = vault.transit.keys.es256!.versions[0]!
    const der = Buffer.from(await signDigest(key, new Uint8Array(32)))
    const cases: [instead: () => Response | Promise<Response>, said: string][] = [
      [() => errors(403, '1 error occurred: permission denied'), 'Vault did not sign: 403'],
      [() => errors(429), 'Vault did not sign: 429'],
      [() => errors(500, 'internal error'), 'Vault did not sign: 500 "internal error"'],
      [() => errors(503, 'Vault is sealed'), 'Vault did not sign: 503 "Vault is sealed"'],
      [() => errors(307), 'it redirects; name the active node in VAULT_ADDR'],
      [() => new Response('<html>', { status: 502 }), 'Vault did not sign: 502'],
      [() => new Response('x'.repeat(3_000_000)), 'answered more than 1048576 bytes'],
      [() => new Response('{'), 'Vault answered no signature'],
      [() => signature(''), 'Vault answered no signature'],
      [() => signature('vault:v1:'), 'Vault answered no signature'],
      [() => signature(`vault:v1:${'A'.repeat(1_900)}`), 'a signature that is too long'],
      [() => signature(`vault:v1:${'A'.repeat(900_000)}`), 'a signature that is too long'],
      [() => signature('vault:v1:!!!!'), 'Vault answered no signature'],
      [() => signature(`vault:v2:${'A'.repeat(86)}`), 'signed with version 2 of the key, not with 1'],
      [() => signature(`vault:v1:${'A'.repeat(86)}`), 'its signature does not hold'],
      [() => signature(`vault:v1:${der.toString('base64')}`), 'its signature does not hold'],
    ]
    for (const [instead, said] of cases) {
      opened.clock.advance(60_000)
      vault.transit.instead = (verb) => (verb === 'sign' ? instead() : undefined)
      const problem = await refusalOf(opened)
      expect(problem).toContain(said)
      expect(problem).toStartWith('vault-transit:transit/es256: ')
      expect(problem + opened.lines.join()).not.toContain('our-secret-id')
    }
    vault.transit.instead = undefined
    opened.clock.advance(60_000)
    await verified(opened, await opened.token('ES256'))
  })

  test('a token that Vault forgot is replaced; a policy that refuses is not answered with a sign-in for each signature', async () => {
    const opened = await ringOf(transit('ES256'), approle)
    vault.tokens.clear()
    await verified(opened, await opened.token('ES256'))
    vault.asked.length = 0
    vault.transit.instead = () => Response.json({ errors: ['permission denied'] }, { status: 403 })
    await Promise.all(Array.from({ length: 16 }, () => refusalOf(opened)))
    expect(vault.asked.filter((each) => each.endsWith('/login')).length).toBeLessThanOrEqual(2)
  })

  test('a server that is slow costs the time-out and no more', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    const opened = await ringOf(transit('ES256'), approle, { OUTBOUND_TIMEOUT_MS: '300' })
    vault.transit.instead = () => promise
    expect(await refusalOf(opened)).toMatch(/no signature within 300 ms|did not answer within \d+/)
    resolve(new Response())
  })

  test('at the first start each fault of the key is said', async () => {
    vault.transit.add('rsa', 'RS256')
    const cases: [sources: string, env: Record<string, string>, said: string][] = [
      ['ES256=vault-transit:transit/none', approle, 'Vault does not show the key: 404'],
      ['ES256=vault-transit:elsewhere/key', approle, 'Vault does not show the key: 404'],
      ['ES256=vault-transit:transit/rsa', approle, 'ES256 takes an EC key on the curve P-256'],
      [
        'ES256=vault-transit:transit/es256',
        { VAULT_ADDR: vault.address },
        'vault-transit: needs VAULT_TOKEN',
      ],
      [
        'ES256=vault-transit:transit/es256',
        { ...approle, VAULT_ADDR: 'http://vault.example' },
        'is asked with https only',
      ],
      [
        'ES256=vault-transit:transit/es256',
        { ...approle, VAULT_ADDR: 'http://127.0.0.1:9' },
        'cannot be reached',
      ],
    ]
    for (const [sources, env, said] of cases) {
      const error: Error = await ringOf(sources, env).then(
        () => Promise.reject(new Error(`${sources}: it opened`)),
        (thrown: Error) => thrown,
      )
      expect(error.message).toContain(said)
    }
    vault.transit.instead = () =>
      Response.json({ data: { type: 'aes256-gcm96', supports_signing: false, latest_version: 1, keys: {} } })
    await expect(ringOf(transit('ES256'), approle)).rejects.toThrow('"aes256-gcm96", which does not sign')
  })
})

describe('AWS KMS', () => {
  const of = (alg: SigningAlg) => {
    const arn = kms.add(alg)
    kms.aliases[`alias/${alg.toLowerCase()}`] = arn
    return `${alg}=awskms:alias/${alg.toLowerCase()}`
  }

  test('each algorithm that KMS has, by the ARN behind the alias; DER becomes the form of JWS', async () => {
    const opened = await ringOf([of('RS256'), of('PS256'), of('ES256')].join(' '), kms.env)
    for (const alg of ['RS256', 'PS256', 'ES256'] as const) {
      kms.asked.length = 0
      // ECDSA signatures have short and long halves by chance.
      for (let i = 0; i < (alg === 'ES256' ? 40 : 1); i++) await verified(opened, await opened.token(alg))
      const arn = kms.aliases[`alias/${alg.toLowerCase()}`]
      expect(new Set(kms.asked.map(({ action, body }) => `${action} ${String(body.KeyId)}`))).toEqual(
        new Set([`Sign ${arn}`]),
      )
    }
  })

  test('a new key behind the alias is found and announced; until then the old key signs by its ARN', async () => {
    const opened = await ringOf(of('ES256'), kms.env)
    const [first] = opened.ring.list()
    of('ES256')
    opened.clock.advance(60_000)
    await opened.ring.rotateDue()
    expect(opened.ring.list().map(({ state, version }) => [state, version])).toEqual([
      ['current', first!.version],
      ['next', kms.aliases['alias/es256']],
    ])
    kms.asked.length = 0
    await verified(opened, await opened.token('ES256'))
    expect(kms.asked[0]!.body.KeyId).toBe(first!.version)
    opened.clock.advance(600_000)
    await verified(opened, await opened.token('ES256'))
    expect(kms.asked.at(-1)!.body.KeyId).toBe(kms.aliases['alias/es256'])
    await expect(opened.ring.rotate()).rejects.toThrow('Make a new key there')
  })

  test('what is wrong is said, and nothing is signed: throttled, disabled, another key, no DER', async () => {
    const opened = await ringOf(of('ES256'), kms.env)
    const KeyId = kms.aliases['alias/es256']!
    const der = await signDigest(kms.keys[KeyId]!.key, new Uint8Array(32))
    const signature = (made: Uint8Array, key = KeyId) =>
      Response.json({ KeyId: key, Signature: Buffer.from(made).toString('base64') })
    const cases: [instead: () => Response, said: string][] = [
      [() => kmsProblem('ThrottlingException', 'Rate exceeded'), '400 ThrottlingException "Rate exceeded"'],
      [() => kmsProblem('DisabledException', 'is disabled.'), '400 DisabledException'],
      [
        () => kmsProblem('com.amazonaws#AccessDeniedException', 'User is not authorized'),
        'AccessDeniedException',
      ],
      [() => kmsProblem('KMSInternalException', '', 500), '500 KMSInternalException'],
      [() => Response.json({ KeyId }), 'KMS answered no signature'],
      [() => signature(der, `${KeyId}0`), `signed with "${KeyId}0", not with`],
      [() => signature(der), 'its signature does not hold'],
      [() => signature(der.subarray(1)), 'that is not in DER'],
      [() => signature(new Uint8Array(64)), 'that is not in DER'],
      [() => signature(new Uint8Array(4_000)), 'KMS answered no signature'],
    ]
    for (const [instead, said] of cases) {
      opened.clock.advance(60_000)
      kms.instead = (action) => (action === 'Sign' ? instead() : undefined)
      expect(await refusalOf(opened)).toContain(said)
    }
  })

  test('a key for encryption, for another algorithm, or with no ARN is refused at the start', async () => {
    const source = of('ES256')
    const shown = (more: object) => () =>
      Response.json({
        KeyId: kms.aliases['alias/es256'],
        KeyUsage: 'SIGN_VERIFY',
        KeySpec: 'ECC_NIST_P256',
        SigningAlgorithms: ['ECDSA_SHA_256'],
        PublicKey: 'AAAA',
        ...more,
      })
    const cases: [more: object, said: string][] = [
      [
        { KeyUsage: 'ENCRYPT_DECRYPT' },
        'expected a key for ECDSA_SHA_256, got one of "ECC_NIST_P256" for "ENCRYPT_DECRYPT"',
      ],
      [{ SigningAlgorithms: ['ECDSA_SHA_384'], KeySpec: 'ECC_NIST_P384' }, 'got one of "ECC_NIST_P384"'],
      [{ KeyId: 'alias/other' }, 'no ARN of the key'],
      [{}, 'no public key that can be read'],
      [{ PublicKey: '!' }, 'KMS answered no public key'],
    ]
    for (const [more, said] of cases) {
      kms.instead = shown(more)
      await expect(ringOf(source, kms.env)).rejects.toThrow(said)
    }
    await expect(ringOf(source, { ...kms.env, AWS_SECRET_ACCESS_KEY: 'wrong' })).rejects.toThrow(
      'InvalidSignatureException',
    )
    await expect(ringOf(source, { ...kms.env, AWS_REGION: '' })).rejects.toThrow(
      'AWS_REGION is required with awskms:',
    )
  })
})

describe('a provider', () => {
  const env = {
    ...approle,
    STORE_URL: 'sqlite:latchkey.db',
    SIGNING_KEY_SOURCES: transit('ES256'),
    SIGNING_ALGS: 'ES256 EdDSA',
    ACCESS_TOKEN_ALG: 'ES256',
    OUTBOUND_TIMEOUT_MS: '5000',
    LOG_FORMAT: 'json',
  }

  test('signs with Vault, answers 503 with one line while it is sealed, and goes on', async () => {
    const line = commandLine(env)
    const op = await spawnProvider({ ...env, STORE_URL: `sqlite:${line.folder}/latchkey.db` })
    try {
      const ask = () =>
        fetch(`${op.issuer}/token`, {
          method: 'POST',
          headers: { authorization: `Basic ${btoa('client123:secret456')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        })
      const first = await ask()
      expect(first.status).toBe(200)
      const { access_token } = (await first.json()) as { access_token: string }
      const { protectedHeader } = await jwtVerify(
        access_token,
        createRemoteJWKSet(new URL(`${op.issuer}/jwks.json`)),
      )
      expect(protectedHeader.alg).toBe('ES256')

      const [row] = await line.json<{ alg: string; source: string; version: string; kid: string }[]>(
        'keys',
        'list',
        '--json',
      )
      expect(row).toMatchObject({ alg: 'ES256', source: 'vault-transit:transit/es256', version: '1' })
      expect(protectedHeader.kid).toBe(row!.kid)
      expect((await line.latchkey(['keys', 'list'])).stdout).toContain('vault-transit:transit/es256 1')

      vault.seal(true)
      const refused = await ask()
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('2')
      expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
      await until(() => op.output().includes('signer_unavailable'), 'the line')
      const lines = op
        .output()
        .split('\n')
        .filter((each) => each.includes(refused.headers.get('x-request-id')!))
      expect(lines).toHaveLength(1)
      expect(JSON.parse(lines[0]!)).toMatchObject({
        event: 'signer_unavailable',
        client_id: 'client123',
        address: expect.any(String),
        problem: 'vault-transit:transit/es256: Vault did not sign: 503 "Vault is sealed"',
      })
      const health = await fetch(`${op.issuer}/health`)
      expect(health.status).toBe(200)
      expect(await health.json()).toMatchObject({
        checks: { signing_services: 'unreachable' },
        details: { signing_services: { ES256: { problem: expect.stringContaining('sealed') } } },
      })
      const metrics = await (await fetch(`${op.issuer}/metrics`)).text()
      expect(metrics).toContain('latchkey_remote_signatures_total{alg="ES256",result="failed"} 1')
      expect(metrics).toContain('latchkey_health_check{check="signing_services",essential="false"} 0')
      const command = await line.latchkey(['keys', 'rotate', '--alg', 'ES256'])
      expect(command.code).toBe(1)
      expect(command.stderr).toContain(
        'vault-transit:transit/es256: Vault refused the sign-in by approle: 503',
      )

      vault.seal(false)
      expect((await ask()).status).toBe(200)
      expect(await (await fetch(`${op.issuer}/health`)).json()).toMatchObject({
        checks: { signing_services: 'ok' },
      })
      const rotated = await line.latchkey(['keys', 'rotate', '--alg', 'ES256'])
      expect(rotated.stdout).toContain('is published, starts signing at')
      for (const secret of ['our-secret-id', ...vault.tokens]) expect(op.output()).not.toContain(secret)
    } finally {
      await op.stop()
      line.remove()
    }
  })

  test('a reload refuses another Vault while it keeps keys, and takes it where it keeps none', () => {
    const at = (more: Record<string, string>) => loadConfig({ ...env, ...more }, { featureEntries })
    const other = { VAULT_SECRET_ID: 'another' }
    expect(() => requireReloadable(at({}), at(other))).toThrow('VAULT_SECRET_ID: needs a restart')
    const none = { SIGNING_KEY_SOURCES: '' }
    expect(() => requireReloadable(at(none), at({ ...none, ...other }))).not.toThrow()
  })

  test('a first start without the service says so and ends; settings that do not fit are said', async () => {
    const line = commandLine(env)
    vault.seal(true)
    const ended = await line.latchkey(['serve'])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain(
      'SIGNING_KEY_SOURCES: vault-transit:transit/es256: Vault refused the sign-in',
    )
    line.remove()
    const cases: [Record<string, string>, string][] = [
      [{ SIGNING_KEY_SOURCES: 'ES256' }, 'SIGNING_KEY_SOURCES: expected ALG=SOURCE pairs'],
      [{ SIGNING_KEY_SOURCES: 'ES512=awskms:alias/a' }, 'SIGNING_KEY_SOURCES: expected ALG=SOURCE pairs'],
      [
        { SIGNING_KEY_SOURCES: 'ES256=vault-transit:transit/../sys/seal' },
        'got "ES256=vault-transit:transit/../sys/seal"',
      ],
      [{ SIGNING_KEY_SOURCES: 'ES256=vault-transit:transit/a%2Fb' }, 'expected ALG=SOURCE pairs'],
      [{ SIGNING_KEY_SOURCES: 'ES256=vault-transit:transit/a?b' }, 'expected ALG=SOURCE pairs'],
      [{ SIGNING_KEY_SOURCES: 'ES256=awskms:alias/a\u0000' }, 'expected ALG=SOURCE pairs'],
      [
        { SIGNING_KEY_SOURCES: 'ES256=awskms:alias/a RS256=awskms:alias/a' },
        'a key of its own for each algorithm',
      ],
      [{ SIGNING_KEY_SOURCES: 'ES256=awskms:alias/a ES256=awskms:alias/b' }, 'expected one source for ES256'],
      [{ SIGNING_KEY_SOURCES: 'EdDSA=awskms:alias/a' }, 'expected a source other than awskms for EdDSA'],
      [{ SIGNING_KEY_SOURCES: 'ES256=vault-transit:t/k' }, 'VAULT_ADDR: required with vault-transit:'],
      [
        { SIGNING_KEY_SOURCES: 'ES256=awskms:alias/a', SIGNING_ALGS: 'RS256' },
        'expected algorithms of SIGNING_ALGS (RS256), got "ES256"',
      ],
      [
        { SIGNING_KEY_SOURCES: 'RS256=awskms:alias/a', PRIVATE_KEY_PATH: '/k.pem' },
        'PRIVATE_KEY_PATH: expected none',
      ],
    ]
    for (const [settings, said] of cases) expect(() => loadConfig(settings, { featureEntries })).toThrow(said)
  })
})
