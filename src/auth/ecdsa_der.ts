/** An ECDSA signature in DER, as X.509 has it, turned into the form of JWS. RFC 3279 §2.2.3, RFC 7518 §3.4 */

/** One positive DER INTEGER at `at`, as `size` bytes, and where the next element begins; undefined for anything else. */
function integerAt(
  der: Uint8Array,
  at: number,
  size: number,
): { bytes: Uint8Array; next: number } | undefined {
  const length = der[at + 1] ?? 0
  const start = at + 2
  const next = start + length
  if (der[at] !== 0x02 || length === 0 || length > size + 1 || next > der.length) return undefined
  const isPadded = der[start] === 0
  // Shortest form: a zero stands only before a byte whose highest bit is set, which would be a sign otherwise.
  if (isPadded ? length > 1 && (der[start + 1] ?? 0) < 0x80 : (der[start] ?? 0) >= 0x80) return undefined
  const digits = der.subarray(isPadded ? start + 1 : start, next)
  if (digits.length > size) return undefined
  const bytes = new Uint8Array(size)
  bytes.set(digits, size - digits.length)
  return { bytes, next }
}

/** `r` and `s` of `size` bytes each, one after the other; undefined when `der` is not the one DER encoding of two integers. */
export function jwsOfDer(der: Uint8Array, size = 32): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 2 * (size + 3) + 2) return undefined
  const r = integerAt(der, 2, size)
  const s = r && integerAt(der, r.next, size)
  if (!r || s?.next !== der.length) return undefined
  const joined = new Uint8Array(2 * size)
  joined.set(r.bytes)
  joined.set(s.bytes, size)
  return joined
}
