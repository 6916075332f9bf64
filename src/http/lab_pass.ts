/** A pass to the lab of a realm of a classroom: a cookie of that realm, for its student and the teacher. docs/decisions/0101-classrooms.md */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { isMacOf, macOf } from '../lib/secret_keys.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'

const name = 'lab_pass'

/** No form has this purpose. The keys are those of the realm, so a pass of another realm, or of one that was removed, is none. */
const textOf = (nonce: string): string => `lab pass\n${nonce}`

/** The cookie to set; `maxAge` in seconds. `realm` is the context of the realm. */
export function labPass({ config, secrets, random }: Context, maxAge: number): string {
  const nonce = random(9)
  return setCookie(config, name, `${nonce}.${macOf(secrets.csrf, textOf(nonce))}`, maxAge)
}

export function hasLabPass(call: Call, { config, secrets }: Context): boolean {
  const [, nonce, mac] =
    /^([\w-]{12})\.([\w-]{43})$/.exec(readCookie(call, cookieName(config, name)) ?? '') ?? []
  return nonce !== undefined && mac !== undefined && isMacOf(secrets.csrf, textOf(nonce), mac)
}
