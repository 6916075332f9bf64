/** The header a certificate comes in, the names inside it, and what tries to look like either. RFC 9440, RFC 8705, RFC 4514 */
import { afterAll, describe, expect, test } from 'bun:test'
import { X509Certificate } from 'node:crypto'
import { isValidAt, readCertificate, thumbprintOf } from '../../../src/features/mutual_tls/certificate.ts'
import { certificateFormats } from '../../../src/features/mutual_tls/certificate_formats.ts'
import { elementsOf, namesIn } from '../../../src/features/mutual_tls/der.ts'
import { canonicalName, canonicalSubject } from '../../../src/features/mutual_tls/distinguished_name.ts'
import { matchesSubject } from '../../../src/features/mutual_tls/subject.ts'
import type { Client } from '../../../src/models/client.ts'
import { makeAuthority } from '../../support/client_certificates.ts'
import rfc8705 from '../../vectors/rfc8705.json'
import rfc9440 from '../../vectors/rfc9440.json'

const authority = makeAuthority()
afterAll(() => authority.remove())

const example = rfc8705['A. Example: a certificate and its x5t#S256']
const byHeader = rfc9440['A. Client-Cert header field']
const { rfc9440: rfc9440Format, nginx } = certificateFormats
const pemOf = (base64: string) =>
  `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`

