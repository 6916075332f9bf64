/** Export and erasure of everything that is stored about an End-User, by the core and by features. https://eur-lex.europa.eu/eli/reg/2016/679/oj (GDPR Art. 15, 17, 20) */
import type { Context } from '../contracts/context.ts'
import type { PersonData } from '../contracts/feature.ts'
import { say } from '../lib/say.ts'
import { Consent } from '../models/consent.ts'
import { Event } from '../models/event.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { greeting, canMail, languageOfUser, sendMail } from './mail.ts'
import { endEverything, endSession } from './end_session.ts'

const page = 500

const moment = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** The members are listed one by one, so that a hash, a secret or a handle that is added to the record is not exported. */
const profile: PersonData = {
  name: 'profile',
  async read(context, sub) {
    const user = await User.find(context, sub)
    if (!user) return undefined
    const { username, claims, attributes, roles, language, disabled, created_at, updated_at } = user
    const dates = { created_at: moment(created_at), updated_at: moment(updated_at) }
    return { username, claims, attributes, roles, language, disabled, ...dates }
  },
  // `erasePerson` removes the record last: until then the erasure can be repeated after a failure.
  erase: async () => {},
}

const consents: PersonData = {
  name: 'consents',
  async read(context, sub) {
    const clientIds = await Consent.clientsOf(context, sub, page)
    const found = await Promise.all(
      clientIds.map(async (client_id) => {
        const consent = await Consent.find(context, sub, client_id)
        if (!consent) return undefined
        const { scope, claims, granted_at, exp } = consent
        const resources = Consent.resourcesOf(consent)
        return {
          client_id,
          scope,
          claims,
          resources,
          granted_at: moment(granted_at),
          expires_at: moment(exp),
        }
      }),
    )
    return found.filter((each) => each !== undefined)
  },
  async erase(context, sub) {
    for (let ids = await Consent.clientsOf(context, sub, page); ids.length > 0;) {
      for (const clientId of ids) await Consent.withdraw(context, sub, clientId)
      ids = await Consent.clientsOf(context, sub, page)
    }
  },
}

const grants: PersonData = {
  name: 'grants',
  async read(context, sub) {
    return (await Grant.listOfUser(context, sub)).map(
      ({ client_id, scope, authentication, refresh, exp }) => ({
        client_id,
        scope,
        ...(authentication.auth_time > 0 && { signed_in_at: moment(authentication.auth_time) }),
        ...(refresh && { refreshed_at: new Date(refresh.rotated_at).toISOString() }),
        expires_at: moment(exp),
      }),
    )
  },
  erase: (context, sub) => Grant.endOfUser(context, sub),
}

const sessions: PersonData = {
  name: 'sessions',
  async read(context, sub) {
    return (await Session.listOfUser(context, sub)).map((session) => ({
      signed_in_at: new Date(session.authenticated_at).toISOString(),
      last_used_at: moment(session.seen_at),
      ends_at: moment(session.exp),
      acr: session.acr,
      amr: session.amr,
      address: session.address,
      user_agent: session.user_agent,
      clients: session.clients,
    }))
  },
  async erase(context, sub) {
    for (const { sid } of await Session.listOfUser(context, sub)) await endSession(sid, context)
  },
}

const mostEvents = 10_000

const activity: PersonData = {
  name: 'activity',
  async read(context, sub) {
    return (await Event.listOfUser(context, sub, mostEvents)).map(
      ({ kind, at, address, user_agent, detail }) => ({
        kind,
        at: new Date(at).toISOString(),
        address,
        user_agent,
        detail,
      }),
    )
  },
  erase: (context, sub) => Event.forgetUser(context, sub),
}

export const corePersonData: readonly PersonData[] = [profile, consents, grants, sessions, activity]

/**
 * JSON of all stored data. `shownSub` is the subject identifier that the recipient knows. It replaces ours everywhere, so
 * that a client cannot correlate the End-User with the identifiers of other clients.
 */
export async function exportPerson(sub: string, context: Context, shownSub = sub): Promise<string> {
  const rows = await Promise.all(
    context.table.personData.map(
      async ({ name, read }) => [name, (await read(context, sub)) ?? null] as const,
    ),
  )
  const document = {
    issuer: context.config.issuer,
    sub,
    exported_at: new Date(context.clock.now()).toISOString(),
    data: Object.fromEntries(rows),
  }
  const named = (_key: string, value: unknown) => (value === sub ? shownSub : value)
  return JSON.stringify(document, named, 2)
}

/**
 * Erases an End-User: disables the account, ends its sessions and tokens, erases all data, and removes the record and its
 * names last. Each step may be repeated, so after a failure the caller starts again from the beginning.
 */
export async function erasePerson(sub: string, context: Context): Promise<void> {
  const user = await User.update(context, sub, (current) => ({ ...current, disabled: true }))
  if (!user) return
  await endEverything(sub, context)
  for (const { erase } of context.table.personData) await erase(context, sub)
  const to = user.claims.email
  if (typeof to === 'string' && canMail(context))
    await sendMail(context, {
      to,
      language: languageOfUser(user, context),
      subject: say('deletion.mail_subject'),
      lines: [greeting(user, to), say('deletion.mail_text')],
    })
  await User.remove(context, user)
}
