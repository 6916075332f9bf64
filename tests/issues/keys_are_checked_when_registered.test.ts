/** Keys that verify nothing, or everything, were registered with 201 and answered with 401 ever after. Issue 8, A.12 */
import { expect, test } from 'bun:test'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readJwks } from '../../src/auth/client_jwks.ts'
import type { Json } from '../support/client.ts'
import { provider } from '../support/provider.ts'
import { manage, register, registered } from '../support/registration.ts'

const publicOf = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'jwk' }) as Json
const ecKey = (namedCurve: string) => publicOf(generateKeyPairSync('ec', { namedCurve }))
const rsaKey = (modulusLength: number) => publicOf(generateKeyPairSync('rsa', { modulusLength }))

const rsa = rsaKey(2048)
const ec = ecKey('P-256')
const p384 = ecKey('P-384')
const ed = publicOf(generateKeyPairSync('ed25519'))
const x25519 = publicOf(generateKeyPairSync('x25519'))

const redirect_uris = ['https://app.example/cb']
const client = (keys: Json[], more: Json = {}) => ({
  redirect_uris,
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys },
  ...more,
})

const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
const hex = (text: string) => Buffer.from(text, 'hex').toString('base64url')
/** A coordinate as it is, but for its last bit. */
const bent = (value: unknown) => {
  const bytes = Buffer.from(String(value), 'base64url')
  bytes[bytes.length - 1]! ^= 1
  return encode(bytes)
}
const edwards = (text: string) => ({ ...ed, x: hex(text) })

