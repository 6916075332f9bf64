/** A minimal DER reader: finds the names in a certificate. https://www.itu.int/rec/T-REC-X.690, RFC 5280 §4.1 */

export interface Element {
  tag: number
  content: Uint8Array
  /** Tag and length included. */
  whole: Uint8Array
}

/** The sequence of elements in `bytes`. Throws RangeError unless they fill it exactly. */
export function elementsOf(bytes: Uint8Array): Element[] {
  const elements: Element[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = byteAt(bytes, at)
    if ((tag & 0x1f) === 0x1f) throw new RangeError('DER: a tag of several bytes')
    const { length, from } = lengthAt(bytes, at + 1)
    if (from + length > bytes.length) throw new RangeError('DER: an element is longer than its container')
    elements.push({
      tag,
      content: bytes.subarray(from, from + length),
      whole: bytes.subarray(at, from + length),
    })
    at = from + length
  }
  return elements
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new RangeError('DER: unexpected end')
  return byte
}

/** Definite lengths of at most three bytes: no certificate is larger. */
function lengthAt(bytes: Uint8Array, at: number): { length: number; from: number } {
  const first = byteAt(bytes, at)
  if (first < 0x80) return { length: first, from: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 3) throw new RangeError('DER: a length out of bounds')
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + byteAt(bytes, at + i)
  return { length, from: at + 1 + count }
}

/** 128 bits, enough for a UUID under 2.25. The bound is needed because time grows with the square of an arc's length. */
const longestArc = 1n << 128n

/** An object identifier in dots. Throws RangeError when a part of it is beyond 128 bits. */
export function oidOf(content: Uint8Array): string {
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of content) {
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    if (arc >= longestArc) throw new RangeError('DER: an object identifier out of bounds')
    if (byte & 0x80) continue
    arcs.push(arc)
    arc = 0n
  }
  const first = arcs.shift() ?? 0n
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...arcs].join('.')
}

const utf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)

const decoders: Readonly<Record<number, (bytes: Uint8Array) => string>> = {
  0x0c: utf8,
  0x12: utf8, // NumericString, PrintableString and IA5String are ASCII
  0x13: utf8,
  0x16: utf8,
  0x14: (bytes) => Buffer.from(bytes).toString('latin1'), // TeletexString, read as Latin-1 as other libraries do
  0x1e: (bytes) => new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(bytes),
}

/** The text of a string type; undefined for any other type, and for bytes that are invalid for the type. */
export function textOf({ tag, content }: Element): string | undefined {
  try {
    return decoders[tag]?.(content)
  } catch {
    return undefined
  }
}

function first(elements: readonly Element[]): Element {
  const [element] = elements
  if (!element) throw new RangeError('DER: an element is missing')
  return element
}

export interface Names {
  /** RelativeDistinguishedNames in the order of the certificate, each with its type (in dots) and value. */
  subject: readonly (readonly { type: string; value: Element }[])[]
  /** GeneralNames of the subjectAltName extension; the tag says which kind. */
  alternatives: readonly Element[]
}

const subjectAltName = '2.5.29.17'
const tags = { version: 0xa0, extensions: 0xa3 }

/** The names in a DER certificate. Read from the bytes, because an attacker can choose names whose printed form is ambiguous. */
export function namesIn(der: Uint8Array): Names {
  const fields = elementsOf(first(elementsOf(first(elementsOf(der)).content)).content)
  const subject = fields[fields[0]?.tag === tags.version ? 5 : 4]
  const extensions = fields.find(({ tag }) => tag === tags.extensions)
  if (!subject) throw new RangeError('DER: no subject')
  return {
    subject: elementsOf(subject.content).map((rdn) =>
      elementsOf(rdn.content).map((pair) => {
        const [type, value] = elementsOf(pair.content)
        if (!type || !value) throw new RangeError('DER: an attribute without value')
        return { type: oidOf(type.content), value }
      }),
    ),
    alternatives: extensions ? alternativesIn(extensions) : [],
  }
}

function alternativesIn(extensions: Element): Element[] {
  for (const extension of elementsOf(first(elementsOf(extensions.content)).content)) {
    const parts = elementsOf(extension.content)
    if (oidOf(first(parts).content) === subjectAltName)
      return elementsOf(first(elementsOf(parts.at(-1)!.content)).content)
  }
  return []
}
