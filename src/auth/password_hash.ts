/** Password hashes, ours and imported ones, with limits on their cost. An imported hash is replaced at the next sign-in. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { utf8 } from '../lib/bytes.ts'
import { normalize } from '../lib/normalize.ts'

/** The first recommendation of OWASP: 19 MiB, two passes. Bun.password always uses one lane. */
const argon2id = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const

/**
 * The password in Unicode form NFKC, when it is set and when it is checked: some keyboards send é as one character, others
 * as e and an accent. NIST SP 800-63B §3.1.1.2
 */
export const asTyped = (password: string): string => normalize(password, 'NFKC')

export const hashPassword = (password: string): Promise<string> =>
  Bun.password.hash(asTyped(password), argon2id)

export const needsUpgrade = (hash: string): boolean => !hash.startsWith('$argon2id$v=19$m=19456,t=2,p=1$')

export interface PasswordHash {
  /** For example `bcrypt`, for lists. */
  kind: string
  verify(password: string): Promise<boolean>
  /** Whether it costs less than `floor`, so that a stolen hash can be guessed fast. OWASP ASVS 5.0 V11.4.2 */
  isWeak: boolean
}

/** The least cost of an imported hash: below what OWASP recommends for new ones, so that usual settings of recent years pass. */
const floor = {
  bcryptCost: 10,
  argon2Memory: 7_168, // KiB
  argon2Work: 35_840, // memory times passes
  pbkdf2Iterations: 100_000,
  scryptWork: 131_072, // N times r times p
}

/** For messages. */
export const hashFloor = `bcrypt of cost ${floor.bcryptCost}, argon2 of ${floor.argon2Memory / 1024} MiB and ${floor.argon2Work / floor.argon2Memory} passes, PBKDF2 of ${floor.pbkdf2Iterations} iterations, scrypt of N=16384, r=8, p=1`

/** Limits on the cost of a hash, so that an imported one cannot stall the server: about a second on a common machine. */
const bounds = {
  bcryptCost: 14,
  argon2Memory: 262_144, // KiB
  argon2Time: 16,
  pbkdf2Iterations: 2_000_000,
  scryptMemory: 256 * 1024 * 1024, // bytes: 128 · N · r
  scryptWork: 1024 * 1024 * 1024, // the same, p times
  saltLength: 256,
  leastKey: 16,
  mostKey: 128,
}

interface Form {
  kind: string
  pattern: RegExp
  /** Undefined when the parameters are out of bounds. */
  read(parts: Readonly<Record<string, string>>, text: string): Read | undefined
}
type Read = Omit<PasswordHash, 'kind'>

/** bcrypt ignores bytes beyond this. They are cut off because Bun would hash a longer password first, which other systems do not. */
const bcryptBytes = 72

