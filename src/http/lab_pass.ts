/** A pass to the lab of a realm of a classroom: a cookie of that realm, for its student and the teacher. docs/decisions/0101-classrooms.md */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { realClock, seconds } from '../lib/clock.ts'
import { isMacOf, macOf } from '../lib/secret_keys.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'

const name = 'lab_pass'

/** No form has this purpose. The keys are those of the realm, so a pass of another realm, or of one that was removed, is none. */
const textOf = (open: string): string => `lab pass\n${open}`

/** The time of the machine: a student moves the clock of the realm, and keeps the pass. */
const secondsNow = ({ clock }: Context): number => seconds(realClock(clock))

/** The cookie to set, which ends after `maxAge` seconds, whatever keeps it. `context` is that of the realm. */
export function labPass(context: Context, maxAge: number): string {
  const { config, secrets, random } = context
  const open = `${random(9)}.${secondsNow(context) + maxAge}`
  return setCookie(config, name, `${open}.${macOf(secrets.csrf, textOf(open))}`, maxAge)
}

export function hasLabPass(call: Call, context: Context): boolean {
  const { config, secrets } = context
  const [, open, end, mac] =
    /^([\w-]{12}\.(\d{1,15}))\.([\w-]{43})$/.exec(readCookie(call, cookieName(config, name)) ?? '') ?? []
  if (open === undefined || mac === undefined || Number(end) <= secondsNow(context)) return false
  return isMacOf(secrets.csrf, textOf(open), mac)
}
