/** The TLS of the server's own socket: TLS 1.2 with chosen cipher suites, in the order of the server, and TLS 1.3. https://www.rfc-editor.org/rfc/rfc9325 */
import { constants, createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import type { Config } from '../config.ts'
import { blockIn, certificatesIn, readNamed } from '../config/named_files.ts'
import { SettingFault } from '../config/setting_fault.ts'

/** Throws SettingFault when a file cannot be read. */
export const tlsOptions = ({ tls, tlsCiphers }: Config) =>
  tls && {
    cert: readNamed('TLS_CERT_PATH', tls.certPath),
    key: readNamed('TLS_KEY_PATH', tls.keyPath),
    ciphers: tlsCiphers.join(':'),
    secureOptions: constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  }

export type TlsOptions = ReturnType<typeof tlsOptions>

/** The certificate of the server. Throws SettingFault: it is none, the key is none, or it is that of another key. */
export function requireFit(config: Config, { cert, key }: { cert: string; key: string }): void {
  const own = privateKey(config, key)
  const weak = weakness(own)
  if (weak !== undefined)
    throw new SettingFault(
      'TLS_KEY_PATH',
      `expected an RSA key of at least ${leastBits.rsa} bits, or one of an elliptic curve of at least ${leastBits.ec}, got ${weak} in ${config.tls?.keyPath}. Make a new key and certificate`,
    )
  if (certificateChain(config, cert)[0]!.checkPrivateKey(own)) return
  const { certPath, keyPath } = config.tls ?? {}
  throw new SettingFault(
    'TLS_CERT_PATH',
    `expected the certificate of the key in TLS_KEY_PATH=${keyPath}, got that of another key in TLS_CERT_PATH=${certPath}. The certificate of the server is the first in its file`,
  )
}

/** NIST SP 800-57 Part 1, table 2: 112 bits of security. Clients refuse a handshake with less. */
const leastBits = { rsa: 2048, ec: 256 } as const

function weakness({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined {
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0
    return bits < leastBits.rsa ? `one of ${bits} bits` : undefined
  }
  const bits = Number(/^(?:prime|secp|sect)(\d+)/.exec(details?.namedCurve ?? '')?.[1] ?? leastBits.ec)
  return bits < leastBits.ec ? `one of the curve ${details?.namedCurve}` : undefined
}

/** The certificate of the server, then those of its authorities. */
export const certificateChain = ({ tls }: Config, pem: string): X509Certificate[] =>
  certificatesIn('TLS_CERT_PATH', pem, tls?.certPath ?? '')

export function privateKey({ tls }: Config, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    // The message of the library may quote the input, which is secret.
    const came = /ENCRYPTED/.test(pem)
      ? `one with a passphrase in ${tls?.keyPath}. Remove it: openssl pkey -in KEY -out PLAIN_KEY`
      : `${blockIn(pem) ?? 'no PEM'} in ${tls?.keyPath}`
    throw new SettingFault('TLS_KEY_PATH', `expected a private key in PEM without passphrase, got ${came}`)
  }
}
