/** Hashes that other systems made verify, and those that would stall the server are none. */
import { describe, expect, test } from 'bun:test'
import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { asTyped, hashPassword, needsUpgrade, readPasswordHash } from '../../../src/auth/password_hash.ts'

const password = 'correct horse'
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const plain = (bytes: Uint8Array): string => base64(bytes).replace(/=+$/, '')
const passlib = (bytes: Uint8Array): string => plain(bytes).replaceAll('+', '.')
const salt = Buffer.from('0123456789abcdef')
const pbkdf2 = (digest: string) => pbkdf2Sync(password, salt, 1000, 32, digest)
const scrypt = scryptSync(password, salt, 64, { N: 1024, r: 8, p: 1 })
const bcrypt = await Bun.password.hash(password, { algorithm: 'bcrypt', cost: 4 })

const forms: readonly [name: string, kind: string, hash: string][] = [
  ['bcrypt $2b$', 'bcrypt', bcrypt],
  ['bcrypt $2a$', 'bcrypt', bcrypt.replace('$2b$', '$2a$')],
  ['bcrypt $2y$', 'bcrypt', bcrypt.replace('$2b$', '$2y$')],
  ['our argon2id', 'argon2', await hashPassword(password)],
  [
    'argon2i',
    'argon2',
    await Bun.password.hash(password, { algorithm: 'argon2i', memoryCost: 64, timeCost: 3 }),
  ],
  ['Django PBKDF2', 'pbkdf2', 'pbkdf2_sha256$1000$saltsalt$qQDPSZa3Ormyy9oK1Pu0ZLLwP2Svzmx3yu8OvDdq/J0='],
  ['PHC PBKDF2', 'pbkdf2', `$pbkdf2-sha512$i=1000,l=32$${plain(salt)}$${plain(pbkdf2('sha512'))}`],
  ['passlib PBKDF2', 'pbkdf2', `$pbkdf2-sha256$1000$${passlib(salt)}$${passlib(pbkdf2('sha256'))}`],
  ['passlib PBKDF2, SHA-1', 'pbkdf2', `$pbkdf2$1000$${passlib(salt)}$${passlib(pbkdf2('sha1'))}`],
  [
    'Werkzeug PBKDF2',
    'pbkdf2',
    'pbkdf2:sha256:1000$B0DV3VJT022qhdhF$ebbbb29a184f3e01404c3c97c59c2896cd84dd93fe9fd2432bad9e186f4e3654',
  ],
  ['PHC scrypt', 'scrypt', `$scrypt$ln=10,r=8,p=1$${plain(salt)}$${plain(scrypt)}`],
  ['Django scrypt', 'scrypt', `scrypt$${salt.toString()}$1024$8$1$${base64(scrypt)}`],
  [
    'Werkzeug scrypt',
    'scrypt',
    'scrypt:1024:8:1$K0VjilfgR2HMPyTT$013f944f9d49ea3383b7e8448d5d3708967a28a1aa65f402c4d6079a411e4fa5c74cc5e3662e52ad8975053918a0818b9c34175621d8f6df70c987cedbd336e4',
  ],
]

describe('forms', () => {
  test.each([...forms])('%s', async (_, kind, text) => {
    const hash = readPasswordHash(text)
    expect(hash?.kind).toBe(kind)
    expect(await hash!.verify(password)).toBe(true)
    expect(await hash!.verify(`${password}!`)).toBe(false)
    expect(await hash!.verify('')).toBe(false)
  })

  test('bcrypt reads 72 bytes, as those who made the hash did', async () => {
    const long = 'x'.repeat(72)
    const hash = readPasswordHash(await Bun.password.hash(long, { algorithm: 'bcrypt', cost: 4 }))
    expect(await hash!.verify(`${long} and more`)).toBe(true)
    expect(await hash!.verify('x'.repeat(71))).toBe(false)
  })

  test('only ours is left as it is', () => {
    expect(forms.filter(([, , text]) => !needsUpgrade(text)).map(([name]) => name)).toEqual(['our argon2id'])
  })
})

test.each([
  ['nothing', ''],
  ['a password', 'correct horse'],
  ['a bare digest', '5f4dcc3b5aa765d61d8327deb882cf99'],
  ['bcrypt that takes minutes', bcrypt.replace('$04$', '$20$')],
  ['bcrypt cost 31', bcrypt.replace('$04$', '$31$')],
  ['argon2 with 4 GiB', `$argon2id$v=19$m=4194304,t=2,p=1$${plain(salt)}$${plain(salt)}`],
  ['argon2 with 999 passes', `$argon2id$v=19$m=64,t=999,p=1$${plain(salt)}$${plain(salt)}`],
  ['PBKDF2 with 99 million', `pbkdf2_sha256$99000000$saltsalt$${base64(salt)}`],
  ['PBKDF2 with none', `pbkdf2_sha256$0$saltsalt$${base64(salt)}`],
  ['PBKDF2 of four bytes, which many passwords have', 'pbkdf2_sha256$1000$saltsalt$AAAAAA=='],
  ['scrypt with 16 GiB', `$scrypt$ln=24,r=8,p=1$${plain(salt)}$${plain(scrypt)}`],
  ['scrypt with ln=63', `$scrypt$ln=63,r=8,p=1$${plain(salt)}$${plain(scrypt)}`],
  ['scrypt 999 times over', `$scrypt$ln=17,r=8,p=999$${plain(salt)}$${plain(scrypt)}`],
  ['scrypt with an N that is no power of two', `scrypt:1000:8:1$salt$${'ab'.repeat(32)}`],
])('%s is no hash', (_, text) => {
  expect(readPasswordHash(text)).toBeUndefined()
})

test('é typed as one character or as two is one password', async () => {
  const hash = readPasswordHash(await hashPassword('cafe\u0301 au lait'))
  expect(await hash!.verify(asTyped('caf\u00e9 au lait'))).toBe(true)
  expect(asTyped('ｐａｓｓ ﬁ')).toBe('pass fi')
})
