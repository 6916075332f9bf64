/** The TLS of the server's own socket: TLS 1.2 with chosen cipher suites, in the order of the server, and TLS 1.3. https://www.rfc-editor.org/rfc/rfc9325 */
import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { Refusal } from './failure.ts'

export const tlsOptions = ({ tls, tlsCiphers }: Config) =>
  tls && {
    cert: textOf('TLS_CERT_PATH', tls.certPath),
    key: keyText(tls),
    ciphers: tlsCiphers.join(':'),
    secureOptions: constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  }

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function textOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Refusal(`expected a readable file in ${name}, got ${path} (${problemOf(error)})`)
  }
}

export type TlsOptions = ReturnType<typeof tlsOptions>

export const keyText = ({ keyPath }: { keyPath: string }): string => textOf('TLS_KEY_PATH', keyPath)

/** The certificate of the server. Throws an error that names the variable, also when the key is not its own. */
export function certificateOf({ cert, key }: { cert: string; key: string }): X509Certificate {
  const certificate = certificateIn(cert)
  if (certificate.checkPrivateKey(keyOf(key))) return certificate
  throw new Error('expected the certificate of the key in TLS_KEY_PATH, got that of another key')
}

function certificateIn(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new Error(`expected a certificate in PEM in TLS_CERT_PATH: ${problemOf(error)}`, { cause: error })
  }
}

/** Throws an error whose message names the variable. */
export function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new Error(`expected a private key in PEM without passphrase in TLS_KEY_PATH: ${problemOf(error)}`)
  }
}
