/** SoftHSM 2 with a token of its own, and keys that pkcs11-tool makes. https://github.com/softhsm/SoftHSMv2 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const types = {
  ES256: 'EC:prime256v1',
  RS256: 'rsa:2048',
  PS256: 'rsa:2048',
  EdDSA: 'EC:edwards25519',
} as const

export interface SoftHsm {
  /** The path of the library. */
  module: string
  pin: string
  /** Names the configuration of SoftHSM for this token. */
  env: { SOFTHSM2_CONF: string }
  /** The folder that has the token. */
  tokens: string
  /** A new key pair; `id` in hexadecimal digits. */
  add(alg: keyof typeof types | `EC:${string}`, label: string, id: string): Promise<void>
  /** `pkcs11:` URI of a key. */
  uri(label: string, more?: string): string
  changePin(next: string): Promise<void>
  remove(): void
}

const libraries = ['/usr/lib/softhsm/libsofthsm2.so', '/opt/homebrew/lib/softhsm/libsofthsm2.so']

export async function startSoftHsm(): Promise<SoftHsm> {
  const module = libraries.find((path) => existsSync(path))
  if (module === undefined)
    throw new Error(`SoftHSM is missing (apt-get install softhsm2): ${libraries.join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-softhsm-'))
  const tokens = join(folder, 'tokens')
  mkdirSync(tokens)
  const conf = join(folder, 'softhsm2.conf')
  writeFileSync(conf, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  const env = { SOFTHSM2_CONF: conf }
  let pin = '8437-geheim'

  async function run(...command: string[]): Promise<void> {
    const child = Bun.spawn(command, {
      env: { PATH: process.env.PATH, ...env },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [said, problem] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    if ((await child.exited) !== 0) throw new Error(`${command[0]}: ${said}${problem}`)
  }
  const tool = (...args: string[]) =>
    run('pkcs11-tool', '--module', module, '--token-label', 'latchkey', '--login', '--pin', pin, ...args)

  await run(
    'softhsm2-util',
    '--init-token',
    '--free',
    '--label',
    'latchkey',
    '--pin',
    pin,
    '--so-pin',
    '87654321',
  )
  return {
    module,
    get pin() {
      return pin
    },
    env,
    tokens,
    add: (alg, label, id) =>
      tool(
        '--keypairgen',
        '--key-type',
        alg in types ? types[alg as keyof typeof types] : alg,
        '--label',
        label,
        '--id',
        id,
      ),
    uri: (label, more = '') => `pkcs11:token=latchkey;object=${label}${more}?module-path=${module}`,
    async changePin(next) {
      await tool('--change-pin', '--new-pin', next)
      pin = next
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
