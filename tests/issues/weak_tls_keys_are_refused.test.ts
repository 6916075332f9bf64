/** A TLS key that clients refuse ends a start with the next step, and a reload leaves the former key in use. Issue 10. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { openListener } from '../../src/cli/listener.ts'
import { loadConfig } from '../../src/config.ts'
import { featureEntries } from '../../src/table.ts'
import { issueCertificate } from '../support/certificate.ts'
import { commandLine } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-weak-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ec = (curve: string) => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`]
const issue = (key: readonly string[]) => issueCertificate(folder, { host: 'localhost', key })
const weak: Record<string, [key: readonly string[], came: string]> = {
  'RSA of 512 bits': [['-newkey', 'rsa:512'], 'got one of 512 bits'],
  'RSA of 1024 bits': [['-newkey', 'rsa:1024'], 'got one of 1024 bits'],
  'a curve of 224 bits': [ec('secp224r1'), 'got one of the curve secp224r1'],
}

test.each(Object.entries(weak))(
  '%s',
  async (_, [key, came]) => {
    const { certPath, keyPath } = issue(key)
    const line = commandLine({ TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath, PORT: '0' })
    try {
      for (const args of [['serve'], ['config', 'check', '--deep']]) {
        const { code, stderr } = await line.latchkey(args)
        expect({ args, code }).toEqual({ args, code: 2 })
        expect(stderr).toContain('TLS_KEY_PATH: expected an RSA key of at least 2048 bits')
        expect(stderr).toContain(came)
        expect(stderr).toContain('Make a new key and certificate')
      }
    } finally {
      line.remove()
    }
  },
  60_000,
)

test('at a reload the former key stays in use', async () => {
  const [certPath, keyPath] = [join(folder, 'cert'), join(folder, 'key')]
  const use = (key: readonly string[]) => {
    const made = issue(key)
    copyFileSync(made.certPath, certPath)
    copyFileSync(made.keyPath, keyPath)
  }
  use(['-newkey', 'rsa:2048'])
  const env = { PORT: '0', HOST: '127.0.0.1', TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath }
  const config = loadConfig(env, { featureEntries })
  const listener = openListener(config, () => new Response('served'))
  const ask = async () =>
    (await fetch(`https://127.0.0.1:${listener.port}`, { tls: { rejectUnauthorized: false } })).text()
  try {
    expect(await ask()).toBe('served')
    for (const [key] of Object.values(weak)) {
      use(key)
      expect(() => listener.renew(config)).toThrow('TLS_KEY_PATH: expected an RSA key of at least 2048 bits')
      expect(await ask()).toBe('served')
    }
    for (const key of [ec('prime256v1'), ec('secp384r1'), ['-newkey', 'rsa:3072']]) {
      use(key)
      expect(listener.renew(config)).toBe(true)
      expect(await ask()).toBe('served')
    }
  } finally {
    await listener.stop(true)
  }
}, 60_000)
