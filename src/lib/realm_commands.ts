/** Commands that work in a realm as they work for the server itself, and texts that name them. docs/realms.md */

export const commandsOfRealms: ReadonlySet<string> = new Set(
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

const named = new RegExp(`\\blatchkey (${[...commandsOfRealms].join('|')})(?![\\w-])`, 'g')

/** A text that names commands: in a realm, those that work in this realm. Undefined is the server itself. */
export const textOfRealm = (realm: string | undefined, text: string): string =>
  realm === undefined ? text : text.replaceAll(named, `latchkey --realm ${realm} $1`)
