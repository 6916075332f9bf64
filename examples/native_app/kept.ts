/** The file in which the tokens are kept: for this user alone, written whole or not at all, and by one process at a time. */
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { clientId, issuer, type SignedIn } from './provider.ts'

const { XDG_STATE_HOME = join(homedir(), '.local', 'state') } = process.env
const folder = join(XDG_STATE_HOME, 'latchkey-native-app')
/** One for each issuer and client: a refresh token goes to the provider that issued it, and to no other. */
const file = join(
  folder,
  `${createHash('sha256').update(`${issuer} ${clientId}`).digest('hex').slice(0, 16)}.json`,
)
const lock = join(folder, 'lock')

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code

/** Undefined when no person is signed in. */
export async function stored(): Promise<SignedIn | undefined> {
  const text = await readFile(file, 'utf8').catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as SignedIn)
}

/** As `stored`. Throws when other users can read the file: then its tokens are no secret. */
export async function load(): Promise<SignedIn | undefined> {
  const found = await stat(file).catch(() => undefined)
  if (found && process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw new Error(`other users can read ${file}: run "sign-out", then sign in again`)
  return stored()
}

/** A new file with the right mode takes the place of the old one, so that no reader sees a half of it. */
export async function save(person: SignedIn): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const next = `${file}.${process.pid}`
  await rm(next, { force: true })
  const handle = await open(next, 'wx', 0o600)
  try {
    await handle.writeFile(JSON.stringify(person))
    await handle.sync() // the refresh token of before is used up: this one must not get lost
  } finally {
    await handle.close()
  }
  await rename(next, file)
}

export const forget = (): Promise<void> => rm(file, { force: true })

/** Longer than a refresh can take. An older lock is of a process that has died. */
const staleMs = 60_000

/** Two processes that use one refresh token look like a thief and a victim, and the provider ends the grant of both. */
export async function alone<T>(act: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (;;) {
    const taken = await open(lock, 'wx', 0o600).catch((error) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    if (taken) {
      await taken.close()
      break
    }
    const held = await stat(lock).catch(() => undefined)
    if (held && Date.now() - held.mtimeMs > staleMs) await rm(lock, { force: true })
    else await Bun.sleep(50)
  }
  try {
    return await act()
  } finally {
    await rm(lock, { force: true })
  }
}
