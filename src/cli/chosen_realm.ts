/** `--realm NAME`, which every command that works with a store understands: the realm for the time of one command. docs/realms.md */
import { isRealmName, realmNameWords } from '../models/realm.ts'
import { UsageError } from './failure.ts'
import { worksInRealm } from './in_realm.ts'
import { printable } from './output.ts'

const flag = '--realm'

export const realmOptionHelp = `  ${'--realm NAME'.padEnd(32)}Do it in this realm`

/** Takes the option out of `args`, where it stands: before the command or after it. What follows `--` is left alone. */
export function takeRealm(args: readonly string[]): { name: string | undefined; args: readonly string[] } {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const left: string[] = []
  let name: string | undefined
  for (let i = 0; i < args.length; i++) {
    const each = args[i]!
    const isIt = i < end && (each === flag || each.startsWith(`${flag}=`))
    if (!isIt) {
      left.push(each)
      continue
    }
    if (name !== undefined) throw new UsageError(`${flag} came twice`)
    name = each === flag ? (++i < end ? args[i]! : '') : each.slice(flag.length + 1)
    requireName(name)
  }
  return { name, args: left }
}

function requireName(text: string): void {
  if (text === '' || text.startsWith('-')) throw new UsageError(`${flag} needs a value: ${flag} NAME`)
  if (!isRealmName(text))
    throw new UsageError(`${flag}: expected the name of a realm, ${realmNameWords}, got ${printable(text)}`)
}

const ofStore = 'it is about the whole store, with all realms'
const ofIssuer = 'it takes the issuer of a provider: ISSUER/realms/NAME for that of a realm'
const ofAll = 'it takes the name of a realm as its argument'

/** Why another command does not, and what to do. */
const elsewhere: Readonly<Record<string, string>> = {
  serve: 'one server has all realms',
  classroom: 'each of its students gets a realm of the server',
  'secrets reseal': 'it is done for all realms together',
  'secrets seal': ofStore,
  'secrets unseal': ofStore,
  backup: ofStore,
  restore: ofStore,
  migrate: ofStore,
  'migrate status': ofStore,
  'migrate abort': ofStore,
  'store schema': ofStore,
  pkce: 'it uses no store',
  health: 'it asks the whole server',
  examine: ofIssuer,
  monitor: ofIssuer,
  'monitor report': ofIssuer,
  'try-client': 'it is a provider of its own, in memory',
  'realm add': ofAll,
  'realm list': 'it lists all realms',
  'realm show': ofAll,
  'realm set': ofAll,
  'realm disable': ofAll,
  'realm enable': ofAll,
  'realm remove': ofAll,
}

/** Throws UsageError for a command that has nothing to do in a realm. */
export function requireInRealm(command: string): void {
  if (worksInRealm(command)) return
  const reason = Object.hasOwn(elsewhere, command) ? elsewhere[command] : 'it does not know realms'
  throw new UsageError(`${command} takes no ${flag}: ${reason}. Leave the option out`)
}
