/** The five metadata members that name the subject of a client's certificate; a client registers exactly one. https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2 */
import { isIP } from '../../lib/ip.ts'
import * as v from 'valibot'
import { inNetworks, parseNetworks } from '../../lib/address.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { type Names, namesIn } from './der.ts'
import { canonicalName, canonicalSubject } from './distinguished_name.ts'

interface SubjectField {
  /** Checks the registered value. */
  isValid(value: string): boolean
  expected: string
  matches(registered: string, names: Names): boolean
}

/** GeneralName of RFC 5280 §4.2.1.6: implicit tags. */
const kinds = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 }

/** IA5String: a name with any other byte is ignored and matches nothing. */
const ascii = (bytes: Uint8Array): string | undefined =>
  bytes.every((byte) => byte > 0x20 && byte < 0x7f) ? Buffer.from(bytes).toString('latin1') : undefined

const hasName = (names: Names, kind: number, fits: (text: string) => boolean): boolean =>
  names.alternatives.some(({ tag, content }) => {
    const text = tag === kind ? ascii(content) : undefined
    return text !== undefined && fits(text)
  })

const isAscii = (text: string) => /^[\x21-\x7e]+$/.test(text)

/** RFC 5280 §7.5: the part before the @ keeps its case. */
const mailbox = (address: string): string => {
  const at = address.lastIndexOf('@')
  return address.slice(0, at) + address.slice(at).toLowerCase()
}

const addressText = (bytes: Uint8Array): string =>
  bytes.length === 4
    ? bytes.join('.')
    : Array.from({ length: bytes.length / 2 }, (_, i) =>
        (bytes[2 * i]! * 256 + bytes[2 * i + 1]!).toString(16),
      ).join(':')

const fields = {
  tls_client_auth_subject_dn: {
    isValid: (value) => canonicalName(value) !== undefined,
    expected: 'a distinguished name as RFC 4514 writes it, such as CN=client,O=Example,C=DE',
    matches: (registered, names) => canonicalName(registered) === canonicalSubject(names),
  },
  tls_client_auth_san_dns: {
    isValid: (value) => /^[A-Za-z0-9_*.-]{1,253}$/.test(value),
    expected: 'a host name',
    matches: (registered, names) =>
      hasName(names, kinds.dns, (text) => text.toLowerCase() === registered.toLowerCase()),
  },
  tls_client_auth_san_uri: {
    isValid: (value) => isAscii(value) && URL.canParse(value),
    expected: 'an absolute URI',
    matches: (registered, names) => hasName(names, kinds.uri, (text) => text === registered),
  },
  tls_client_auth_san_ip: {
    isValid: (value) => isIP(value) !== 0 && !value.includes('%'),
    expected: 'an IPv4 or IPv6 address',
    matches: (registered, { alternatives }) =>
      alternatives.some(
        ({ tag, content }) =>
          tag === kinds.ip &&
          (content.length === 4 || content.length === 16) &&
          inNetworks(addressText(content), parseNetworks(registered)),
      ),
  },
  tls_client_auth_san_email: {
    isValid: (value) => isAscii(value) && /^[^@]+@[^@]+$/.test(value),
    expected: 'an email address',
    matches: (registered, names) =>
      hasName(names, kinds.email, (text) => mailbox(text) === mailbox(registered)),
  },
} satisfies Record<string, SubjectField>

type FieldName = keyof typeof fields
export const subjectFieldNames = Object.keys(fields) as FieldName[]

const entry = ({ isValid, expected }: SubjectField) =>
  v.optional(
    v.pipe(v.string(), v.maxLength(2000), v.check(isValid, `expected ${expected}`), v.description(expected)),
  )

export const subjectMetadata = declareMetadata({
  tls_client_auth_subject_dn: entry(fields.tls_client_auth_subject_dn),
  tls_client_auth_san_dns: entry(fields.tls_client_auth_san_dns),
  tls_client_auth_san_uri: entry(fields.tls_client_auth_san_uri),
  tls_client_auth_san_ip: entry(fields.tls_client_auth_san_ip),
  tls_client_auth_san_email: entry(fields.tls_client_auth_san_email),
})

/** Whether the subject of the certificate is the registered one. False when none or several of the five are registered. */
export function matchesSubject(client: Client, der: Uint8Array): boolean {
  const registered = subjectMetadata.of(client)
  const [name, ...more] = subjectFieldNames.filter((each) => registered[each] !== undefined)
  if (!name || more.length > 0) return false
  try {
    return fields[name].matches(registered[name]!, namesIn(der))
  } catch (error) {
    if (error instanceof RangeError) return false // accepted by another parser, but not readable by ours
    throw error
  }
}