const forms: readonly Form[] = [
  {
    kind: 'bcrypt',
    pattern: /^\$2[aby]\$(?<cost>\d\d)\$[./A-Za-z0-9]{53}$/,
    read: ({ cost }, text) =>
      Number(cost) >= 4 && Number(cost) <= bounds.bcryptCost
        ? {
            verify: (password) => Bun.password.verify(utf8(password).slice(0, bcryptBytes), text),
            isWeak: Number(cost) < floor.bcryptCost,
          }
        : undefined,
  },
  {
    kind: 'argon2',
    pattern:
      /^\$argon2(?:id|i|d)\$v=19\$m=(?<memory>\d{1,7}),t=(?<time>\d{1,3}),p=\d{1,2}\$[\w+/]{11,256}\$[\w+/]{16,172}$/,
    read: ({ memory, time }, text) =>
      Number(memory) <= bounds.argon2Memory && Number(time) <= bounds.argon2Time
        ? {
            verify: (password) => Bun.password.verify(password, text),
            isWeak: Number(memory) < floor.argon2Memory || Number(memory) * Number(time) < floor.argon2Work,
          }
        : undefined,
  },
  {
    kind: 'pbkdf2', // Django
    pattern:
      /^pbkdf2_(?<digest>sha1|sha256|sha512)\$(?<iterations>\d{1,8})\$(?<salt>[^$]+)\$(?<key>[\w+/]+=*)$/,
    read: ({ digest, iterations, salt, key }) =>
      byPbkdf2(digest!, Number(iterations), utf8(salt!), Buffer.from(key!, 'base64')),
  },
  {
    kind: 'pbkdf2', // PHC, and passlib, which leaves `i=` out and writes . for +
    pattern:
      /^\$pbkdf2(?:-(?<digest>sha1|sha256|sha512))?\$(?:i=)?(?<iterations>\d{1,8})(?:,l=\d{1,3})?\$(?<salt>[\w+./]+)\$(?<key>[\w+./]+)$/,
    read: ({ digest = 'sha1', iterations, salt, key }) =>
      byPbkdf2(digest, Number(iterations), unpadded(salt!), unpadded(key!)),
  },
  {
    kind: 'pbkdf2', // Werkzeug
    pattern:
      /^pbkdf2:(?<digest>sha1|sha256|sha512):(?<iterations>\d{1,8})\$(?<salt>[^$]+)\$(?<key>[\da-f]+)$/,
    read: ({ digest, iterations, salt, key }) =>
      byPbkdf2(digest!, Number(iterations), utf8(salt!), Buffer.from(key!, 'hex')),
  },
  {
    kind: 'scrypt', // PHC
    pattern:
      /^\$scrypt\$ln=(?<ln>\d{1,2}),r=(?<r>\d{1,3}),p=(?<p>\d{1,3})\$(?<salt>[\w+./]+)\$(?<key>[\w+./]+)$/,
    read: ({ ln, r, p, salt, key }) =>
      byScrypt({ N: 2 ** Number(ln), r: Number(r), p: Number(p) }, unpadded(salt!), unpadded(key!)),
  },
  {
    kind: 'scrypt', // Django
    pattern: /^scrypt\$(?<salt>[^$]+)\$(?<N>\d{1,7})\$(?<r>\d{1,3})\$(?<p>\d{1,3})\$(?<key>[\w+/]+=*)$/,
    read: ({ N, r, p, salt, key }) =>
      byScrypt({ N: Number(N), r: Number(r), p: Number(p) }, utf8(salt!), Buffer.from(key!, 'base64')),
  },
  {
    kind: 'scrypt', // Werkzeug
    pattern: /^scrypt:(?<N>\d{1,7}):(?<r>\d{1,3}):(?<p>\d{1,3})\$(?<salt>[^$]+)\$(?<key>[\da-f]+)$/,
    read: ({ N, r, p, salt, key }) =>
      byScrypt({ N: Number(N), r: Number(r), p: Number(p) }, utf8(salt!), Buffer.from(key!, 'hex')),
  },
]

/** Parses a hash; undefined when its form is unknown or its cost exceeds the limits. */
export function readPasswordHash(text: string): PasswordHash | undefined {
  for (const { kind, pattern, read } of forms) {
    const groups = pattern.exec(text)?.groups
    const found = groups && read(groups, text)
    if (found) return { kind, ...found }
  }
  return undefined
}

/** The supported forms, for messages. */
export const hashForms =
  'argon2 ($argon2id$…), bcrypt ($2a$, $2b$, $2y$), PBKDF2 and scrypt (PHC, Django, Werkzeug)'

const unpadded = (text: string): Buffer => Buffer.from(text.replaceAll('.', '+'), 'base64')

const inBounds = (salt: Uint8Array, key: Uint8Array): boolean =>
  salt.length <= bounds.saltLength && key.length >= bounds.leastKey && key.length <= bounds.mostKey

function byPbkdf2(digest: string, iterations: number, salt: Uint8Array, key: Uint8Array): Read | undefined {
  if (iterations < 1 || iterations > bounds.pbkdf2Iterations || !inBounds(salt, key)) return undefined
  const derive = process.getBuiltinModule('node:util').promisify(pbkdf2)
  return {
    verify: async (password) =>
      timingSafeEqual(await derive(password, salt, iterations, key.length, digest), key),
    isWeak: iterations < floor.pbkdf2Iterations,
  }
}

function byScrypt(
  cost: { N: number; r: number; p: number },
  salt: Uint8Array,
  key: Uint8Array,
): Read | undefined {
  const { N, r, p } = cost
  const memory = 128 * N * r
  const affordable = memory <= bounds.scryptMemory && memory * p <= bounds.scryptWork
  if (N < 2 || (N & (N - 1)) !== 0 || r < 1 || p < 1 || !affordable || !inBounds(salt, key)) return undefined
  return {
    verify: async (password) => timingSafeEqual(await scryptKey(password, salt, key.length, cost), key),
    isWeak: N * r * p < floor.scryptWork,
  }
}

const scryptKey = (
  password: string,
  salt: Uint8Array,
  length: number,
  cost: { N: number; r: number; p: number },
) =>
  new Promise<Buffer>((resolve, reject) => {
    const options = { ...cost, maxmem: 2 * bounds.scryptMemory }
    scrypt(password, salt, length, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
