/** Password hashes that can be guessed fast are not imported, unless the operator says so. OWASP ASVS 5.0 V11.4.2; issue 8, line 69 */
import { afterAll, expect, test } from 'bun:test'
import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPasswordHash } from '../../src/auth/password_hash.ts'
import { commandLine } from '../support/command.ts'

const password = 'old but good password'
const salt = 'saltsaltsaltsalt'
const pbkdf2 = (iterations: number, digest: string) =>
  `pbkdf2_${digest}$${iterations}$${salt}$${pbkdf2Sync(password, salt, iterations, 32, digest).toString('base64')}`
const scrypt = (N: number, p = 1) =>
  `scrypt:${N}:8:${p}$${salt}$${scryptSync(password, salt, 64, { N, r: 8, p }).toString('hex')}`
const bcrypt = (cost: number) => Bun.password.hash(password, { algorithm: 'bcrypt', cost })
const argon2 = (memoryCost: number, timeCost: number) =>
  Bun.password.hash(password, { algorithm: 'argon2id', memoryCost, timeCost })

const weak = [
  await bcrypt(4),
  await bcrypt(9),
  pbkdf2(1, 'sha256'),
  pbkdf2(1, 'sha512'),
  pbkdf2(99_999, 'sha1'),
  scrypt(2),
  scrypt(8192),
  await argon2(64, 1),
  await argon2(19_456, 1),
]
const good = [
  await bcrypt(10),
  pbkdf2(100_000, 'sha256'),
  scrypt(16_384),
  scrypt(8192, 2),
  await argon2(19_456, 2),
  await argon2(65_536, 1),
]

test('which hashes are weak; all are of forms that are read', () => {
  for (const hash of weak) expect([hash, readPasswordHash(hash)?.isWeak]).toEqual([hash, true])
  for (const hash of good) expect([hash, readPasswordHash(hash)?.isWeak]).toEqual([hash, false])
})

const line = commandLine({ STORE_URL: 'sqlite:people.db' })
afterAll(() => line.remove())

interface Imported {
  imported: number
  problems: { at: string; problem: string }[]
}

test('each weak hash is a problem of its record, and --weak-hashes imports it', async () => {
  const path = join(line.folder, 'people.json')
  const accounts = [...weak, ...good].map((password_hash, i) => ({ username: `person${i}`, password_hash }))
  writeFileSync(path, JSON.stringify(accounts))
  const dry = await line.json<Imported>('user', 'import', path, '--partial', '--dry-run', '--json')
  expect(dry.problems).toHaveLength(weak.length)
  for (const { problem } of dry.problems) {
    expect(problem).toContain('--weak-hashes')
    expect(weak.some((hash) => problem.includes(hash))).toBe(false)
  }
  const first = await line.json<Imported>('user', 'import', path, '--partial', '--json')
  expect([first.imported, first.problems.length]).toEqual([good.length, weak.length])
  writeFileSync(path, JSON.stringify(accounts.slice(0, weak.length)))
  const rest = await line.json<Imported>('user', 'import', path, '--weak-hashes', '--json')
  expect(rest).toMatchObject({ imported: weak.length, problems: [] })
}, 60_000)
