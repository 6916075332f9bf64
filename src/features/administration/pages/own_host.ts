/** The way from a page at ADMIN_HOST to the sign-in at the issuer and back: the entry at the issuer, the arrival and the way out at ADMIN_HOST. docs/decisions/0103-administration-at-its-own-host.md */
import { HttpError } from '../../../auth/errors.ts'
import { secret } from '../../../auth/refusal.ts'
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import { defineEndpoint, type Endpoint } from '../../../contracts/endpoint.ts'
import type { Reply } from '../../../contracts/reply.ts'
import { signedInPerson } from '../../../flow/signed_in_person.ts'
import { dropBaseSession, sessionCookie, setBaseSession } from '../../../http/base_session.ts'
import { query } from '../../../http/call.ts'
import { readCookie } from '../../../http/cookie.ts'
import { browserOf, noCookie } from '../../../http/csrf.ts'
import { redirectToBase, redirectToIssuer, redirectWithin } from '../../../http/reply.ts'
import { forgetPages } from '../../../http/session.ts'
import { say } from '../../../lib/say.ts'
import { type Session, sidIn } from '../../../models/session.ts'
import { opensFirstOwner } from '../first_owner.ts'
import { adminPageBase } from '../settings.ts'
import { issueTicket, takeTicket } from '../ticket.ts'
import { administratorOf } from './administrator.ts'
import { adminPath } from './frame.ts'
import { entryHead, ownHostHead } from './head.ts'
import { adminPageIn, arrivalPath, challengeOf, entryPath, entryQuery, leavePath } from './way_to_issuer.ts'

/** At the issuer: asks for what a page of /admin asks, and leads back with a ticket. Every page asks again itself. */
async function enter(call: Call, context: Context): Promise<Reply> {
  const { to = '', challenge = '', change } = query(call, context)
  const page = adminPageIn(to)
  if (page === undefined || !/^[\w-]{43}$/.test(challenge))
    throw new HttpError('bad_request', {
      expected: 'to: the path of a page of /admin; challenge: 43 characters of base64url',
      came: { to, challenge },
      next: `open ${adminPath} at ADMIN_HOST`,
    })
  const isChange = change !== undefined
  const again = `${entryPath}?${entryQuery(page, challenge, isChange)}`
  // The first owner has no role yet.
  const person = (await opensFirstOwner(context, page))
    ? await signedInPerson(call, context, again)
    : await administratorOf(call, context, again, { isChange })
  if ('reply' in person) return person.reply
  const base = adminPageBase(context.config)!
  const ticket = await issueTicket(context, person.session, { base, challenge, page })
  return redirectToBase(base, arrivalPath, `ticket=${ticket}`)
}

export const ownHostEntry = defineEndpoint({ ...entryHead(entryPath), get: enter })

/** At ADMIN_HOST: the ticket becomes a cookie, for the browser that asked for it. */
async function arrive(call: Call, context: Context): Promise<Reply> {
  const { ticket = '' } = query(call, context)
  const { base } = call
  const browser = browserOf(call, context)
  const challenge = browser && challengeOf(browser)
  const found = await takeTicket(context, ticket, { base, challenge })
  if (!found || base === undefined || browser === undefined)
    throw new HttpError('bad_request', {
      expected: 'a ticket of a sign-in that this browser began a moment ago, used for the first time',
      came: { ticket: secret(ticket), cookie: browser !== undefined },
      problem: 'the ticket is unknown, expired, used, or of another browser',
      next: `open ${adminPath} again`,
      say: browser === undefined ? noCookie(context, call) : say('upstream.out_of_date'),
      ways: [{ label: say('error_page.open_again'), url: `${base ?? ''}${adminPath}` }],
    })
  const { page, session } = found
  const reply = redirectWithin(`${context.basePath}${page}`, [
    setBaseSession(context, base, browser, session),
  ])
  return isOther(call, context, session) ? { ...reply, headers: { ...reply.headers, ...forgetPages } } : reply
}

/** Whether the browser has a cookie of another session here, whose pages it may have kept. */
function isOther(call: Call, context: Context, { sid }: Session): boolean {
  const cookie = readCookie(call, sessionCookie(call, context))
  return cookie !== undefined && sidIn(cookie) !== sid
}

/** Forgets the session and the pages here, and leads to the sign-out of the issuer, which asks and ends the session. */
const leave = (_call: Call, context: Context): Reply => {
  const reply = redirectToIssuer(context.config, '/logout', '')
  return { ...reply, headers: { ...reply.headers, ...forgetPages }, cookies: [dropBaseSession(context)] }
}

export const ownHostPages: readonly Endpoint[] = [
  defineEndpoint({ ...ownHostHead('admin_host_arrival', arrivalPath), get: arrive }),
  defineEndpoint({ ...ownHostHead('admin_host_leave', leavePath), get: leave }),
]
