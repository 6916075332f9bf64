/** Forms of the pages of /account: good for one purpose, one session, one browser. */
import type { Context } from '../contracts/context.ts'
import { form } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import { csrfToken, ensureBrowser, requireOwnForm } from '../http/csrf.ts'
import type { Session } from '../models/session.ts'

const purposeOf = (session: Pick<Session, 'sid'>, purpose: string) => `account ${session.sid} ${purpose}`

/** The hidden `csrf_token` of a form, and the cookie to set with the page. */
export function accountForm(call: Call, context: Context, session: Session, purpose: string) {
  const { browser, cookies } = ensureBrowser(call, context)
  return { csrf: csrfToken(context, browser, purposeOf(session, purpose)), cookies }
}

/** The fields of a POST that came from that form; throws `access_denied` otherwise. */
export async function accountFields(
  call: Call,
  context: Context,
  session: Session,
  purpose: string,
): Promise<Readonly<Record<string, string>>> {
  const fields = await form(call, context)
  requireOwnForm(call, context, fields.csrf_token, purposeOf(session, purpose))
  return fields
}
