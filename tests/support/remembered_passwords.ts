/**
 * For a test that signs in hundreds of times: Argon2 of one password and one hash is computed once, because its answer is always
 * the same. It is no part of a test of password checks or of their times.
 */
import { afterAll } from 'bun:test'

type Verify = typeof Bun.password.verify

/** Until the end of the test file that calls it, once. */
export function rememberPasswords(): void {
  const { verify } = Bun.password
  const known = new Map<string, Promise<boolean>>()
  Bun.password.verify = ((...args: Parameters<Verify>) => {
    const key = JSON.stringify(args)
    const found = known.get(key) ?? verify(...args)
    known.set(key, found)
    return found
  }) as Verify
  afterAll(() => void Object.assign(Bun.password, { verify }))
}
