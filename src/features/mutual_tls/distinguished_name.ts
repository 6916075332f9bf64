/** Canonical forms of registered distinguished names and of certificate subjects, to compare them. https://www.rfc-editor.org/rfc/rfc4514 */
import { ownMember } from '../../lib/own_member.ts'
import { fromUtf8, utf8 } from '../../lib/bytes.ts'
import { elementsOf, type Names, textOf } from './der.ts'

/** The attribute types of RFC 4514 §3 and others common in certificates. Any other type is registered as its OID. */
const types: Readonly<Record<string, string>> = {
  cn: '2.5.4.3',
  commonname: '2.5.4.3',
  sn: '2.5.4.4',
  surname: '2.5.4.4',
  serialnumber: '2.5.4.5',
  c: '2.5.4.6',
  countryname: '2.5.4.6',
  l: '2.5.4.7',
  localityname: '2.5.4.7',
  st: '2.5.4.8',
  s: '2.5.4.8',
  stateorprovincename: '2.5.4.8',
  street: '2.5.4.9',
  streetaddress: '2.5.4.9',
  o: '2.5.4.10',
  organizationname: '2.5.4.10',
  ou: '2.5.4.11',
  organizationalunitname: '2.5.4.11',
  title: '2.5.4.12',
  businesscategory: '2.5.4.15',
  postalcode: '2.5.4.17',
  gn: '2.5.4.42',
  givenname: '2.5.4.42',
  dnqualifier: '2.5.4.46',
  organizationidentifier: '2.5.4.97',
  dc: '0.9.2342.19200300.100.1.25',
  domaincomponent: '0.9.2342.19200300.100.1.25',
  uid: '0.9.2342.19200300.100.1.1',
  userid: '0.9.2342.19200300.100.1.1',
  emailaddress: '1.2.840.113549.1.9.1',
  e: '1.2.840.113549.1.9.1',
  jurisdictionc: '1.3.6.1.4.1.311.60.2.1.3',
  jurisdictionst: '1.3.6.1.4.1.311.60.2.1.2',
  jurisdictionl: '1.3.6.1.4.1.311.60.2.1.1',
}

/** One spelling for each name: equal names are equal strings. */
type Canonical = string

type Attribute = [type: string, kind: 'text' | 'bytes', value: string]

/** Folds case and spaces like caseIgnoreMatch (RFC 4518 §2), for ASCII alone: no other Unicode characters are treated as equal. */
const folded = (text: string): string =>
  text
    .replace(/[\t\n\v\f\r ]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())

const canonical = (rdns: readonly (readonly Attribute[])[]): Canonical =>
  JSON.stringify(rdns.map((rdn) => rdn.map((each) => JSON.stringify(each)).sort()))

const bytesOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The subject of a certificate. RFC 4514 §2.1: the last RDN comes first. */
export const canonicalSubject = ({ subject }: Names): Canonical =>
  canonical(
    [...subject]
      .reverse()
      .map((rdn) => rdn.map(({ type, value }) => attribute(type, textOf(value), value.whole))),
  )

const attribute = (type: string, text: string | undefined, whole: Uint8Array): Attribute =>
  text === undefined ? [type, 'bytes', bytesOf(whole)] : [type, 'text', folded(text)]

/** The canonical form of an RFC 4514 string; undefined when it is malformed or has an attribute type without known OID. */
export function canonicalName(text: string): Canonical | undefined {
  const rdns: Attribute[][] = [[]]
  let rest = text
  for (;;) {
    const [head, typeName = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=/.exec(rest) ?? []
    const type = /^\d/.test(typeName) ? typeName : ownMember(types, typeName.toLowerCase())
    // Up to the next unescaped separator.
    const [value] = /^(?:\\.|[^\\,+";<>\0])*/s.exec(rest.slice(head?.length ?? 0)) ?? []
    if (head === undefined || type === undefined || value === undefined) return undefined
    const read = valueOf(type, value)
    if (!read) return undefined
    rdns.at(-1)!.push(read)
    const separator = rest[head.length + value.length]
    if (separator === undefined) return canonical(rdns)
    if (separator === ',') rdns.push([])
    else if (separator !== '+') return undefined
    rest = rest.slice(head.length + value.length + 1)
  }
}

/** §2.4: text with escapes, or `#` and the DER of the value in hexadecimal. */
function valueOf(type: string, written: string): Attribute | undefined {
  const text = written.trim()
  if (text.startsWith('#')) {
    if (!/^#(?:[0-9A-Fa-f]{2})+$/.test(text)) return undefined
    try {
      const [element, ...more] = elementsOf(Buffer.from(text.slice(1), 'hex'))
      return element && more.length === 0 ? attribute(type, textOf(element), element.whole) : undefined
    } catch {
      return undefined
    }
  }
  const plain = unescaped(written)
  return plain === undefined || folded(plain) === '' ? undefined : [type, 'text', folded(plain)]
}

function unescaped(text: string): string | undefined {
  const bytes: number[] = []
  for (const [part, hex, special] of text.matchAll(/\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])|\\|[^\\]+/g)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (part === '\\') return undefined
    else bytes.push(...utf8(special ?? part))
  }
  try {
    return fromUtf8(new Uint8Array(bytes))
  } catch {
    return undefined
  }
}
