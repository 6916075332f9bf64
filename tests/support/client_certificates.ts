/** A certificate authority that openssl plays, and certificates of clients. Gone when the test calls `remove`. */
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/lib/hash.ts'

export interface ClientCertificate {
  pem: string
  /** PEM, as `tls.key`. */
  key: string
  der: Buffer
  /** `x5t#S256` */
  thumbprint: string
  /** Its public key, without the certificate. */
  jwk: Record<string, unknown>
}

export interface Authority {
  caPath: string
  /** `subject` as openssl takes it (/O=b/CN=a: the first part first), `extensions` as lines of openssl.cnf. */
  issue(subject: string, ...extensions: string[]): ClientCertificate
  selfSigned(subject: string, ...extensions: string[]): ClientCertificate
  /** Another one for the key of `certificate`. */
  again(certificate: ClientCertificate): ClientCertificate
  /** Already expired. */
  expired(subject: string): ClientCertificate
  remove(): void
}

export function makeAuthority(): Authority {
  const program = Bun.which('openssl')
  if (!program) throw new Error('openssl is missing: apt-get install openssl')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-clients-'))
  const at = (name: string) => join(folder, name)
  const read = (name: string) => readFileSync(at(name), 'utf8')
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync([program, ...args], { cwd: folder })
    if (exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const extend = (extensions: readonly string[]) => {
    writeFileSync(at('extensions'), ['[x]', ...extensions].join('\n'))
    return ['-extfile', 'extensions', '-extensions', 'x']
  }
  const made = (name: string, key: string): ClientCertificate => {
    const x509 = new X509Certificate(read(name))
    const jwk = x509.publicKey.export({ format: 'jwk' }) as Record<string, unknown>
    return { pem: x509.toString(), key, der: x509.raw, thumbprint: sha256(x509.raw), jwk }
  }
  const request = (subject: string) =>
    openssl('req', ...newKey, '-utf8', '-subj', subject, '-keyout', 'key', '-out', 'csr')
  const sign = (by: string[], days: string, extensions: readonly string[]): ClientCertificate => {
    openssl('x509', '-req', '-in', 'csr', ...by, '-days', days, '-out', 'cert', ...extend(extensions))
    return made('cert', read('key'))
  }
  const byCa = ['-CA', 'ca', '-CAkey', 'ca.key', '-CAcreateserial']
  const caOptions = ['-days', '30', '-subj', '/CN=Authority', '-keyout', 'ca.key', '-out', 'ca']
  openssl('req', '-x509', ...newKey, ...caOptions)
  return {
    caPath: at('ca'),
    issue: (subject, ...extensions) => (request(subject), sign(byCa, '10', extensions)),
    selfSigned: (subject, ...extensions) => (request(subject), sign(['-signkey', 'key'], '10', extensions)),
    again({ key }) {
      writeFileSync(at('key'), key)
      openssl('req', '-new', '-key', 'key', '-subj', '/CN=again', '-out', 'csr')
      return sign(['-signkey', 'key'], '10', [])
    },
    expired: (subject) => (request(subject), sign(byCa, '-1', [])),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
