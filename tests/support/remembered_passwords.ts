/**
 * For a test that signs in hundreds of times with few passwords: Argon2 of one password and one hash is computed once in this process,
 * and one password is hashed once. It is no part of a test of password checks or of their times.
 */
import { afterAll } from 'bun:test'

type Verify = typeof Bun.password.verify
type Hash = typeof Bun.password.hash

/** Until the end of the file that calls it. */
export function rememberPasswords(): void {
  const { verify, hash } = Bun.password
  const known = new Map<string, Promise<unknown>>()
  const once = <T>(args: readonly unknown[], work: () => Promise<T>): Promise<T> => {
    const key = JSON.stringify(args)
    const found = known.get(key) as Promise<T> | undefined
    if (found) return found
    const made = work()
    known.set(key, made)
    return made
  }
  Bun.password.verify = ((...args: Parameters<Verify>) =>
    once(['verify', ...args], () => verify(...args))) as Verify
  Bun.password.hash = ((...args: Parameters<Hash>) => once(['hash', ...args], () => hash(...args))) as Hash
  afterAll(() => void Object.assign(Bun.password, { verify, hash }))
}
