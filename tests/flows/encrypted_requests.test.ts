/** Request objects encrypted to this provider: signed by the client, read by nobody on the way. https://www.rfc-editor.org/rfc/rfc9101#section-4 */
import { describe, expect, test } from 'bun:test'
import { CompactEncrypt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { deflateRawSync } from 'node:zlib'
import { keyFromSecret } from '../../src/features/encryption/algorithms.ts'
import { decrypt } from '../../src/features/encryption/decrypt.ts'
import { Client } from '../../src/models/client.ts'
import { loadKeyRing } from '../../src/models/key_ring.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { bob, browser, operatorClient, outcome, post, read, redeem, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'c1', use: 'sig' }] }
const utf8 = (text: string) => new TextEncoder().encode(text)

async function start(metadata: Json = {}): Promise<{ op: Provider; client: TestClient }> {
  const op = await provider({
    env: { RATE_LIMITING_ENABLED: 'false', ENCRYPTION_ALGS: 'RSA-OAEP-256 ECDH-ES' },
  })
  return { op, client: await operatorClient(op, { client_id: 'encrypter', jwks, ...metadata }) }
}

const published = async (op: Provider): Promise<JWK[]> =>
  (await read(await op.fetch('/jwks.json'))).body.keys as JWK[]
const encryptionKey = async (op: Provider, kty: string): Promise<JWK> =>
  (await published(op)).find((key) => key.use === 'enc' && key.kty === kty)!

async function signed(op: Provider, client: TestClient, more: Json = {}) {
  const { params, code_verifier } = authorizationUrl(op.issuer, client)
  const claims = { ...params, iss: client.client_id, aud: op.issuer, ...more }
  const header = { alg: 'ES256', kid: 'c1', typ: 'oauth-authz-req+jwt' }
  return { jwt: await new SignJWT(claims).setProtectedHeader(header).sign(privateKey), params, code_verifier }
}

const encrypt = (
  text: string,
  key: CryptoKey | JWK | Uint8Array,
  header: { alg: string; enc: string; kid?: string },
) => new CompactEncrypt(utf8(text)).setProtectedHeader({ ...header, cty: 'JWT' }).encrypt(key)

const urlOf = (op: Provider, client: TestClient, request: string) =>
  `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request })}`

/** Code and words of the error that this request object gets. */
async function refusal(op: Provider, client: TestClient, request: string) {
  const fields = { request, redirect_uri: client.redirect_uri }
  const answer = await read(await op.fetch('/par', formPost(client, fields)))
  return [answer.status, answer.body.error, answer.body.error_description]
}

const rows: [alg: string, enc: string, key: 'RSA' | 'EC' | number, named: boolean][] = [
  ['RSA-OAEP-256', 'A128CBC-HS256', 'RSA', true],
  ['RSA-OAEP-256', 'A256GCM', 'RSA', false],
  ['ECDH-ES', 'A256CBC-HS512', 'EC', true],
  ['ECDH-ES+A128KW', 'A128GCM', 'EC', true],
  ['ECDH-ES+A256KW', 'A256GCM', 'EC', false],
  ['dir', 'A256CBC-HS512', 512, false],
  ['A128KW', 'A128GCM', 128, false],
  ['A256KW', 'A128CBC-HS256', 256, false],
]

test.each(rows)('%s with %s', async (alg, enc, which, named) => {
  const { op, client } = await start({
    request_object_encryption_alg: alg,
    request_object_encryption_enc: enc,
  })
  const jwk = typeof which === 'string' ? await encryptionKey(op, which) : undefined
  const key = jwk ?? keyFromSecret(client.client_secret!, Number(which))
  const { jwt, params, code_verifier } = await signed(op, client)
  const header = { alg, enc, ...(named && { kid: jwk!.kid! }) }
  const location = await browser(op).goThrough(urlOf(op, client, await encrypt(jwt, key, header)))
  expect(location.searchParams.get('state')).toBe(params.state!)
  const code = location.searchParams.get('code')!
  expect((await redeem(op, client, { code, code_verifier })).status).toBe(200)
})

test('pushed as well, and by an instance that did not make the keys', async () => {
  const { op, client } = await start()
  const other = await provider({ store: op.context.store, clock: op.clock })
  const { jwt } = await signed(op, client)
  const key = await encryptionKey(op, 'EC')
  const request = await encrypt(jwt, key, { alg: 'ECDH-ES', enc: 'A128GCM', kid: key.kid! })
  expect((await post(other, '/par', client, { request })).status).toBe(201)
})

describe('hostile', () => {
  const gcm = { alg: 'ECDH-ES', enc: 'A128GCM' }
  const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test('every failure to decrypt is the same failure', async () => {
    const { op, client } = await start()
    const { jwt } = await signed(op, client)
    const [ec, rsa] = [await encryptionKey(op, 'EC'), await encryptionKey(op, 'RSA')]
    const good = await encrypt(jwt, ec, { ...gcm, kid: ec.kid! })
    expect((await post(op, '/par', client, { request: good })).status).toBe(201)
    const [head = '', cek = '', iv = '', body = '', tag = ''] = good.split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Json
    const rejoin = (changed: Json, ...rest: string[]) => [b64({ ...header, ...changed }), ...rest].join('.')
    const rsaJwe = await encrypt(jwt, rsa, { alg: 'RSA-OAEP-256', enc: 'A128GCM', kid: rsa.kid! })
    const rsaParts = rsaJwe.split('.')
    const stranger = await generateKeyPair('RSA-OAEP-256')
    const strangerEc = await generateKeyPair('ECDH-ES')
    const epk = header.epk as JWK
    const secret = keyFromSecret(client.client_secret!, 128)
    const hostile: Record<string, string> = {
      'wrong RSA key': await encrypt(jwt, stranger.publicKey, {
        alg: 'RSA-OAEP-256',
        enc: 'A128GCM',
        kid: rsa.kid!,
      }),
      'wrong EC key': await encrypt(jwt, strangerEc.publicKey, { ...gcm, kid: ec.kid! }),
      'key of nobody': await encrypt(jwt, ec, { ...gcm, kid: 'nobody' }),
      'RSA for EC': rejoin({ kid: rsa.kid }, cek, iv, body, tag),
      'secret of another': await encrypt(jwt, keyFromSecret('secret456', 128), {
        alg: 'dir',
        enc: 'A128GCM',
      }),
      'secret with another hash': await encrypt(jwt, secret.toReversed(), { alg: 'dir', enc: 'A128GCM' }),
      'alg swapped': rejoin({ alg: 'ECDH-ES+A128KW' }, cek, iv, body, tag),
      'alg swapped to dir': rejoin({ alg: 'dir' }, cek, iv, body, tag),
      'enc swapped': rejoin({ enc: 'A256GCM' }, cek, iv, body, tag),
      'enc unknown': rejoin({ enc: 'A128GCMX' }, cek, iv, body, tag),
      'header re-spelled': rejoin({ x: 1 }, cek, iv, body, tag),
      crit: rejoin({ crit: ['exp'], exp: 1 }, cek, iv, body, tag),
      RSA1_5: [b64({ alg: 'RSA1_5', enc: 'A128GCM', kid: rsa.kid }), ...rsaParts.slice(1)].join('.'),
      'RSA-OAEP with SHA-1': [
        b64({ alg: 'RSA-OAEP', enc: 'A128GCM', kid: rsa.kid }),
        ...rsaParts.slice(1),
      ].join('.'),
      PBES2: rejoin(
        { alg: 'PBES2-HS512+A256KW', p2s: 'AAAAAAAAAAAAAAAAAAAAAA', p2c: 2 ** 31 },
        'AAAA',
        iv,
        body,
        tag,
      ),
      'point off the curve': rejoin({ epk: { ...epk, y: epk.x } }, cek, iv, body, tag),
      'point at zero': rejoin({ epk: { ...epk, x: 'AA', y: 'AA' } }, cek, iv, body, tag),
      'point of another curve': rejoin({ epk: { ...epk, crv: 'P-384' } }, cek, iv, body, tag),
      'no point': rejoin({ epk: undefined }, cek, iv, body, tag),
      'tag cut': [head, cek, iv, body, tag.slice(0, 10)].join('.'),
      'tag gone': [head, cek, iv, body, ''].join('.'),
      'text cut': [head, cek, iv, body.slice(0, -8), tag].join('.'),
      'RSA key cut': rsaParts.with(1, rsaParts[1]!.slice(0, 40)).join('.'),
      'RSA key gone': rsaParts.with(1, '').join('.'),
      'RSA tag changed': rsaParts.with(4, 'A'.repeat(22)).join('.'),
      'no header': ['', cek, iv, body, tag].join('.'),
      'header is a list': [b64([]), cek, iv, body, tag].join('.'),
      'kid is a number': rejoin({ kid: 7 }, cek, iv, body, tag),
      dots: '....',
    }
    const answers = new Set<string>()
    for (const [name, request] of Object.entries(hostile)) {
      const answer = await refusal(op, client, request)
      expect([name, answer[0], answer[1]]).toEqual([name, 400, 'invalid_request_object'])
      answers.add(String(answer[2]))
    }
    expect(answers.size).toBe(1)
    expect((await post(op, '/par', client, { request: good })).status).toBe(201) // and no harm was done
  })

  test('a signing key of ours does not decrypt', async () => {
    const { op, client } = await start()
    const { jwt } = await signed(op, client)
    for (const jwk of (await published(op)).filter(({ use, kty }) => use === 'sig' && kty !== 'OKP')) {
      const { use: _, key_ops: __, ...plain } = jwk
      const alg = jwk.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES'
      const key = await importJWK({ ...plain, alg }, alg)
      const request = await encrypt(jwt, key, { alg, enc: 'A128GCM', kid: jwk.kid! })
      expect((await refusal(op, client, request))[1]).toBe('invalid_request_object')
    }
    const { kid } = await encryptionKey(op, 'EC')
    expect(op.context.keys.find(kid!)).toBeUndefined() // nor does one that decrypts verify
  })

  test('compressed: refused unopened, be it a bomb or a good request', async () => {
    const { op, client } = await start()
    const key = keyFromSecret(client.client_secret!, 128)
    // Sealed by hand, as a library may refuse to.
    const sealed = async (content: Uint8Array<ArrayBuffer>, header: Json) => {
      const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
      const head = b64({ alg: 'dir', enc: 'A128GCM', ...header })
      const iv = crypto.getRandomValues(new Uint8Array(12))
      const aes = await crypto.subtle.importKey('raw', new Uint8Array(key), 'AES-GCM', false, ['encrypt'])
      const parameters = { name: 'AES-GCM', iv, additionalData: utf8(head) }
      const out = Buffer.from(await crypto.subtle.encrypt(parameters, aes, content))
      return [head, '', text(iv), text(out.subarray(0, -16)), text(out.subarray(-16))].join('.')
    }
    const jwt = Buffer.from((await signed(op, client)).jwt)
    expect((await post(op, '/par', client, { request: await sealed(jwt, {}) })).status).toBe(201)
    for (const content of [deflateRawSync(jwt), deflateRawSync(Buffer.alloc(20_000_000, 32))]) {
      const request = await sealed(content, { zip: 'DEF' })
      expect(request.length).toBeLessThan(32_768)
      expect((await refusal(op, client, request))[1]).toBe('invalid_request_object')
    }
  })

  test('what is inside must be a signed request: not claims, not an unsigned one, not another JWE', async () => {
    const { op, client } = await start()
    const { jwt, params } = await signed(op, client)
    const key = await encryptionKey(op, 'EC')
    const inside = [
      JSON.stringify(params),
      new UnsecuredJWT({ ...params }).encode(),
      await encrypt(jwt, key, gcm),
      (await signed(op, client, { aud: 'https://other.example' })).jwt,
      '',
      '\u0000'.repeat(100),
    ]
    for (const text of inside)
      expect((await refusal(op, client, await encrypt(text, key, gcm)))[1]).toBe('invalid_request_object')
    const huge = await encrypt('x'.repeat(60_000), key, gcm)
    expect((await refusal(op, client, huge))[1]).toBeOneOf(['invalid_request_object', 'payload_too_large'])
  })

  test('a point off its curve fails its own request and no other', async () => {
    const { op, client } = await start()
    const { jwt } = await signed(op, client)
    const key = await encryptionKey(op, 'EC')
    const good = await encrypt(jwt, key, gcm)
    const [head = '', ...rest] = good.split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { epk: JWK }
    const bad = [b64({ ...header, epk: { ...header.epk, y: header.epk.x } }), ...rest].join('.')
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        op.fetch('/par', formPost(client, { request: i % 2 ? bad : good })),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: 40 }, (_, i) => (i % 2 ? 400 : 201)),
    )
  })

  test('a store that is out is an outage, not a decryption failure', async () => {
    const { op, client } = await start()
    const { jwt } = await signed(op, client)
    const key = await encryptionKey(op, 'EC')
    const storage = memoryStore(op.clock)
    const keys = await loadKeyRing({
      ...{ storage, clock: op.clock, log: op.context.log, sealingKey: op.context.secrets.keyRing },
      ...{ algs: ['ECDH-ES'], activationDelay: 600, retention: 3600 },
    })
    storage.get = () => Promise.reject(new StoreUnavailable('gone'))
    const record = (await Client.find(op.context, client.client_id))!
    const context = { ...op.context, keys }
    await expect(
      decrypt(context, await encrypt(jwt, key, { ...gcm, kid: key.kid! }), record),
    ).rejects.toThrow(StoreUnavailable)
  })
})