describe('the header', () => {
  test('RFC 8705 appendix A: x5t#S256 of the certificate, in both forms', () => {
    const forms = [
      readCertificate(rfc9440Format, `:${example.der}:`),
      readCertificate(nginx, encodeURIComponent(pemOf(example.der))),
      readCertificate(nginx, encodeURIComponent(pemOf(example.der).replaceAll('\n', '\r\n'))),
    ]
    for (const certificate of forms) {
      expect(thumbprintOf(certificate!)).toBe(example['x5t#S256'])
      expect(certificate!.publicKey.export({ format: 'jwk' })).toEqual(example.jwk)
    }
  })

  test('RFC 9440 appendix A', () => {
    const certificate = readCertificate(rfc9440Format, byHeader.value)!
    expect(canonicalSubject(namesIn(certificate.raw))).toBe(canonicalName(byHeader.subject)!)
    expect(
      matchesSubject({ tls_client_auth_san_email: byHeader.email } as unknown as Client, certificate.raw),
    ).toBe(true)
  })

  const der = Buffer.from(example.der, 'base64')
  const sequence = (bytes: Uint8Array) => `:${Buffer.from(bytes).toString('base64')}:`
  const refusedSequences: Record<string, string> = {
    'nothing between the colons': '::',
    'one colon': ':',
    'no colons': example.der,
    'a string instead': `"${example.der}"`,
    'cut short': `:${example.der.slice(0, 100)}:`,
    base64url: `:${Buffer.from(der).toString('base64url')}:`,
    'without padding': `:${example.der.replace(/=+$/, '')}:`,
    'stray bits in the last character': `:${example.der.replace('SY=', 'SZ=')}:`,
    'a space inside': `:${example.der.slice(0, 8)} ${example.der.slice(8)}:`,
    'two certificates as a list': `:${example.der}:, ${byHeader.value}`,
    'the same one twice, as a repeated header arrives': `:${example.der}:, :${example.der}:`,
    parameters: `:${example.der}:;a=1`,
    'two certificates in one sequence': sequence(Buffer.concat([der, der])),
    'something after the certificate': sequence(Buffer.concat([der, Buffer.from('\0')])),
    'PEM inside the sequence': sequence(Buffer.from(pemOf(example.der))),
    'no certificate': sequence(Buffer.from('300330010a', 'hex')),
    huge: `:${'A'.repeat(20_000)}:`,
    'URL-encoded PEM, the other form': encodeURIComponent(pemOf(example.der)),
  }
  for (const [what, value] of Object.entries(refusedSequences))
    test(`Client-Cert is refused: ${what}`, () =>
      expect(readCertificate(rfc9440Format, value)).toBeUndefined())

  const pem = pemOf(example.der)
  const refusedPem: Record<string, string> = {
    'the other form': `:${example.der}:`,
    'not encoded': pem,
    'two blocks': encodeURIComponent(pem + pem),
    'text before it': encodeURIComponent(`subject=CN=admin\n${pem}`),
    'text after it': encodeURIComponent(`${pem}x`),
    'another label': encodeURIComponent(pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')),
    'headers inside': encodeURIComponent(pem.replace('-----\n', '-----\nX: y\n\n')),
    'twice, as a repeated header arrives': `${encodeURIComponent(pem)}, ${encodeURIComponent(pem)}`,
    'broken percent-encoding': encodeURIComponent(pem).replace('%0A', '%0'),
    'encoding that is not UTF-8': `${encodeURIComponent(pem)}%FF`,
    'a key': encodeURIComponent(pem.replaceAll('CERTIFICATE', 'PRIVATE KEY')),
    'dashes alone': encodeURIComponent('-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n'),
    huge: `-----BEGIN%20CERTIFICATE-----%0A${'A'.repeat(20_000)}`,
    'nginx without a certificate': 'NONE',
  }
  for (const [what, value] of Object.entries(refusedPem))
    test(`URL-encoded PEM is refused: ${what}`, () => expect(readCertificate(nginx, value)).toBeUndefined())

  test('dates: both ends are included', () => {
    const certificate = new X509Certificate(der)
    const [from, to] = [Date.UTC(2018, 9, 18, 12, 37, 9), Date.UTC(2022, 4, 2, 12, 37, 9)]
    expect([from - 1000, from, to, to + 1000].map((now) => isValidAt(certificate, now))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

describe('distinguished names', () => {
  const { der } = authority.issue('/C=DE/O=Exämple, Inc./OU=Über+CN=Client  One/serialNumber=DE1')
  // OpenSSL 3 takes + as a multivalued RDN.
  const subject = canonicalSubject(namesIn(der))

  for (const written of [
    'serialNumber=DE1,CN=Client  One+OU=Über,O=Exämple\\, Inc.,C=DE',
    'SERIALNUMBER=de1, ou=Über + cn=client one , O = Exämple\\2C Inc., C=de',
    '2.5.4.5=DE1,2.5.4.3=Client One+2.5.4.11=\\C3\\9Cber,2.5.4.10=Ex\\C3\\A4mple\\, Inc.,2.5.4.6=DE',
    'serialNumber=#1303444531,CN=Client One+OU=Über,O=Exämple\\, Inc.,countryName=DE',
  ])
    test(`equal: ${written}`, () => expect(canonicalName(written)).toBe(subject))

  for (const written of [
    'C=DE,O=Exämple\\, Inc.,OU=Über+CN=Client One,serialNumber=DE1', // the other way round
    'serialNumber=DE1,CN=Client One,OU=Über,O=Exämple\\, Inc.,C=DE', // RDNs that are one there
    'serialNumber=DE1,CN=Client One+OU=Über,O=Exämple\\, Inc.', // a part of it
    'serialNumber=DE1,CN=Client One+OU=Über,O=Exämple\\, Inc.,C=DE,C=DE',
    'serialNumber=DE1,CN=ClientOne+OU=Über,O=Exämple\\, Inc.,C=DE',
    'serialNumber=DE1,CN=Client One+OU=über,O=Exämple\\, Inc.,C=DE', // case beyond ASCII is not made alike
    'serialNumber=DE1,O=Client One+OU=Über,CN=Exämple\\, Inc.,C=DE', // types exchanged
  ])
    test(`another: ${written}`, () => {
      expect(canonicalName(written)).toBeString()
      expect(canonicalName(written)).not.toBe(subject)
    })

  test('a value that reads like two parts of a name is one value', () => {
    const tricky = canonicalSubject(namesIn(authority.issue('/CN=x,O=Bank').der))
    expect(tricky).not.toBe(canonicalName('O=Bank,CN=x')!)
    expect(tricky).not.toBe(canonicalName('CN=x,O=Bank')!)
    expect(tricky).toBe(canonicalName('CN=x\\,O=Bank')!)
  })

  for (const written of ['', ' ', 'client', 'CN=', '=x', 'CN=x,', ',CN=x', 'CN=x\\', 'CN=\\zz', 'CN=\\ff'])
    test(`not RFC 4514: ${JSON.stringify(written)}`, () => expect(canonicalName(written)).toBeUndefined())
  for (const written of [
    'CN="x"',
    'CN=x;O=y',
    'NOSUCH=x',
    'CN=#13',
    'CN=#zz',
    'CN=#1301',
    '/CN=x',
    'CN=a\0b',
  ])
    test(`not RFC 4514: ${JSON.stringify(written)}`, () => expect(canonicalName(written)).toBeUndefined())
})

describe('subject fields', () => {
  const { der } = authority.issue(
    '/CN=many.example',
    'subjectAltName=DNS:a.example,DNS:*.wild.example,URI:https://c.example/x,IP:192.0.2.7,IP:2001:db8::1,email:Ann@Mail.Example',
  )
  const named = (metadata: Record<string, string>) => matchesSubject(metadata as unknown as Client, der)

  for (const [name, value] of [
    ['subject_dn', 'cn=MANY.example'],
    ['san_dns', 'A.EXAMPLE'],
    ['san_dns', '*.wild.example'],
    ['san_uri', 'https://c.example/x'],
    ['san_ip', '192.0.2.7'],
    ['san_ip', '2001:DB8:0:0::1'],
    ['san_email', 'Ann@mail.example'],
  ] as const)
    test(`${name} ${value}`, () => expect(named({ [`tls_client_auth_${name}`]: value })).toBe(true))

  for (const [name, value] of [
    ['subject_dn', 'CN=other.example'],
    ['san_dns', 'many.example'], // the common name is no DNS name
    ['san_dns', 'b.wild.example'], // no pattern is applied
    ['san_dns', 'https://c.example/x'],
    ['san_uri', 'https://c.example/'],
    ['san_uri', 'a.example'],
    ['san_ip', '192.0.2.8'],
    ['san_ip', '2001:db8::2'],
    ['san_email', 'ann@mail.example'], // the mailbox keeps its case
    ['san_email', 'Ann@mail.example.org'],
  ] as const)
    test(`not ${name} ${value}`, () => expect(named({ [`tls_client_auth_${name}`]: value })).toBe(false))

  test('none or two of them match no certificate', () => {
    expect(named({})).toBe(false)
    expect(named({ tls_client_auth_san_dns: 'a.example', tls_client_auth_san_ip: '192.0.2.7' })).toBe(false)
  })
})

test('DER that is cut, padded or out of bounds is refused, never read past its end', () => {
  const { der } = authority.selfSigned('/CN=fuzz', 'subjectAltName=DNS:a.example')
  for (const hex of ['30', '3080', '308101', '30840000000100', '1f01', '3003020100ff'])
    expect(() => elementsOf(Buffer.from(hex, 'hex'))).toThrow(RangeError)
  for (let at = 0; at < der.length; at++) {
    const bent = Buffer.from(der)
    bent[at]! ^= 0xff
    for (const bytes of [bent, der.subarray(0, at)])
      expect(matchesSubject({ tls_client_auth_san_dns: 'never.example' } as unknown as Client, bytes)).toBe(
        false,
      )
  }
})
