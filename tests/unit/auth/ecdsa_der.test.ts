/** ECDSA signatures in DER, in the form of JWS. RFC 7518 §3.4 */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, test } from 'bun:test'
import { jwsOfDer } from '../../../src/auth/ecdsa_der.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const text = Buffer.from('text')

test('a thousand signatures, with short and long halves by chance, hold after the change', () => {
  const lengths = new Set<number>()
  for (let i = 0; i < 1_000; i++) {
    const der = sign('sha256', text, privateKey)
    lengths.add(der.length)
    const joined = jwsOfDer(der)!
    expect(joined).toHaveLength(64)
    expect(verify('sha256', text, { key: publicKey, dsaEncoding: 'ieee-p1363' }, joined)).toBe(true)
  }
  expect(lengths.size).toBeGreaterThan(2)
})

test('small halves are filled from the left', () => {
  expect(jwsOfDer(Uint8Array.of(0x30, 6, 2, 1, 5, 2, 1, 9))).toEqual(
    new Uint8Array(64).with(31, 5).with(63, 9),
  )
})

test('anything but the one DER encoding of two positive integers is refused', () => {
  const der = [...sign('sha256', text, privateKey)]
  const wrong: number[][] = [
    [],
    [0x30],
    [...der, 0], // something after it
    der.slice(0, -1),
    [0x31, ...der.slice(1)],
    [0x30, 0x81, ...der.slice(1)], // length in the long form
    [0x30, 6, 2, 1, 0x80, 2, 1, 9], // negative
    [0x30, 7, 2, 2, 0, 5, 2, 1, 9], // a zero that is not needed
    [0x30, 6, 4, 1, 5, 2, 1, 9], // no INTEGER
    [0x30, 4, 2, 1, 5, 2], // the second is cut
    [0x30, 5, 2, 0, 2, 1, 9], // no digits
    [0x30, 40, 2, 35, 0, ...Array<number>(34).fill(0xff), 2, 1, 9], // longer than the curve
    [0x30, 39, 2, 34, ...Array<number>(34).fill(0x7f), 2, 1, 9],
  ]
  for (const bytes of wrong) expect(jwsOfDer(Uint8Array.from(bytes))).toBeUndefined()
})