describe('id_token_hint, encrypted to us or under the client’s secret', () => {
  const header = { enc: 'A256GCM' }
  async function stage() {
    const { op, client } = await start({
      post_logout_redirect_uris: ['https://rp.example/bye'],
      redirect_uris: ['https://rp.example/cb'],
    })
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, client, { scope: 'openid' })
    const under = async (alg: string) =>
      alg === 'dir'
        ? encrypt(id_token, keyFromSecret(client.client_secret!, 256), { alg, ...header })
        : encrypt(id_token, await encryptionKey(op, alg.startsWith('RSA') ? 'RSA' : 'EC'), { alg, ...header })
    return { op, client, who, id_token, under }
  }

  for (const alg of ['RSA-OAEP-256', 'ECDH-ES', 'dir'])
    test(`${alg}: at the authorization endpoint and to sign out`, async () => {
      const { op, client, who, under } = await stage()
      const more = { scope: 'openid', prompt: 'none', id_token_hint: await under(alg) }
      expect(await outcome(op, who, more, client)).toBe('code')
      const other = browser(op)
      await tokensOf(op, other, client, { scope: 'openid' }, bob)
      expect(await outcome(op, other, more, client)).toBe('error:login_required')

      const query = new URLSearchParams({
        id_token_hint: await under(alg),
        post_logout_redirect_uri: 'https://rp.example/bye',
        ...(alg === 'dir' && { client_id: client.client_id }),
      })
      expect((await who.open(`${op.issuer}/logout?${query}`)).location!.href).toBe('https://rp.example/bye')
      expect(await outcome(op, who, { scope: 'openid', prompt: 'none' }, client)).toBe('error:login_required')
    })

  test('what is inside must be an ID Token of ours, under a key that this client has', async () => {
    const { op, client, who, id_token, under } = await stage()
    const key = await encryptionKey(op, 'RSA')
    const alg = 'RSA-OAEP-256'
    const stranger = await operatorClient(op, { client_id: 'stranger' })
    const [head, , ...rest] = (await under(alg)).split('.')
    for (const id_token_hint of [
      await encrypt('{"sub":"user-alice"}', key, { alg, ...header }),
      await encrypt(new UnsecuredJWT({ sub: 'user-alice' }).encode(), key, { alg, ...header }),
      await encrypt(await under(alg), key, { alg, ...header }),
      await encrypt(id_token, keyFromSecret(stranger.client_secret!, 256), { alg: 'dir', ...header }),
      [head, 'AAAA', ...rest].join('.'),
      '....',
    ])
      expect([id_token_hint, await outcome(op, who, { prompt: 'none', id_token_hint }, client)]).toEqual([
        id_token_hint,
        'error:invalid_request',
      ])
    const unnamed = await op.fetch(`/logout?id_token_hint=${await under('dir')}`)
    expect(unnamed.status).toBe(400) // whose secret?
  })
})
