/** Checks the numbers of a client's public key before anything is verified with it. https://www.rfc-editor.org/rfc/rfc7518#section-6, RFC 8037 §2 */
import { createPublicKey } from 'node:crypto'
import { edwardsProblem, montgomeryProblem } from './curve_point.ts'

type Jwk = Readonly<Record<string, unknown>>

const leastBits = 2048
/** Each signature is checked with the key, so a longer one costs the provider more than the client. */
const mostBits = 8192

const ecBytes = new Map<unknown, number>([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
])

/** Registered curves that nothing here uses: such a key is passed over, as one of an unknown `kty` is. */
const otherCurves: readonly unknown[] = ['secp256k1', 'Ed448', 'X448']

/** The bytes of a member; undefined unless it is base64url without padding, in its one spelling. */
function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const bytes = Buffer.from(value, 'base64url')
  return bytes.toString('base64url') === value ? bytes : undefined
}

function rsaProblem({ n, e }: Jwk): string | undefined {
  const [modulus, exponent] = [bytesOf(n), bytesOf(e)]
  if (!modulus || !exponent) return 'n and e must be base64url without padding'
  const number = BigInt(`0x${modulus.toString('hex')}`)
  const bits = number.toString(2).length
  if (bits < leastBits || bits > mostBits) return `n must have ${leastBits} to ${mostBits} bits, got ${bits}`
  if (number % 2n === 0n) return 'n is even'
  const power = BigInt(`0x${exponent.toString('hex')}`)
  // Below it NIST SP 800-56B §6.2 takes none; above it the cryptography of the runtime takes none.
  if (power < 65_537n || power > 0xffff_ffffn || power % 2n === 0n)
    return 'e must be odd, at least 65537 and below 2^32'
  return undefined
}

function ecProblem({ crv, x, y }: Jwk): string | undefined {
  const length = ecBytes.get(crv)
  if (length === undefined) return 'crv must be P-256, P-384 or P-521'
  if (bytesOf(x)?.length !== length || bytesOf(y)?.length !== length)
    return `x and y must be ${length} bytes in base64url without padding`
  try {
    createPublicKey({ key: { kty: 'EC', crv: String(crv), x: String(x), y: String(y) }, format: 'jwk' })
    return undefined
  } catch {
    return `x and y are no point of ${String(crv)}`
  }
}

function okpProblem({ crv, x }: Jwk): string | undefined {
  if (crv !== 'Ed25519' && crv !== 'X25519') return 'crv must be Ed25519 or X25519'
  const bytes = bytesOf(x)
  if (bytes?.length !== 32) return 'x must be 32 bytes in base64url without padding'
  return crv === 'Ed25519' ? edwardsProblem(bytes) : montgomeryProblem(bytes)
}

const problems = new Map<unknown, (jwk: Jwk) => string | undefined>([
  ['RSA', rsaProblem],
  ['EC', ecProblem],
  ['OKP', okpProblem],
])

/** The kinds of key that an algorithm takes: `kty`, or `crv` where the algorithm is bound to curves. */
const kindsOf = (alg: string): readonly unknown[] | undefined =>
  kindsByAlg.find(([pattern]) => pattern.test(alg))?.[1]

const kindsByAlg: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(?:RS|PS)\d+$|^RSA/, ['RSA']],
  [/^ES256$/, ['P-256']],
  [/^ES384$/, ['P-384']],
  [/^ES512$/, ['P-521']],
  [/^(?:EdDSA|Ed25519)$/, ['Ed25519']],
  [/^ECDH-ES/, ['P-256', 'P-384', 'P-521', 'X25519']],
  [/^(?:none|dir|HS\d+|A\d+(?:GCM)?KW|PBES2.*)$/, []],
]

const forEncryption = /^RSA|^ECDH/

/** Whether `jwk` is of a kind that `alg` takes, and is not kept for another purpose. */
export function fits(jwk: Jwk, alg: string): boolean {
  const kinds = kindsOf(alg)
  const use = forEncryption.test(alg) ? 'enc' : 'sig'
  return (
    (kinds === undefined || kinds.some((kind) => kind === jwk.kty || kind === jwk.crv)) &&
    (jwk.use === undefined || jwk.use === use)
  )
}

/** Whether a key is of a kind that is used here; any other is passed over (RFC 7517 §5). */
export const isKnownKind = ({ kty, crv }: Jwk): boolean => problems.has(kty) && !otherCurves.includes(crv)

/** What is wrong with a key of a known kind; undefined when nothing is. */
export function keyProblem(jwk: Jwk): string | undefined {
  const problem = problems.get(jwk.kty)?.(jwk)
  if (problem !== undefined) return problem
  if (jwk.alg !== undefined && (typeof jwk.alg !== 'string' || !fits(jwk, jwk.alg)))
    return `alg ${String(jwk.alg)} contradicts kty, crv or use`
  return undefined
}
