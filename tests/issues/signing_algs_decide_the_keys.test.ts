/** SIGNING_ALGS limited what was accepted, and the JWKS had a key for every algorithm, those for encryption included. Issue 8, B.28; 67 */
import { describe, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { thumbprint } from '../../src/auth/jwk.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { headerOf, type Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { authorize, browser, open, operatorClient, redeem, tokensOf } from '../support/flow.ts'
import { provider, type ProviderOptions } from '../support/provider.ts'
import { register } from '../support/registration.ts'

const start = (env: Record<string, string>, more: ProviderOptions = {}) =>
  provider({ env, keyStorage: memoryStore({ now: () => 0 }), ...more })
type Key = { kid: string; use: string; alg?: string; n?: string; kty: string }
const keysOf = async (op: { fetch: (path: string) => Promise<Response> }) =>
  ((await (await op.fetch('/jwks.json')).json()) as { keys: Key[] }).keys

describe('the JWKS', () => {
  for (const [name, env, algs] of [
    ['RS256 alone', { SIGNING_ALGS: 'RS256' }, ['RS256']],
    ['one curve', { SIGNING_ALGS: 'ES256', ACCESS_TOKEN_ALG: 'ES256' }, ['ES256']],
    ['two', { SIGNING_ALGS: 'EdDSA RS256' }, ['RS256', 'EdDSA']],
    ['the default', {}, ['RS256', 'PS256', 'ES256', 'EdDSA']],
    ['FAPI 2.0', { PROFILE: 'fapi2' }, ['PS256', 'ES256', 'EdDSA']],
    ['with encryption', { SIGNING_ALGS: 'RS256', ENCRYPTION_ALGS: 'ECDH-ES' }, ['RS256', undefined]],
    [
      'with RSA encryption',
      { SIGNING_ALGS: 'RS256', ENCRYPTION_ALGS: 'RSA-OAEP-256' },
      ['RS256', 'RSA-OAEP-256'],
    ],
  ] as [string, Record<string, string>, (string | undefined)[]][])
    test(`${name}: a key for each algorithm in use, before and after a rotation`, async () => {
      const op = await start(env)
      expect((await keysOf(op)).map(({ alg }) => alg)).toEqual(algs)
      const rotated = await op.context.keys.rotate()
      expect(rotated).toHaveLength(algs.length)
      const signing = algs.slice(0, env.ENCRYPTION_ALGS === undefined ? undefined : 1)
      const published = (await keysOf(op)).filter(({ use }) => use === 'sig')
      expect(published.map(({ alg }) => alg)).toEqual(signing.flatMap((alg) => [alg, alg]))
    })

  test('a key of an algorithm that is taken away is published while its tokens live; then it is gone', async () => {
    const keyStorage = memoryStore({ now: () => 0 })
    const before = await start({ ENCRYPTION_ALGS: 'RSA-OAEP-256' }, { keyStorage })
    const op = await start({ SIGNING_ALGS: 'RS256' }, { keyStorage, clock: before.clock })
    expect((await keysOf(op)).map(({ alg }) => alg)).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA'])
    expect(op.context.keys.list().filter(({ retires_at }) => retires_at === undefined)).toHaveLength(1)
    op.clock.advance(3_661_000)
    expect((await keysOf(op)).map(({ alg }) => alg)).toEqual(['RS256'])
    await op.context.keys.refresh()
    expect(JSON.parse((await keyStorage.get('key_ring'))!)).toMatchObject({ keys: { length: 1 } })
  })

  test('taken back in time, it stays', async () => {
    const keyStorage = memoryStore({ now: () => 0 })
    const before = await start({}, { keyStorage })
    const { clock } = before
    await start({ SIGNING_ALGS: 'RS256' }, { keyStorage, clock })
    clock.advance(60_000)
    const after = await start({}, { keyStorage, clock })
    clock.advance(36_000_000)
    await after.context.keys.refresh()
    expect(await keysOf(after)).toEqual(await keysOf(before))
  })
})

describe('a client', () => {
  test('that still has an algorithm taken away gets a refusal that names the switch', async () => {
    const op = await start({ SIGNING_ALGS: 'ES256', ACCESS_TOKEN_ALG: 'ES256' })
    const client = await operatorClient(op, { client_id: 'old', id_token_signed_response_alg: 'RS256' })
    const code = await authorize(op, browser(op), client)
    const { status, body } = await redeem(op, client, code)
    expect([status, body.error]).toEqual([400, 'unauthorized_client'])
    expect(body.error_description).toContain('SIGNING_ALGS')
    const { id_token } = await tokensOf(op, browser(op))
    expect(headerOf(id_token).alg).toBe('ES256')
  })

  test('registers encryption to the provider only where there is a key for it', async () => {
    const redirect_uris = ['https://app.example/cb']
    const wants = { redirect_uris, request_object_encryption_alg: 'RSA-OAEP-256' }
    const without = await start({})
    const refused = await register(without, wants)
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(refused.body.error_description).toContain('ENCRYPTION_ALGS')
    expect((await register(without, { redirect_uris, request_object_encryption_alg: 'dir' })).status).toBe(
      201,
    )
    const offered = async (op: typeof without): Promise<unknown> =>
      ((await (await op.fetch('/.well-known/openid-configuration')).json()) as Json)
        .request_object_encryption_alg_values_supported
    expect(await offered(without)).toEqual(['dir', 'A128KW', 'A256KW'])
    const op = await start({ ENCRYPTION_ALGS: 'RSA-OAEP-256' })
    expect(await offered(op)).toContain('RSA-OAEP-256')
    expect((await register(op, wants)).status).toBe(201)
  })

  test('gets JARM responses by RS256 unless it registered otherwise, whatever comes first in SIGNING_ALGS (JARM §3)', async () => {
    const op = await start({ SIGNING_ALGS: 'ES256 RS256' })
    const who = browser(op)
    const client = await operatorClient(op, { client_id: 'jarm' })
    const chosen = await operatorClient(op, {
      client_id: 'chosen',
      authorization_signed_response_alg: 'ES256',
    })
    const algOf = async (asked: typeof client) => {
      await authorize(op, who, asked)
      const { location } = await open(op, who, { response_mode: 'jwt' }, asked)
      return headerOf(location!.searchParams.get('response')!).alg
    }
    expect([await algOf(client), await algOf(chosen)]).toEqual(['RS256', 'ES256'])
  })
})

test('RSA_KEY_SIZE is the size of new RSA keys, those for encryption too', async () => {
  const op = await start({ SIGNING_ALGS: 'RS256', ENCRYPTION_ALGS: 'RSA-OAEP-256', RSA_KEY_SIZE: '3072' })
  for (const { n } of await keysOf(op)) expect(Buffer.from(n!, 'base64url')).toHaveLength(384)
})

test('`keys rotate` rotates the keys in use, and names the switch for others', async () => {
  const cli = commandLine({ SIGNING_ALGS: 'RS256', KEY_ACTIVATION_DELAY: '600' })
  try {
    expect(await cli.json<{ alg: string }[]>('keys', 'rotate', '--json')).toMatchObject([{ alg: 'RS256' }])
    expect(await cli.json<{ alg: string }[]>('keys', 'list', '--json')).toHaveLength(2)
    const { code, stderr } = await cli.latchkey(['keys', 'rotate', '--alg', 'ES256'])
    expect(code).toBe(2)
    expect(stderr).toContain('SIGNING_ALGS')
  } finally {
    cli.remove()
  }
})

test('a PEM key of the operator signs by PS256 where RS256 is not in use; the files of development show none', async () => {
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const cli = commandLine({ PROFILE: 'fapi2' })
  const path = join(cli.folder, 'own.pem')
  writeFileSync(path, own.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const imported = commandLine({ PROFILE: 'fapi2', PRIVATE_KEY_PATH: path })
  const unusable = commandLine({
    SIGNING_ALGS: 'ES256',
    ACCESS_TOKEN_ALG: 'ES256',
    PRIVATE_KEY_PATH: path,
  })
  try {
    await cli.json('keys', 'generate', '--json')
    expect(existsSync(join(cli.folder, 'keys/private.pem'))).toBe(false)
    const kid = thumbprint(own.privateKey.export({ format: 'jwk' }))
    const keys = await imported.json<{ kid: string; alg: string }[]>('keys', 'list', '--json')
    expect(keys.find((key) => key.kid === kid)?.alg).toBe('PS256')
    const { code, stderr } = await unusable.latchkey(['keys', 'list'])
    expect(code).toBe(2)
    expect(stderr).toContain('SIGNING_ALGS: expected RS256 or PS256 for the RSA key of PRIVATE_KEY_PATH')
  } finally {
    for (const each of [cli, imported, unusable]) each.remove()
  }
})
