/** The variables of mutual TLS: the proxy's headers and the certificate authorities. docs/configuration.md */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'

const headerName = 'the name of an HTTP header'
const HeaderName = v.pipe(
  is.text,
  v.regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, `expected ${headerName}`),
  v.toLowerCase(),
  v.description(headerName),
)

const httpsOrigin = 'an https URL without a path'
const HttpsOrigin = v.pipe(
  is.issuer,
  v.check((url) => /^https:\/\/[^/]+$/.test(url), `expected ${httpsOrigin}`),
  v.description(httpsOrigin),
)

/** The header of RFC 9440. A header of any other name holds URL-encoded PEM, as nginx writes it. */
export const standardHeader = 'client-cert'

export const env = defineEntries([
  {
    name: 'MUTUAL_TLS',
    schema: is.boolean,
    default: 'false',
    help: 'Mutual TLS (RFC 8705): a proxy in TRUSTED_PROXIES requests client certificates and passes them on.',
  },
  {
    name: 'MTLS_CLIENT_CERT_HEADER',
    schema: HeaderName,
    default: 'Client-Cert',
    help: 'The header with the client certificate: Client-Cert as in RFC 9440, any other name as URL-encoded PEM. The proxy must remove this header from the requests of clients.',
  },
  {
    name: 'MTLS_CLIENT_VERIFY_HEADER',
    schema: HeaderName,
    help: 'The header in which the proxy says SUCCESS after it verified the certificate against an authority that it trusts. For tls_client_auth.',
  },
  {
    name: 'MTLS_CA_PATH',
    schema: is.path,
    help: 'Authorities (PEM) that issue client certificates directly. For tls_client_auth. If MTLS_CLIENT_VERIFY_HEADER is set too, both checks must succeed.',
  },
  {
    name: 'MTLS_ISSUER_URL',
    schema: HttpsOrigin,
    help: 'Origin at which the proxy requests certificates, if it is another host or port than ISSUER_URL. The paths are the same. Published as mtls_endpoint_aliases.',
  },
])

export const settings = (config: Config) => featureConfig(config, 'mutual_tls', env)

/** The certificates of a PEM file. Throws what `node:fs` and `node:crypto` throw, TypeError when there is none. */
export function readAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (!blocks) throw new TypeError('no certificate in PEM')
  return blocks.map((block) => new X509Certificate(block))
}

export function problems(config: Config): string[] {
  const { mtlsClientCertHeader, mtlsClientVerifyHeader, mtlsCaPath } = settings(config)
  const found: string[] = []
  if (config.trustedProxies.length === 0)
    found.push(
      'TRUSTED_PROXIES: required with MUTUAL_TLS, because only a trusted proxy may pass certificates',
    )
  if (mtlsClientCertHeader === mtlsClientVerifyHeader)
    found.push('MTLS_CLIENT_VERIFY_HEADER: expected another header than MTLS_CLIENT_CERT_HEADER')
  if (mtlsCaPath === undefined) return found
  try {
    const notIssuing = readAuthorities(readFileSync(mtlsCaPath, 'utf8')).find(({ ca }) => !ca)
    if (notIssuing) found.push(`MTLS_CA_PATH: expected authorities, got ${notIssuing.subject}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    found.push(`MTLS_CA_PATH: expected a file of certificates in PEM: ${why}`)
  }
  return found
}
