/** The TLS of the server's own socket: TLS 1.2 with chosen cipher suites, in the order of the server, and TLS 1.3. https://www.rfc-editor.org/rfc/rfc9325 */
import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'

export const tlsOptions = ({ tls, tlsCiphers }: Config) =>
  tls && {
    cert: readFileSync(tls.certPath, 'utf8'),
    key: readFileSync(tls.keyPath, 'utf8'),
    ciphers: tlsCiphers.join(':'),
    secureOptions: constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  }

export type TlsOptions = ReturnType<typeof tlsOptions>

/** The certificate of the server. Throws when the key is not its own. */
export function certificateOf({ cert, key }: { cert: string; key: string }): X509Certificate {
  const certificate = new X509Certificate(cert)
  if (certificate.checkPrivateKey(keyOf(key))) return certificate
  throw new Error('expected the certificate of the key in TLS_KEY_PATH, got that of another key')
}

/** Throws an error whose message names the variable. */
export function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Error(`expected a private key in PEM without passphrase in TLS_KEY_PATH: ${problem}`)
  }
}
