/** keys/private.pem as in docs/walkthrough.md: created, read by openssl, replaced by the operator, never overwritten by mistake. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importPem, thumbprint, toPem } from '../../../src/auth/jwk.ts'
import { sign, verify } from '../../../src/auth/jws.ts'
import { createLog } from '../../../src/lib/log.ts'
import { type KeyRing, loadKeyRing } from '../../../src/models/key_ring.ts'
import { readPemFile, writePemFiles } from '../../../src/models/pem_files.ts'
import { directoryStorage } from '../../../src/store/directory.ts'

const root = await mkdtemp(join(tmpdir(), 'latchkey-pem-'))
afterAll(() => rm(root, { recursive: true, force: true }))

/** A development server's keys: the folder, the clock, and a start that does what the server does. */
async function folder() {
  const path = await mkdtemp(join(root, 'keys-'))
  const paths = { private: join(path, 'private.pem'), public: join(path, 'public.pem') }
  const time = { now: 1_800_000_000 }
  const start = async (): Promise<KeyRing> => {
    const ring = await loadKeyRing({
      storage: directoryStorage(path),
      sealingKey: new Uint8Array(32),
      clock: { now: () => time.now * 1000 },
      log: createLog('silent', 'json', () => {}),
      algs: ['RS256'],
      imported: await readPemFile(paths.private),
      activationDelay: 600,
      retention: 3600,
    })
    await writePemFiles(ring, paths)
    return ring
  }
  const kidInFile = async (): Promise<string> =>
    thumbprint(importPem(await readFile(paths.private, 'utf8'), 'RS256').export({ format: 'jwk' }))
  return { path, paths, time, start, kidInFile }
}

const openssl = (...args: string[]): string => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['openssl', ...args])
  if (exitCode !== 0) throw new Error(stderr.toString())
  return stdout.toString()
}

test('the first start writes both files, openssl reads them, a restart changes nothing', async () => {
  const { paths, start, kidInFile } = await folder()
  const ring = await start()
  expect(await kidInFile()).toBe(ring.signer('RS256').kid)
  expect((await stat(paths.private)).mode & 0o777).toBe(0o600)
  expect((await stat(paths.public)).mode & 0o777).toBe(0o644)
  expect(openssl('rsa', '-in', paths.private, '-pubout')).toBe(await readFile(paths.public, 'utf8'))
  const before = await readFile(paths.private, 'utf8')
  expect((await start()).jwks().body).toBe(ring.jwks().body)
  expect(await readFile(paths.private, 'utf8')).toBe(before)
})

test('`openssl genrsa -out keys/private.pem 2048` and a restart rotate that key in', async () => {
  const { paths, time, start, kidInFile } = await folder()
  const first = await start()
  openssl('genrsa', '-out', paths.private, '2048')
  const brought = await kidInFile()
  // A running server must not overwrite the file that the operator just replaced.
  await writePemFiles(first, paths)
  expect(await kidInFile()).toBe(brought)

  const ring = await start()
  expect(ring.signer('RS256').kid).toBe(first.signer('RS256').kid)
  expect(await kidInFile()).toBe(brought)
  const publicHalf = async (path: string) =>
    createPublicKey(await readFile(path, 'utf8')).export({ type: 'spki', format: 'pem' })
  expect(await publicHalf(paths.public)).toBe(await publicHalf(paths.private))
  time.now += 600
  expect(ring.signer('RS256').kid).toBe(brought)
  expect((await start()).list().map(({ state }) => state)).toEqual(['previous', 'current'])
})

test('`keys rotate` in another process reaches the running server, and the files change with the activation', async () => {
  const { paths, time, start, kidInFile } = await folder()
  const server = await start()
  const old = server.signer('RS256').kid
  const [next] = await (await start()).rotate()
  await server.refresh()
  await writePemFiles(server, paths)
  expect(await kidInFile()).toBe(old)
  time.now += 600
  const jwt = await sign(server.signer('RS256'), 'JWT', { sub: 'alice' })
  await writePemFiles(server, paths)
  expect(await kidInFile()).toBe(next!.kid)
  expect(verify(server, jwt, { typ: 'JWT' })).toEqual({ sub: 'alice' })
})

test('a stale file of a key long retired does not bring it back, and is brought up to date', async () => {
  const { paths, time, start, kidInFile } = await folder()
  const server = await start()
  const stale = await readFile(paths.private, 'utf8')
  const [next] = await server.rotate()
  time.now += 600 + 3600 + 60
  await writeFile(paths.private, stale)
  const ring = await start()
  expect(ring.list().map(({ kid }) => kid)).toEqual([next!.kid])
  expect(await kidInFile()).toBe(next!.kid)
})

test('a file that is no key, is weak or of another kind stops the start, names itself and is left alone', async () => {
  const { paths, start } = await folder()
  await start()
  const weak = toPem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey).private
  const curve = toPem(generateKeyPairSync('ed25519').privateKey).private
  for (const text of ['', 'hunter2', weak, curve, await readFile(paths.public, 'utf8')]) {
    await writeFile(paths.private, text)
    await expect(start()).rejects.toThrow(paths.private)
    expect(await readFile(paths.private, 'utf8')).toBe(text)
  }
})
