/** Public points of Curve25519, in both of its forms. https://www.rfc-editor.org/rfc/rfc7748#section-6.1, https://www.rfc-editor.org/rfc/rfc8032#section-5.1.3 */
import { lazy } from '../lib/lazy.ts'

const p = 2n ** 255n - 19n
/** -121665/121666, the constant of the Edwards form. */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

const littleEndian = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base % p]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p
    square = (square * square) % p
  }
  return result
}

const order8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]
const read = (texts: readonly string[]) => texts.map((text) => littleEndian(Buffer.from(text, 'hex')))

/** The y of every point whose order divides 8: a signature by such a key verifies for a text that was not signed. */
const smallEdwards = lazy(() => new Set([0n, 1n, p - 1n, ...read(order8)]))

/** The u of every point that makes a shared secret of zeros. */
const smallMontgomery = lazy(
  () =>
    new Set([
      ...[0n, 1n, p - 1n],
      ...read([
        'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
        '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      ]),
    ]),
)

/** What is wrong with 32 bytes as a public key of Ed25519. */
export function edwardsProblem(bytes: Uint8Array): string | undefined {
  const y = littleEndian(bytes) & (2n ** 255n - 1n)
  if (y >= p) return 'x is no point of Ed25519 in its one spelling'
  if (smallEdwards().has(y)) return 'x is a point of small order'
  // x² = (y² - 1) / (d y² + 1) must have a root: Euler's criterion, with the quotient as a product.
  const square = (y * y) % p
  const quotient = ((square + p - 1n) * (d * square + 1n)) % p
  return power(quotient, (p - 1n) / 2n) === 1n ? undefined : 'x is no point of Ed25519'
}

/** What is wrong with 32 bytes as a public key of X25519. */
export function montgomeryProblem(bytes: Uint8Array): string | undefined {
  const u = (littleEndian(bytes) & (2n ** 255n - 1n)) % p
  return smallMontgomery().has(u) ? 'x is a point of small order' : undefined
}