const broken: Record<string, Json> = {
  'a point off P-256': { ...ec, y: bent(ec.y) },
  'a point off P-384': { ...p384, y: bent(p384.y) },
  'coordinates of zero': { ...ec, x: encode(new Uint8Array(32)), y: encode(new Uint8Array(32)) },
  'a short coordinate': { ...ec, x: 'AQ' },
  'a long coordinate': { ...ec, x: encode(new Uint8Array(33)) },
  'a coordinate that is missing': { kty: 'EC', crv: 'P-256', x: ec.x },
  'coordinates of another curve': { ...ec, crv: 'P-384' },
  'an unknown curve': { ...ec, crv: 'P-257' },
  'no curve': { ...ec, crv: undefined },
  'a curve of another kty': { ...ec, crv: 'Ed25519' },
  'Ed25519 at infinity (y = 1)': edwards(`01${'00'.repeat(31)}`),
  'Ed25519 of y = 0': edwards('00'.repeat(32)),
  'Ed25519 of y = 0, negative': edwards(`${'00'.repeat(31)}80`),
  'Ed25519 of order 2': edwards(`ec${'ff'.repeat(30)}7f`),
  'Ed25519 of order 8': edwards('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  'Ed25519 of order 8, negative': edwards('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'),
  'Ed25519 of order 8, the other': edwards(
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ),
  'Ed25519 of small order, spelled with p': edwards(`ee${'ff'.repeat(30)}7f`),
  'Ed25519 off the curve (y = 2)': edwards(`02${'00'.repeat(31)}`),
  'Ed25519 of 31 bytes': { ...ed, x: encode(new Uint8Array(31).fill(9)) },
  'X25519 of small order': {
    ...x25519,
    x: hex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
  },
  'X25519 of zero': { ...x25519, x: encode(new Uint8Array(32)) },
  'RSA of 1024 bits': rsaKey(1024),
  'RSA of 2048 bits, of which many are zero': {
    ...rsa,
    n: encode(Buffer.concat([Buffer.alloc(128), Buffer.alloc(128, 255)])),
  },
  'RSA of 20,000 bits': { ...rsa, n: encode(Buffer.alloc(2500, 255)) },
  'RSA with an even modulus': { ...rsa, n: bent(rsa.n) },
  'RSA with e = 1': { ...rsa, e: 'AQ' },
  'RSA with e = 3': { ...rsa, e: 'Aw' },
  'RSA with an even e': { ...rsa, e: 'AQAA' },
  'RSA with e of 256 bytes': { ...rsa, e: rsa.n },
  'RSA without e': { ...rsa, e: undefined },
  'RSA whose e is a number': { ...rsa, e: 65537 },
  'padded base64 (RSA)': { ...rsa, n: `${String(rsa.n)}==` },
  'padded base64 (EC)': { ...ec, x: `${String(ec.x)}=` },
  'padded base64 (Ed25519)': { ...ed, x: `${String(ed.x)}=` },
  'base64 that is not base64url': { ...ed, x: `${'+/'.repeat(21)}A` },
  'white space': { ...ed, x: ` ${String(ed.x)}` },
  'alg of another kty': { ...ec, alg: 'RS256' },
  'alg of another curve': { ...p384, alg: 'ES256' },
  'alg HS256': { ...rsa, alg: 'HS256' },
  'alg none': { ...rsa, alg: 'none' },
  'alg for encryption with use sig': { ...rsa, alg: 'RSA-OAEP-256', use: 'sig' },
  'alg for signatures with use enc': { ...rsa, alg: 'PS256', use: 'enc' },
}

test.each(Object.entries(broken))('%s: 400 when registered, beside a good key too', async (_, key) => {
  const op = await provider()
  for (const keys of [[key], [{ ...ec, kid: 'good' }, key]])
    for (const more of [{}, { token_endpoint_auth_method: 'client_secret_basic' }]) {
      const { status, body } = await register(op, client(keys, more))
      expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
    }
})

test.each(Object.entries(broken))('%s: passed over in a set that comes by URL', (_, key) => {
  expect(readJwks({ keys: [key, ec] })).toEqual([ec as never])
})

test('keys that were made as they should be are all whole', () => {
  for (let i = 0; i < 50; i++) {
    const keys = [
      publicOf(generateKeyPairSync('ed25519')),
      publicOf(generateKeyPairSync('x25519')),
      ecKey('P-521'),
    ]
    expect(readJwks({ keys })).toHaveLength(3)
  }
})

test('an update is looked at as a registration is', async () => {
  const op = await provider()
  const body = await registered(op, client([{ ...ec, kid: 'a' }]))
  const token = body.registration_access_token
  const put = (keys: Json[]) => manage(op, 'PUT', body, token, { ...client(keys), client_id: body.client_id })
  expect((await put([{ ...ec, y: bent(ec.y) }])).status).toBe(400)
})

test('whole keys of every kind are registered, and an unknown kty or curve is passed over', async () => {
  const op = await provider()
  const unknown = [
    { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' },
    { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' },
    { kty: 'OKP', crv: 'Ed448', x: 'AA' },
  ]
  for (const key of [
    rsa,
    ec,
    ed,
    { ...ed, alg: 'EdDSA' },
    { ...ed, alg: 'Ed25519' },
    { ...rsa, alg: 'PS256', use: 'sig' },
  ]) {
    expect((await register(op, client([key]))).status).toBe(201)
    expect((await register(op, client([...unknown, key]))).status).toBe(201)
  }
  for (const key of [p384, x25519, { ...rsa, use: 'enc' }])
    expect((await register(op, client([key, ec]))).status).toBe(201)
  expect(readJwks({ keys: [...unknown, ec] })).toEqual([ec as never])
  for (const member of ['d', 'k', 'priv'])
    expect((await register(op, client([{ kty: 'AKP', alg: 'ML-DSA-44', [member]: 'AA' }, ec]))).status).toBe(
      400,
    )
})

test('metadata that contradicts itself or its keys', async () => {
  const op = await provider()
  for (const metadata of [
    client([rsa], { token_endpoint_auth_signing_alg: 'HS256' }),
    {
      redirect_uris,
      token_endpoint_auth_method: 'client_secret_jwt',
      token_endpoint_auth_signing_alg: 'RS256',
    },
    client([rsa], { token_endpoint_auth_signing_alg: 'ES256' }),
    client([{ ...rsa, alg: 'RS256' }], { token_endpoint_auth_signing_alg: 'PS256' }),
    client([{ ...rsa, use: 'enc' }]),
    client([p384]),
    client([x25519]),
    client([{ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }]),
    client([
      { ...ec, kid: 'one' },
      { ...ecKey('P-256'), kid: 'one' },
    ]),
  ])
    expect([metadata, (await register(op, metadata)).status]).toEqual([metadata, 400])
})
