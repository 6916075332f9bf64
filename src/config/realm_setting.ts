/** What a realm has of each variable: a value of its own, that of the server, or the default. docs/realms.md */
import type { Entries, Entry, RealmUse } from './entry.ts'
import type { Env } from './read.ts'

/** By which way a setting comes: the command line of the operator, or the administration over the network. */
export type SettingWay = 'command' | 'administration'

interface Use {
  /** The ways by which a realm gets a value of its own. */
  readonly ways: readonly SettingWay[]
  /** Without one it has the value of the server; otherwise the default. */
  readonly isInherited: boolean
  /** The mark in docs/configuration.md. */
  readonly mark?: string
}

const anyWay = ['command', 'administration'] as const

const uses: Readonly<Record<RealmUse, Use>> = {
  own_or_server: { ways: anyWay, isInherited: true, mark: '◆' },
  own_or_default: { ways: anyWay, isInherited: false, mark: '◆' },
  own_or_server_by_command: { ways: ['command'], isInherited: true, mark: '◇' },
  server: { ways: [], isInherited: true },
  default: { ways: [], isInherited: false },
}

/** Undefined where a realm has no own value. */
export const realmMark = ({ realm }: Entry): string | undefined => uses[realm].mark

/** Whether there is a way by which a realm gets a value of its own. */
export const maySet = ({ realm }: Entry): boolean => uses[realm].ways.length > 0

/** Why a realm has no own value of this variable, and what to do; undefined where it may have one. */
export function realmSettingProblem(entries: Entries, name: string, way: SettingWay): string | undefined {
  const entry = entries.find((each) => each.name === name)
  if (!entry) return 'unknown variable; docs/configuration.md marks the variables of realms with ◆'
  const { ways } = uses[entry.realm]
  if (ways.includes(way)) return undefined
  if (ways.includes('command'))
    return 'expected a variable that names no file or service of the operator; set it at the command line: latchkey realm set'
  return `expected a variable of a realm (◆ in docs/configuration.md), got ${ownerOf(entry)}`
}

const ownerOf = ({ secret }: Entry): string =>
  secret
    ? 'a secret, which is not kept in the record of a realm'
    : 'one of the server, which all realms share: set it in the environment of the process'

/** The part of the environment of the server that its realms have: without what is of the server alone. */
export function inheritedEnv(entries: Entries, env: Env): Env {
  const kept = entries.filter(({ realm }) => !uses[realm].isInherited)
  const ofServer = new Set(kept.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofServer.has(name)))
}
