/** /account/sessions: lists the sessions of the End-User, and ends one or all others. OWASP ASVS 5.0 V7.5.2 */
import { ownMember } from '../../lib/own_member.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { type SignedInPerson, freshlySignedIn, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { agoLine, buttonForm, details, entry, entryList, linkTo } from '../../html/account_parts.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { deviceTile } from '../../html/page_parts.ts'
import { deviceIcons, deviceWords } from '../../people/device_words.ts'
import { languageOf } from '../../http/language.ts'
import { placeOf } from '../../people/place.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { withoutSession } from '../../http/session.ts'
import { endSession } from '../../people/end_session.ts'
import { changeAndTell, noteEvent } from '../../people/tell_owner.ts'
import type { Html } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import { Session } from '../../models/session.ts'
import { policyPath } from './policy_page.ts'

export const sessionsPath = '/account/sessions'

const purpose = 'sessions'

/** Confirmations by the value of `?done=`. */
const done: Readonly<Record<string, Said>> = {
  ended: say('sessions.done'),
  all: say('sessions.done_all'),
}

export const sessionsPage = defineEndpoint({
  name: 'account_sessions',
  path: sessionsPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(sessionsPath, show),
  // A recent sign-in is required, so that a copied cookie or an unattended browser cannot end the other sessions.
  form: signedInForm(sessionsPath, purpose, freshlySignedIn),
  post: submit,
})

const lastUsed = (a: Session, b: Session) => b.seen_at - a.seen_at || b.created_at - a.created_at

async function show(call: Call, context: Context, { user, session }: SignedInPerson): Promise<Reply> {
  const all = await Session.listOfUser(context, user.sub)
  const others = all.filter(({ sid }) => sid !== session.sid).sort(lastUsed)
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const action = `${context.basePath}${sessionsPath}`
  const button = ({ sid, user_agent }: Session) =>
    buttonForm({
      action,
      csrf,
      name: 'end',
      text: say('sessions.end'),
      label: say('sessions.end_named', { device: deviceWords(user_agent) }),
      fields: { session: sid },
    })
  const entries = await Promise.all([
    entryOf(call, context, session, { badge: say('sessions.this') }),
    ...others.map((each) => entryOf(call, context, each, { action: button(each) })),
  ])
  const endAll = buttonForm({ action, csrf, name: 'end_all', text: say('sessions.end_all'), kind: 'danger' })
  const html = accountPage(context, {
    current: sessionsPath,
    title: say('sessions.title'),
    done: ownMember(done, query(call, context).done ?? ''),
    main: [
      entryList({ entries }),
      ...(others.length > 0 ? [endAll] : []),
      linkTo({ path: `${context.basePath}${policyPath}`, text: say('sessions.policy_link') }),
    ],
  })
  return { ...page(200, html), cookies }
}

const moment = (seconds: number) => new Date(seconds * 1000)

async function entryOf(
  call: Call,
  context: Context,
  session: Session,
  more: { badge?: Said; action?: Html },
): Promise<Html> {
  const { address, created_at, seen_at, exp } = session
  const place = await placeOf(context, address, languageOf(call, context))
  const absolute = created_at + context.config.sessionTtl
  return entry({
    title: deviceWords(session.user_agent),
    image: deviceTile(deviceIcons(session.user_agent)),
    ...more,
    lines: [
      ...(address === undefined
        ? []
        : [
            place === undefined
              ? say('sessions.where', { address })
              : say('sessions.place', { place, address }),
          ]),
    ],
    more: [
      agoLine({ text: say('sessions.active', { at: moment(seen_at) }) }),
      details([
        say('sessions.used', { first: moment(created_at), last: moment(seen_at) }),
        exp < absolute
          ? say('sessions.ends', { idle: moment(exp), absolute: moment(absolute) })
          : say('sessions.ends_on', { absolute: moment(absolute) }),
      ]),
    ],
  })
}

async function submit(
  call: Call,
  context: Context,
  { user, session, fields }: SignedInPerson & Submitted,
): Promise<Reply> {
  const path = `${context.basePath}${sessionsPath}`
  if (fields.end_all !== undefined) {
    const all = await Session.listOfUser(context, user.sub)
    for (const { sid } of all) if (sid !== session.sid) await endSession(sid, context)
    await noteEvent(call, context, user.sub, { kind: 'sessions_ended' })
    return redirectWithin(`${path}?done=all`)
  }
  const sid = fields.session ?? ''
  // A session of another End-User gets the same answer as one that has ended, so that the answer discloses nothing.
  const event = { kind: 'session_ended' } as const
  const end = async () =>
    (await Session.find(context, sid))?.sub === user.sub && (await endSession(sid, context)) !== undefined
  await changeAndTell(call, context, user, event, end, () => noteEvent(call, context, user.sub, event))
  const reply = redirectWithin(`${path}?done=ended`)
  return sid === session.sid ? withoutSession(reply, context) : reply
}
