/** A token is ours only when one of our keys signed exactly it, for exactly this use. Every test here is a forgery that must fail. */
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as rawSign,
} from 'node:crypto'
import { describe, expect, test } from 'bun:test'
import { generateKey, importPem, publicJwk, type SigningAlg, toPem } from '../../../src/auth/jwk.ts'
import {
  kidOf,
  sign,
  signingKey,
  type VerificationKey,
  verificationKey,
  verify,
} from '../../../src/auth/jws.ts'
import { signingAlgs } from '../../../src/auth/registration.ts'

const secrets = new Map<SigningAlg, KeyObject>()
for (const alg of signingAlgs) secrets.set(alg, await generateKey(alg))
const secretOf = (alg: SigningAlg): KeyObject => secrets.get(alg)!
const kidFor = (alg: SigningAlg): string => publicJwk(secretOf(alg).export({ format: 'jwk' }), alg).kid

const published = new Map<string, VerificationKey>(
  signingAlgs.map((alg) => [kidFor(alg), verificationKey(kidFor(alg), alg, secretOf(alg))]),
)
const keys = { find: (kid: string) => published.get(kid) }

const claims = { iss: 'https://op.example', sub: 'alice' }
const make = async (alg: SigningAlg, typ = 'at+jwt', payload: object = claims): Promise<string> =>
  sign(signingKey(kidFor(alg), alg, secretOf(alg)), typ, payload)

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
/** A token of any header, its signature by `key` over what was encoded. */
const forge = (header: unknown, signer: (input: string) => Buffer, payload: unknown = claims): string => {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${signer(input).toString('base64url')}`
}
const es256 = (input: string): Buffer =>
  rawSign('sha256', Buffer.from(input), { key: secretOf('ES256'), dsaEncoding: 'ieee-p1363' })
const esHeader = { alg: 'ES256', typ: 'at+jwt', kid: kidFor('ES256') }
const isOurs = (jwt: string, typ = 'at+jwt'): boolean => verify(keys, jwt, { typ }) !== undefined

describe('tokens of ours', () => {
  for (const alg of signingAlgs) {
    test(`${alg}: what was signed comes back`, async () => {
      const jwt = await make(alg)
      expect(verify(keys, jwt, { typ: 'at+jwt' })).toEqual(claims)
      expect(verify(keys, jwt, { typ: 'at+jwt', algs: [alg] })).toEqual(claims)
      expect(verify(keys, jwt, { typ: 'at+jwt', algs: signingAlgs.filter((other) => other !== alg) })).toBe(
        undefined,
      )
      expect(kidOf(jwt)).toBe(kidFor(alg))
    })
  }

  test('the forger of these tests can forge: with nothing wrong, its token is accepted', () => {
    expect(isOurs(forge(esHeader, es256))).toBe(true)
  })

  test('curves sign at once, RSA off the thread; a burst of RSA signatures all arrive', async () => {
    const curve = signingKey('k', 'EdDSA', secretOf('EdDSA'))
    expect(typeof sign(curve, 'JWT', claims)).toBe('string')
    const key = signingKey(kidFor('RS256'), 'RS256', secretOf('RS256'))
    const made = await Promise.all(Array.from({ length: 40 }, (_, n) => sign(key, 'at+jwt', { n })))
    expect(made.map((jwt) => verify(keys, jwt, { typ: 'at+jwt' })?.n)).toEqual(made.map((_, n) => n))
  })
})

describe('forgeries', () => {
  test('alg none, in every spelling, with and without a signature', async () => {
    const [, payload, tail] = (await make('RS256')).split('.')
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      const head = encode({ alg, typ: 'at+jwt', kid: kidFor('RS256') })
      expect(isOurs(`${head}.${payload}.`)).toBe(false)
      expect(isOurs(`${head}.${payload}.${tail}`)).toBe(false)
    }
  })

  test('HS256 keyed with a public key, as PEM, as DER and as the JWK', () => {
    for (const alg of signingAlgs) {
      const half = createPublicKey(secretOf(alg))
      const guesses = [
        half.export({ format: 'pem', type: 'spki' }),
        half.export({ format: 'der', type: 'spki' }),
        JSON.stringify(half.export({ format: 'jwk' })),
      ]
      for (const guess of guesses) {
        for (const name of ['HS256', alg]) {
          const header = { alg: name, typ: 'at+jwt', kid: kidFor(alg) }
          const hmac = (input: string) => createHmac('sha256', guess).update(input).digest()
          expect(isOurs(forge(header, hmac))).toBe(false)
        }
      }
    }
  })

  test('a key used with another algorithm than its own: every pair', async () => {
    for (const made of signingAlgs) {
      const [head = '', payload, tail] = (await make(made)).split('.')
      const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object
      for (const other of signingAlgs.filter((alg) => alg !== made)) {
        expect(isOurs(`${encode({ ...header, alg: other })}.${payload}.${tail}`)).toBe(false)
        expect(isOurs(`${encode({ ...header, kid: kidFor(other) })}.${payload}.${tail}`)).toBe(false)
        expect(isOurs(`${encode({ ...header, alg: other, kid: kidFor(other) })}.${payload}.${tail}`)).toBe(
          false,
        )
      }
    }
  })

  test('one RSA key, its signature made with the other padding, under either name', () => {
    const padded = (alg: SigningAlg) => (input: string) => Buffer.from(signingSync(alg, input), 'base64url')
    const signingSync = (alg: SigningAlg, input: string): string =>
      rawSign('sha256', Buffer.from(input), {
        key: secretOf('RS256'),
        padding: alg === 'RS256' ? 1 : 6,
        ...(alg === 'PS256' && { saltLength: 32 }),
      }).toString('base64url')
    const header = (alg: string) => ({ alg, typ: 'at+jwt', kid: kidFor('RS256') })
    expect(isOurs(forge(header('RS256'), padded('RS256')))).toBe(true)
    expect(isOurs(forge(header('RS256'), padded('PS256')))).toBe(false)
    expect(isOurs(forge(header('PS256'), padded('PS256')))).toBe(false)
  })

  test('PS256 with a salt of another length', () => {
    const salted = (saltLength: number) => (input: string) =>
      rawSign('sha256', Buffer.from(input), { key: secretOf('PS256'), padding: 6, saltLength })
    const header = { alg: 'PS256', typ: 'at+jwt', kid: kidFor('PS256') }
    expect(isOurs(forge(header, salted(32)))).toBe(true)
    for (const length of [0, 20, 31, 33, 64]) expect(isOurs(forge(header, salted(length)))).toBe(false)
  })

  test('ES256 in DER, of zeros, cut short, doubled', () => {
    const der = (input: string) => rawSign('sha256', Buffer.from(input), secretOf('ES256'))
    expect(isOurs(forge(esHeader, der))).toBe(false)
    expect(isOurs(forge(esHeader, () => Buffer.alloc(64)))).toBe(false)
    expect(isOurs(forge(esHeader, () => Buffer.alloc(0)))).toBe(false)
    expect(isOurs(forge(esHeader, (input) => es256(input).subarray(0, 63)))).toBe(false)
    expect(isOurs(forge(esHeader, (input) => Buffer.concat([es256(input), es256(input)])))).toBe(false)
  })

  test('a good signature by somebody else, whose key the header brings or points to', () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const theirs = (input: string) =>
      rawSign('sha256', Buffer.from(input), { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' })
    const jwk = stranger.publicKey.export({ format: 'jwk' })
    expect(isOurs(forge(esHeader, theirs))).toBe(false)
    expect(isOurs(forge({ ...esHeader, jwk }, theirs))).toBe(false)
    expect(isOurs(forge({ ...esHeader, jku: 'https://evil.example/jwks' }, theirs))).toBe(false)
    expect(isOurs(forge({ ...esHeader, kid: publicJwk(jwk, 'ES256').kid }, theirs))).toBe(false)
  })

  test('headers that say more than ours do, though our key signed them', () => {
    for (const more of [
      { crit: ['exp'], exp: 1 },
      { crit: [] },
      { b64: false, crit: ['b64'] },
      { jwk: {} },
      { x5u: 'https://evil.example' },
      { cty: 'JWT' },
    ]) {
      expect(isOurs(forge({ ...esHeader, ...more }, es256))).toBe(false)
    }
  })

  test("an alg that is not the key's, though our key signed the lie", () => {
    for (const alg of ['RS256', 'ES384', 'none', 'es256']) {
      expect(isOurs(forge({ ...esHeader, alg }, es256))).toBe(false)
    }
  })

  test('headers of another shape', () => {
    for (const header of [
      {},
      { ...esHeader, kid: undefined },
      { ...esHeader, kid: 7 },
      { ...esHeader, kid: '__proto__' },
      { ...esHeader, typ: undefined },
      { ...esHeader, alg: undefined },
      [esHeader],
      'null',
      '"x"',
      '{',
      '',
    ]) {
      expect(isOurs(forge(header, es256))).toBe(false)
    }
  })

  test('a token of one use at the place of another', async () => {
    const idToken = await make('ES256', 'JWT')
    expect(isOurs(idToken, 'JWT')).toBe(true)
    for (const typ of ['at+jwt', 'jwt', 'application/at+jwt', 'logout+jwt', ''])
      expect(isOurs(idToken, typ)).toBe(false)
  })

  test('any one character changed, dropped or doubled', async () => {
    for (const alg of ['ES256', 'EdDSA'] as const) {
      const jwt = await make(alg)
      for (let i = 0; i < jwt.length; i++) {
        const other = jwt[i] === 'A' ? 'B' : 'A'
        expect(isOurs(jwt.slice(0, i) + other + jwt.slice(i + 1))).toBe(false)
        expect(isOurs(jwt.slice(0, i) + jwt.slice(i + 1))).toBe(false)
        expect(isOurs(jwt.slice(0, i) + jwt[i] + jwt.slice(i))).toBe(false)
      }
    }
  })

  test('another spelling of the same bytes: padding, the other alphabet, white space, spare bits', async () => {
    const jwt = await make('EdDSA')
    const [head, payload, tail = ''] = jwt.split('.')
    const spare = tail.slice(0, -1) + String.fromCharCode(tail.charCodeAt(tail.length - 1) + 1)
    const spellings = [`${jwt}==`, `${jwt}\n`, ` ${jwt}`, `${jwt}.`, `.${jwt}`, `${head}.${payload}.${spare}`]
    if (/[-_]/.test(tail)) {
      spellings.push(`${head}.${payload}.${tail.replaceAll('-', '+').replaceAll('_', '/')}`)
    }
    for (const spelling of spellings) expect(isOurs(spelling)).toBe(false)
  })

  test('what is no token at all, or far too long', () => {
    for (const text of [
      '',
      '.',
      '..',
      '...',
      'a.b.c',
      'null',
      `${'A'.repeat(50_000)}.A.A`,
      '.'.repeat(100_000),
    ]) {
      expect(isOurs(text)).toBe(false)
      expect(kidOf(text)).toBe(undefined)
    }
    expect(isOurs(forge(esHeader, es256, { pad: 'x'.repeat(40_000) }))).toBe(false)
  })

  test('a payload that is not a JSON object, though our key signed it', () => {
    for (const payload of ['', 'x', 'null', '[]', '"x"', '7']) {
      expect(isOurs(forge(esHeader, es256, payload))).toBe(false)
    }
  })
})

describe('keys', () => {
  const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1' = 'pkcs8') =>
    key.export({ format: 'pem', type }).toString()

  test('PKCS#1, PKCS#8 and SEC1 are read', () => {
    const rsa = secretOf('RS256')
    const ec = secretOf('ES256')
    expect(importPem(pem(rsa, 'pkcs1'), 'RS256').equals(rsa)).toBe(true)
    expect(importPem(pem(rsa), 'PS256').equals(rsa)).toBe(true)
    expect(importPem(pem(ec, 'sec1'), 'ES256').equals(ec)).toBe(true)
    expect(importPem(pem(secretOf('EdDSA')), 'EdDSA').equals(secretOf('EdDSA'))).toBe(true)
  })

  test('a weak key and a key of another kind are refused, saying what was expected', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const small = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    const curve = pem(secretOf('ES256'))
    expect(() => importPem(pem(weak), 'RS256')).toThrow(/at least 2048 bits.*rsa, 1024 bits/)
    expect(() => importPem(pem(small), 'RS256')).toThrow(/exponent of at least 65537/)
    expect(() => importPem(pem(p384), 'ES256')).toThrow(/P-256.*secp384r1/)
    expect(() => importPem(curve, 'RS256')).toThrow(/RS256 takes an RSA key/)
    expect(() => importPem(curve, 'EdDSA')).toThrow(/Ed25519/)
    expect(() => signingKey('k', 'PS256', secretOf('EdDSA'))).toThrow(/RSA/)
  })

  test('what is no private key is refused without repeating it', () => {
    const rsa = secretOf('RS256')
    const locked = rsa
      .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString()
    expect(() => importPem(locked, 'RS256')).toThrow(/encrypted/)
    expect(() => importPem(toPem(rsa).public, 'RS256')).toThrow(/got PUBLIC KEY/)
    expect(() => importPem('hunter2', 'RS256')).toThrow(/got no PEM block/)
    const broken = pem(rsa).replace(/\n[A-Za-z0-9+/]{10}/, '\n')
    expect(() => importPem(broken, 'RS256')).toThrow(/expected a private key in PEM/)
  })

  test('nothing private is published', () => {
    for (const alg of signingAlgs) {
      const jwk = publicJwk({ ...secretOf(alg).export({ format: 'jwk' }), secret: 'x' }, alg)
      const members = new Set(['kty', 'use', 'alg', 'kid', 'n', 'e', 'crv', 'x', 'y'])
      expect(Object.keys(jwk).filter((name) => !members.has(name))).toEqual([])
    }
    expect(() => publicJwk({ kty: 'oct', k: 'AAAA' }, 'RS256')).toThrow(/kty/)
    expect(() => publicJwk({ kty: 'constructor' }, 'RS256')).toThrow(/kty/)
    expect(() => publicJwk({ kty: 'RSA', n: 'AQAB' }, 'RS256')).toThrow(/no e/)
  })
})
