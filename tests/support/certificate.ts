/** A certificate for localhost that openssl makes, for servers of the tests. Gone when the test process calls `remove`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

export interface IssuedCertificate {
  /** The certificate of the authority, in PEM. */
  caPath: string
  certPath: string
  keyPath: string
}

/** A certificate for `host` by an authority of its own, in files of `folder`. */
export function issueCertificate(
  folder: string,
  { host, days = 90, key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] }: IssuedOptions,
): IssuedCertificate {
  const name = crypto.randomUUID()
  const at = (file: string) => join(folder, `${name}.${file}`)
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(['openssl', ...args])
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`)
  }
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  openssl(
    'req',
    '-x509',
    '-nodes',
    ...ec,
    '-days',
    '900',
    '-subj',
    `/CN=authority ${name}`,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  openssl('req', '-nodes', ...key, '-subj', `/CN=${host}`, '-keyout', at('key.pem'), '-out', at('csr'))
  writeFileSync(at('ext'), `subjectAltName=DNS:${host}`)
  openssl(
    'x509',
    '-req',
    '-in',
    at('csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    `${days}`,
    '-extfile',
    at('ext'),
    '-out',
    at('cert.pem'),
  )
  return { caPath: at('ca.pem'), certPath: at('cert.pem'), keyPath: at('key.pem') }
}

interface IssuedOptions {
  host: string
  days?: number
  /** Arguments of `openssl req` for the key. */
  key?: readonly string[]
}
