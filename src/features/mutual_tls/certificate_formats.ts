/** The ways in which TLS-terminating proxies write a client certificate into a header: one row for each. examples/mutual_tls/README.md */

export interface CertificateFormat {
  /** The header in which it is expected, unless MTLS_CLIENT_CERT_HEADER names another. Lower case. */
  header: string
  /** Completes "one certificate as …". */
  written: string
  /** The value that says that the client has sent no certificate, beside an empty one. */
  none?: string
  /** The value of MTLS_CLIENT_VERIFY_HEADER, beside SUCCESS, that says that the certificate was verified. */
  verified?: string
  /** The certificate as Base64 of DER; undefined when the value is not in this format. Takes linear time. */
  read(value: string): string | undefined
}

/** RFC 8941 §3.3.5; neither a list nor parameters (RFC 9440 §2.2). */
const inByteSequence = (value: string): string | undefined => /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1]

const inBase64 = (value: string): string | undefined =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? value : undefined

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

/** The first PEM block (RFC 7468 §5) of a text that begins with one; `newline` is between their lines. */
function firstBlock(text: string, newline: string): string | undefined {
  const pem = text.trim()
  const ending = pem.indexOf(end)
  if (!pem.startsWith(begin) || ending < 0) return undefined
  const lines = pem.slice(begin.length, ending).replaceAll('\r\n', '\n').split(newline)
  return lines[0] === '' && lines.at(-1) === '' ? inBase64(lines.join('')) : undefined
}

/** As `firstBlock`, for a text that may have one block alone. */
const onlyBlock = (text: string, newline = '\n'): string | undefined =>
  text.trimEnd().endsWith(end) && text.indexOf(end) === text.lastIndexOf(end)
    ? firstBlock(text, newline)
    : undefined

/** Undefined for what percent-encoding of a certificate never has, such as a comma of two headers in one. */
function unescaped(value: string): string | undefined {
  if (!/^[\w.~%+/=-]+$/.test(value)) return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

function inEscapedPem(value: string): string | undefined {
  const pem = unescaped(value)
  return pem === undefined ? undefined : onlyBlock(pem)
}

/** Base64 without the lines around it; percent-encoded before version 2.8. The chain follows after commas. */
function inEscapedBase64(value: string): string | undefined {
  const [first, ...chain] = value.split(',').map((each) => inBase64(unescaped(each) ?? ''))
  return chain.includes(undefined) ? undefined : first
}

/** The names and values of one element of X-Forwarded-Client-Cert. Undefined when there are more elements, or a name comes twice. */
function readElement(value: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  const pair = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(;|$)/y
  while (pair.lastIndex < value.length) {
    const [, name, quoted, plain, ending] = pair.exec(value) ?? []
    if (name === undefined || pairs.has(name.toLowerCase())) return undefined
    pairs.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain!)
    if (ending === '') break
  }
  return pairs
}

/** `Cert`, or else the first of `Chain`, which begins with the certificate of the client. */
function inElement(value: string): string | undefined {
  const pairs = readElement(value)
  const cert = pairs?.get('cert')
  if (cert !== undefined) return inEscapedPem(cert)
  const chain = unescaped(pairs?.get('chain') ?? '')
  return chain === undefined ? undefined : firstBlock(chain, '\n')
}

const base64 = { header: 'x-ssl-client-cert', written: 'Base64 of DER', read: inBase64 }

/** A placeholder without a value stays as it is written. */
const caddyPlaceholder = '{http.request.tls.client.certificate_der_base64}'

export const certificateFormats = {
  rfc9440: {
    header: 'client-cert',
    written: 'RFC 9440 writes it, :base64 of DER:',
    read: inByteSequence,
  },
  nginx: { header: 'x-ssl-client-cert', written: 'URL-encoded PEM', read: inEscapedPem },
  apache: {
    header: 'ssl_client_cert',
    written: 'PEM with spaces for line ends',
    none: '(null)',
    read: (value) => onlyBlock(value, ' '),
  },
  haproxy: { ...base64, verified: '0' }, // ssl_c_verify: the number of the error
  caddy: { ...base64, none: caddyPlaceholder },
  traefik: {
    header: 'x-forwarded-tls-client-cert',
    written: 'Base64 of DER, which may be URL-encoded, with the chain after commas',
    read: inEscapedBase64,
  },
  envoy: {
    header: 'x-forwarded-client-cert',
    written: 'one element with Cert="URL-encoded PEM" (forward_client_cert_details SANITIZE_SET, cert: true)',
    read: inElement,
  },
} as const satisfies Record<string, CertificateFormat>

export type FormatName = keyof typeof certificateFormats
