/** The variables of mutual TLS: the proxy's headers and the certificate authorities. docs/configuration.md */
import * as v from 'valibot'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import { readAuthorities, validityProblem } from '../../config/named_files.ts'
import * as is from '../../config/schemas.ts'
import { faultOf, SettingFault } from '../../config/setting_fault.ts'
import type { Context } from '../../contracts/context.ts'
import type { FeatureTrial } from '../../contracts/feature_trial.ts'
import { systemClock } from '../../lib/clock.ts'
import { type CertificateFormat, certificateFormats, type FormatName } from './certificate_formats.ts'

const headerName = 'the name of an HTTP header'
const HeaderName = v.pipe(
  is.text,
  v.regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/, `expected ${headerName}`),
  v.toLowerCase(),
  v.description(headerName),
)

const httpsOrigin = 'an https URL without a path'
const HttpsOrigin = v.pipe(
  is.issuer,
  v.check((url) => /^https:\/\/[^/]+$/.test(url), `expected ${httpsOrigin}`),
  v.description(httpsOrigin),
)

export const env = defineEntries([
  {
    name: 'MUTUAL_TLS',
    realm: 'server',
    schema: is.boolean,
    default: 'false',
    help: 'Mutual TLS (RFC 8705): a proxy in TRUSTED_PROXIES requests client certificates and passes them on.',
  },
  {
    name: 'MTLS_CLIENT_CERT_FORMAT',
    realm: 'server',
    schema: is.oneOf(...(Object.keys(certificateFormats) as FormatName[])),
    computed: 'rfc9440; nginx where MTLS_CLIENT_CERT_HEADER names another header than Client-Cert',
    help: 'How the proxy writes the client certificate (examples/mutual_tls). A header of another format is ignored.',
  },
  {
    name: 'MTLS_CLIENT_CERT_HEADER',
    realm: 'server',
    schema: HeaderName,
    computed:
      'Client-Cert (rfc9440), X-SSL-Client-Cert (nginx, haproxy, caddy), SSL_CLIENT_CERT (apache), X-Forwarded-Tls-Client-Cert (traefik), X-Forwarded-Client-Cert (envoy)',
    help: 'The header with the client certificate. The proxy must remove this header from the requests of clients, also where it has no certificate to pass on.',
  },
  {
    name: 'MTLS_CLIENT_VERIFY_HEADER',
    realm: 'server',
    schema: HeaderName,
    help: 'The header in which the proxy says SUCCESS (or 0 with MTLS_CLIENT_CERT_FORMAT=haproxy) after it verified the certificate against an authority that it trusts. For tls_client_auth.',
  },
  {
    name: 'MTLS_CA_PATH',
    realm: 'server',
    schema: is.path,
    help: 'Authorities (PEM) that issue client certificates directly. For tls_client_auth. If MTLS_CLIENT_VERIFY_HEADER is set too, both checks must succeed.',
  },
  {
    name: 'MTLS_ISSUER_URL',
    realm: 'default',
    schema: HttpsOrigin,
    help: 'Origin at which the proxy requests certificates, if it is another host or port than ISSUER_URL. The paths are the same. Published as mtls_endpoint_aliases.',
  },
])

export const settings = (config: Config) => featureConfig(config, 'mutual_tls', env)

/** The header with the certificate, and how it is written there. */
export function certificateHeader(config: Config): {
  name: FormatName
  format: CertificateFormat
  header: string
} {
  const { mtlsClientCertFormat, mtlsClientCertHeader: named } = settings(config)
  const byHeader = named === undefined || named === certificateFormats.rfc9440.header ? 'rfc9440' : 'nginx'
  const name = mtlsClientCertFormat ?? byHeader
  const format = certificateFormats[name]
  return { name, format, header: named ?? format.header }
}

/** What only the proxy can do. */
export function notes(config: Config): string[] {
  const { mtlsClientVerifyHeader } = settings(config)
  const { name, header } = certificateHeader(config)
  const headers = [header, mtlsClientVerifyHeader].filter((each) => each !== undefined).join(' and ')
  return [
    `MUTUAL_TLS: the certificate of a client is what a proxy of TRUSTED_PROXIES writes into ${header}, as ${name} (MTLS_CLIENT_CERT_FORMAT). The proxy must remove ${headers} from every request of a client before it sets its own, on every port and also without a certificate: otherwise a client can claim the certificate of another (examples/mutual_tls)`,
  ]
}

export function problems(config: Config): string[] {
  const { mtlsClientVerifyHeader, mtlsCaPath } = settings(config)
  const found: string[] = []
  if (config.trustedProxies.length === 0)
    found.push(
      'TRUSTED_PROXIES: required with MUTUAL_TLS, because only a trusted proxy may pass certificates',
    )
  if (certificateHeader(config).header === mtlsClientVerifyHeader)
    found.push('MTLS_CLIENT_VERIFY_HEADER: expected another header than MTLS_CLIENT_CERT_HEADER')
  if (mtlsCaPath === undefined) return found
  const fault = faultOf(() => {
    const { certificates } = readAuthorities('MTLS_CA_PATH', mtlsCaPath)
    const other = certificates.find(({ ca }) => !ca)
    if (other) throw new SettingFault('MTLS_CA_PATH', `expected authorities, got ${other.subject}`)
  })
  return [...found, ...fault]
}

/** Authorities that have all expired vouch for no certificate. */
export const trials = ({ config }: Pick<Context, 'config'>): FeatureTrial[] => [
  {
    name: 'MTLS_CA_PATH',
    async run() {
      const { mtlsCaPath: path } = settings(config)
      if (path === undefined) return undefined
      return validityProblem(readAuthorities('MTLS_CA_PATH', path).certificates, systemClock.now())
    },
  },
]
