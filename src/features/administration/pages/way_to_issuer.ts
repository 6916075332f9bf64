/** Where a page of /admin leads that is at an ADMIN_HOST with another host name than the issuer: sign-in and account are at the issuer. docs/decisions/0103-administration-at-its-own-host.md */
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import type { Reply } from '../../../contracts/reply.ts'
import { presentPerson, signedInPerson, type SignedInPerson } from '../../../flow/signed_in_person.ts'
import { ensureBrowser } from '../../../http/csrf.ts'
import { askedLocales } from '../../../http/language.ts'
import { redirectToBase } from '../../../http/reply.ts'
import { sha256 } from '../../../lib/hash.ts'

/** Below the base path, as all paths here. What is below this one is no page to return to. */
const ownHostPath = '/admin/host'
export const entryPath = `${ownHostPath}/enter`
export const arrivalPath = `${ownHostPath}/arrive`
export const leavePath = `${ownHostPath}/leave`

/** A page that the issuer alone has. */
export const atIssuer = ({ base }: Call, { config }: Context, path: string): string =>
  base === undefined ? path : `${config.issuer}${path}`

export const signOutPath = ({ base }: Call): string => (base === undefined ? '/logout' : leavePath)

/** What the issuer knows of the browser at ADMIN_HOST; its cookie there is the verifier. As in RFC 7636 §4.2. */
export const challengeOf = (browser: string): string => sha256(`admin host\n${browser}`)

/** The query of the entry. `change`: the page asks for the fresh sign-in of a change. */
export function entryQuery(page: string, challenge: string, change: boolean): string {
  return new URLSearchParams({ to: page, challenge, ...(change && { change: 'yes' }) }).toString()
}

/** Leads to the sign-in at the issuer, and then back to `page`. */
export function toIssuer(call: Call, context: Context, page: string, change: boolean): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const locales = askedLocales(call)
  const query = entryQuery(page, challengeOf(browser), change)
  const search = locales === '' ? query : `${query}&ui_locales=${encodeURIComponent(locales)}`
  return redirectToBase(context.config.issuer, entryPath, search, cookies)
}

/** The End-User of a page of /admin, with a session of any age; or the reply that asks to sign in and leads back to `page`. */
export async function personOfPage(
  call: Call,
  context: Context,
  page: string,
  change = false,
): Promise<SignedInPerson | { reply: Reply }> {
  if (call.base === undefined) return signedInPerson(call, context, page)
  return (await presentPerson(call, context)) ?? { reply: toIssuer(call, context, page, change) }
}

const nowhere = 'http://nowhere.invalid'

/** The page of /admin that a path and query name; undefined for anything else, such as another host. */
export function adminPageIn(text: string): string | undefined {
  const found = /^\/admin(?![^/?])[\x21-\x7e]*$/.test(text) ? URL.parse(text, nowhere) : null
  if (found?.origin !== nowhere || !/^\/admin(?:\/[^/]|$)/.test(found.pathname)) return undefined
  return found.pathname.startsWith(`${ownHostPath}/`) ? undefined : found.pathname + found.search
}
