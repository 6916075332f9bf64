/** The TLS of the server's own socket: TLS 1.2 with chosen cipher suites, in the order of the server, and TLS 1.3. https://www.rfc-editor.org/rfc/rfc9325 */
import { constants } from 'node:crypto'
import type { Config } from '../config.ts'

export const tlsOptions = ({ tls, tlsCiphers }: Config) =>
  tls && {
    tls: {
      cert: Bun.file(tls.certPath),
      key: Bun.file(tls.keyPath),
      ciphers: tlsCiphers.join(':'),
      secureOptions: constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
    },
  }
