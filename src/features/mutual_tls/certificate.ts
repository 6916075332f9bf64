/** Reads the client certificate of a request from the header that the TLS-terminating proxy sets. No other peer may set it. https://www.rfc-editor.org/rfc/rfc9440 */
import { check } from '../../auth/check.ts'
import { X509Certificate } from 'node:crypto'
import type { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { inNetworks } from '../../lib/address.ts'
import { sha256 } from '../../lib/hash.ts'
import type { CertificateFormat } from './certificate_formats.ts'
import { certificateHeader } from './settings.ts'

/** Characters of a header; a certificate with an RSA key of 8192 bits has some 4000, and a chain follows in some formats. */
const longest = 12_000

/** Whether the peer is a trusted proxy. Another peer that sends the header is logged once: it may be a proxy missing in TRUSTED_PROXIES. */
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
 * The certificate that the client proved to the proxy, within its validity period; undefined when there is none. Throws
 * the error of `refuse` when the header does not hold exactly one certificate, because then the proxy is misconfigured.
 */
export function clientCertificate(
  call: Call,
  context: Context,
  refuse: (grounds: Grounds) => OAuthError,
): X509Certificate | undefined {
  const { format, header } = certificateHeader(context.config)
  if (!isFromProxy(call, context, header)) return undefined
  const value = call.request.headers.get(header)
  if (value === null || value === '' || value === format.none) return undefined
  const certificate = readCertificate(format, value)
  check(certificate, () =>
    refuse({
      rule: 'RFC 8705 §2',
      expected: `one X.509 certificate in the header ${header}, as ${format.written}`,
      problem: `the header ${header} does not hold one X.509 certificate as ${format.written} (MTLS_CLIENT_CERT_FORMAT)`,
    }),
  )
  check(isValidAt(certificate, context.clock.now()), () =>
    refuse({
      rule: 'RFC 8705 §2',
      expected: 'a client certificate that is valid now',
      came: [certificate.validFrom, certificate.validTo],
      problem: 'the client certificate has expired or is not valid yet',
    }),
  )
  return certificate
}

/** The value is read in the format that is configured, and never tried in another. */
export function readCertificate(format: CertificateFormat, value: string): X509Certificate | undefined {
  if (value.length > longest) return undefined
  const base64 = format.read(value)
  const der = base64 === undefined ? undefined : Buffer.from(base64, 'base64')
  // Decoders skip unknown characters. Only the canonical base64 of the certificate is accepted.
  if (!der || der.length === 0 || der.toString('base64') !== base64) return undefined
  try {
    const certificate = new X509Certificate(der)
    // X509Certificate also reads PEM and ignores trailing bytes; both are refused here.
    return der.equals(certificate.raw) ? certificate : undefined
  } catch {
    return undefined
  }
}

/** RFC 5280 §4.1.2.5: both ends included. */
export const isValidAt = ({ validFromDate, validToDate }: X509Certificate, now: number): boolean =>
  validFromDate.getTime() <= now && now <= validToDate.getTime()

/** `x5t#S256`: SHA-256 of the DER encoding, base64url (RFC 8705 §3.1). */
export const thumbprintOf = (certificate: X509Certificate): string => sha256(certificate.raw)
