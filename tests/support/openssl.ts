/** Signatures over a digest that was made elsewhere, which the runtime does not make: by the openssl of the system. https://docs.openssl.org/3.0/man1/openssl-pkeyutl/ */
import type { KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Padding {
  /** Absent for an elliptic curve. */
  padding?: 'pkcs1' | 'pss'
  saltLength?: 'digest' | 'max'
}

/** Over a SHA-256 digest; ECDSA in DER. */
export async function signDigest(
  key: KeyObject,
  digest: Uint8Array,
  { padding, saltLength = 'digest' }: Padding = {},
): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-openssl-'))
  try {
    const path = join(folder, 'key.pem')
    writeFileSync(path, key.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    const options = [
      'digest:sha256',
      ...(padding ? [`rsa_padding_mode:${padding}`] : []),
      ...(padding === 'pss' ? [`rsa_pss_saltlen:${saltLength}`] : []),
    ]
    const child = Bun.spawn(
      ['openssl', 'pkeyutl', '-sign', '-inkey', path, ...options.flatMap((each) => ['-pkeyopt', each])],
      { stdin: digest, stdout: 'pipe', stderr: 'pipe' },
    )
    const [made, problem] = await Promise.all([
      new Response(child.stdout).bytes(),
      new Response(child.stderr).text(),
    ])
    if ((await child.exited) !== 0) throw new Error(`openssl: ${problem}`)
    return made
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
