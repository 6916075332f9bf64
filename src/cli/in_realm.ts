/** The realm that a command works in, and which commands can. docs/realms.md */
import { AsyncLocalStorage } from 'node:async_hooks'

const chosen = new AsyncLocalStorage<string>()

/** Undefined for the server itself. */
export const chosenRealm = (): string | undefined => chosen.getStore()

export const withRealm = <T>(name: string | undefined, run: () => T): T =>
  name === undefined ? run() : chosen.run(name, run)

/** Commands that work in a realm as they work for the server itself. */
const within: ReadonlySet<string> = new Set(
  [
    ['keys generate', 'keys rotate', 'keys replace', 'keys list', 'jwks'],
    ['user add', 'user passwd', 'user reset', 'user disable', 'user enable', 'user list', 'user show'],
    ['user remove', 'user set', 'user import', 'user export', 'invite', 'invite list', 'invite revoke'],
    ['verify', 'reset-factors', 'sessions list', 'sessions end', 'admin grant', 'admin revoke', 'admin list'],
    ['client add', 'client show', 'client set', 'client secret', 'client kit', 'client list'],
    ['client remove', 'client token add', 'client token list', 'client token remove', 'usage'],
    ['audit verify', 'audit list', 'audit export', 'audit report', 'audit jwks', 'audit rotate'],
    ['config check', 'plan', 'apply', 'rollback', 'drift', 'export-config'],
  ].flat(),
)

export const worksInRealm = (command: string): boolean => within.has(command)

const commandsIn = new RegExp(`\\blatchkey (${[...within].join('|')})(?![\\w-])`, 'g')

/** A text of a command that names further ones: they are for the same realm. */
export function inChosenRealm(text: string): string {
  const name = chosenRealm()
  return name === undefined ? text : text.replaceAll(commandsIn, `latchkey --realm ${name} $1`)
}
