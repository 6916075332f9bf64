/** Finds variables that are set but unknown, because after a typing error in a name the default would apply silently. */
import { differsByAtMost } from '../lib/nearest.ts'
import { type Env, given, type Report } from './read.ts'
import type { Entries } from './entry.ts'

const prefix = 'LATCHKEY_'

/** Shorter names are too similar to each other: PORT, HOST, HOME. */
const shortest = 8

/** Names that systems and other tools set, although they resemble variables of Latchkey. */
const foreignNames = new Set(
  `HOSTNAME HOSTTYPE HOST_NAME LOGNAME NODE_PATH NODE_NAME NODE_HOME SSL_CERT_PATH SSL_KEY_PATH SITE_URL`.split(
    ' ',
  ),
)

/** Kubernetes and Docker set these for a service called `latchkey…`. */
const serviceLink =
  /^LATCHKEY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const isServiceLink = (name: string, value: string): boolean =>
  serviceLink.test(name) || (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))

/** Of three parts of `b`, two edits leave one as it is. This quick check excludes nearly all pairs. */
function mayBeWithinTwo(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 2) return false
  const third = Math.floor(b.length / 3)
  return (
    a.includes(b.slice(0, third)) || a.includes(b.slice(third, 2 * third)) || a.includes(b.slice(2 * third))
  )
}

/** Reports every variable that is set, resembles one of Latchkey and is unknown. */
export function reportUnknownVariables(env: Env, entries: Entries, report: Report): void {
  const names = entries.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]))
  const known = new Set(names)
  const candidates = names.filter(({ length }) => length >= shortest)
  const nearest = (name: string): string | undefined =>
    candidates.find((other) => mayBeWithinTwo(name, other) && differsByAtMost(name, other, 2))

  const judge = (name: string, value: string): string | undefined => {
    if (name.startsWith(prefix)) {
      if (isServiceLink(name, value)) return undefined
      const meant = names.find((other) => `${prefix}${other}` === name) ?? nearest(name)
      return meant ? `unknown variable, did you mean ${meant}?` : 'unknown variable'
    }
    const base = name.replace(/_FILE$/, '')
    if (base !== name && base.length >= shortest && known.has(base)) {
      return `unknown variable: only secrets can come from a file, and ${base} is not a secret`
    }
    const meant = nearest(name)
    return meant && `unknown variable, did you mean ${meant}?`
  }

  for (const name of Object.keys(env)) {
    const value = given(env, name)
    if (value === undefined || known.has(name) || foreignNames.has(name)) continue
    const problem = judge(name, value)
    if (problem) report(name, problem)
  }
}
