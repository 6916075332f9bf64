/** The client certificate of a request: what the TLS-terminating proxy says it is, and nobody else. https://www.rfc-editor.org/rfc/rfc9440 */
import { X509Certificate } from 'node:crypto'
import type { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { inNetworks } from '../../lib/address.ts'
import { sha256 } from '../../lib/hash.ts'
import { settings, standardHeader } from './settings.ts'

/** Characters of a header; a certificate with an RSA key of 8192 bits has some 4000. */
const longest = 12_000

/** Who may speak for the client. Said once when somebody else tries: it may be a proxy that was forgotten. */
export function isFromProxy(call: Call, context: Context, header: string): boolean {
  if (inNetworks(call.peer, context.config.trustedProxies)) return true
  if (call.request.headers.has(header))
    context.once('untrusted client certificate', () => {
      context.log.warn('untrusted_client_certificate', {
        peer: call.peer,
        header,
        hint: 'ignored; name the proxy in TRUSTED_PROXIES if it is yours',
      })
      return call.peer
    })
  return false
}

/**
 * The certificate that the client proved to the proxy, within its dates; undefined when it has none. Throws what
 * `refuse` makes of a header that is no single certificate, for then something between us and the client is wrong.
 */
export function clientCertificate(
  call: Call,
  context: Context,
  refuse: (grounds: Grounds) => OAuthError,
): X509Certificate | undefined {
  const header = settings(context.config).mtlsClientCertHeader
  if (!isFromProxy(call, context, header)) return undefined
  const value = call.request.headers.get(header)
  if (value === null || value === '') return undefined
  const certificate = readCertificate(header, value)
  if (!certificate)
    throw refuse({
      rule: 'RFC 8705 §2',
      expected: `one X.509 certificate in the header ${header}, as ${formOf(header)}`,
      problem: `the header ${header} does not hold one X.509 certificate as ${formOf(header)}`,
    })
  if (!isValidAt(certificate, context.clock.now()))
    throw refuse({
      rule: 'RFC 8705 §2',
      expected: 'a client certificate that is valid now',
      came: [certificate.validFrom, certificate.validTo],
      problem: 'the client certificate has expired or is not valid yet',
    })
  return certificate
}

const formOf = (header: string) =>
  header === standardHeader ? 'RFC 9440 writes it, :base64 of DER:' : 'URL-encoded PEM'

/** By the header's name, never by what came in it: one form is accepted, not whichever fits. */
export function readCertificate(header: string, value: string): X509Certificate | undefined {
  if (value.length > longest) return undefined
  const base64 = header === standardHeader ? inByteSequence(value) : inEscapedPem(value)
  const der = base64 === undefined ? undefined : Buffer.from(base64, 'base64')
  // Decoders pass over what they do not know; a second spelling of one certificate is no certificate.
  if (!der || der.length === 0 || der.toString('base64') !== base64) return undefined
  try {
    const certificate = new X509Certificate(der)
    // PEM inside the bytes, or anything after the certificate, would be passed over as well.
    return der.equals(certificate.raw) ? certificate : undefined
  } catch {
    return undefined
  }
}

/** RFC 8941 §3.3.5; neither a list nor parameters (RFC 9440 §2.2). */
const inByteSequence = (value: string): string | undefined => /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1]

/** One PEM block (RFC 7468 §5), percent-encoded: $ssl_client_escaped_cert of nginx. */
function inEscapedPem(value: string): string | undefined {
  if (!/^[\w.~%+/=-]+$/.test(value)) return undefined
  try {
    const pem = decodeURIComponent(value)
    return /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n-----END CERTIFICATE-----\s*$/
      .exec(pem)?.[1]
      ?.replace(/\r?\n/g, '')
  } catch {
    return undefined
  }
}

/** RFC 5280 §4.1.2.5: both ends included. */
export const isValidAt = ({ validFromDate, validToDate }: X509Certificate, now: number): boolean =>
  validFromDate.getTime() <= now && now <= validToDate.getTime()

/** `x5t#S256`: SHA-256 of the DER encoding, base64url (RFC 8705 §3.1). */
export const thumbprintOf = (certificate: X509Certificate): string => sha256(certificate.raw)
