/** A certificate for localhost that openssl makes, for servers of the tests. Gone when the test process calls `remove`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  certPath: string
  keyPath: string
  /** PEM, to trust it. */
  pem: string
  remove(): void
}

export function makeCertificate(kind: 'ec' | 'rsa' = 'ec'): Certificate {
  const program = Bun.which('openssl')
  if (!program) throw new Error('openssl is missing: apt-get install openssl')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-certificate-'))
  const certPath = join(folder, 'cert.pem')
  const keyPath = join(folder, 'key.pem')
  const { exitCode, stderr } = Bun.spawnSync([
    ...[program, 'req', '-x509', '-nodes'],
    ...(kind === 'ec'
      ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
      : ['-newkey', 'rsa:2048']),
    ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', keyPath, '-out', certPath],
  ])
  if (exitCode !== 0) throw new Error(`openssl: ${stderr}`)
  return {
    certPath,
    keyPath,
    pem: readFileSync(certPath, 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
