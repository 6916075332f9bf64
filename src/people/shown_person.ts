/** The End-User as pages show them: username, name and picture. */
import type { Context } from '../contracts/context.ts'
import type { ShownPerson } from '../html/avatar.ts'
import { foreignText } from '../html/foreign_text.ts'
import type { User } from '../models/user.ts'

export function shownPerson({ username, claims }: User, { config }: Context): ShownPerson {
  const url = typeof claims.picture === 'string' ? URL.parse(claims.picture) : null
  return {
    username,
    name: typeof claims.name === 'string' ? foreignText(claims.name) : undefined,
    // Only a picture on this provider: another server would learn when the End-User opens the page.
    picture: url?.href.startsWith(`${config.issuer}/`) ? url.href : undefined,
  }
}
