/** What a person did and allowed: sessions, consents, events. */
import * as v from 'valibot'
import { Consent } from '../../../models/consent.ts'
import { Event } from '../../../models/event.ts'
import { Session } from '../../../models/session.ts'
import { pageOf, pageOfIndex, pageQuery, pageWithin } from '../cursor.ts'
import { Moment, moment, requirePerson } from '../person.ts'
import { defineRoute } from '../route.ts'
import { SessionRow, sessionRowOf } from '../session_row.ts'

const ConsentRow = v.object({
  client_id: v.string(),
  scope: v.array(v.string()),
  claims: v.array(v.string()),
  resources: v.array(v.string()),
  granted_at: Moment,
  expires_at: Moment,
})

const EventRow = v.object({
  kind: v.string(),
  at: Moment,
  address: v.nullable(v.string()),
  user_agent: v.nullable(v.string()),
  detail: v.nullable(v.string()),
})

/** As many as are kept, or as anyone reads. */
const mostConsents = 1_000

export const personActivityRoutes = {
  sessions: defineRoute({
    method: 'GET',
    path: '/people/{sub}/sessions',
    summary: 'The sessions of a person',
    scope: 'admin:sessions.read',
    query: pageQuery,
    answer: pageOf(SessionRow),
    async run(_call, context, { params, query }) {
      const { sub } = await requirePerson(context, params.sub)
      const all = await Session.listOfUser(context, sub)
      const page = pageWithin(context, { list: `sessions ${sub}`, query }, all, ({ sid }) => sid)
      return { answer: { ...page, items: page.items.map(sessionRowOf) } }
    },
  }),

  consents: defineRoute({
    method: 'GET',
    path: '/people/{sub}/consents',
    summary: 'What a person agreed that clients may have',
    scope: 'admin:people.read',
    query: pageQuery,
    answer: pageOf(ConsentRow),
    async run(_call, context, { params, query }) {
      const { sub } = await requirePerson(context, params.sub)
      const ids = await Consent.clientsOf(context, sub, mostConsents)
      const found = await Promise.all(
        ids.map(async (client_id) => ({ client_id, consent: await Consent.find(context, sub, client_id) })),
      )
      const current = found.flatMap(({ client_id, consent }) =>
        consent
          ? [
              {
                client_id,
                scope: consent.scope,
                claims: consent.claims,
                resources: Consent.resourcesOf(consent),
                granted_at: moment(consent.granted_at),
                expires_at: moment(consent.exp),
              },
            ]
          : [],
      )
      const at = { list: `consents ${sub}`, query }
      return { answer: pageWithin(context, at, current, ({ client_id }) => client_id) }
    },
  }),

  events: defineRoute({
    method: 'GET',
    path: '/people/{sub}/events',
    summary: 'The security events that a person can read, the newest first',
    scope: 'admin:people.read',
    query: pageQuery,
    answer: pageOf(EventRow),
    async run(_call, context, { params, query }) {
      const { sub } = await requirePerson(context, params.sub)
      const page = await pageOfIndex(context, { list: `events ${sub}`, query }, (at) =>
        Event.pageOfUser(context, sub, at),
      )
      const items = page.items.map(({ kind, at, address, user_agent, detail }) => ({
        kind,
        at: new Date(at).toISOString(),
        address: address ?? null,
        user_agent: user_agent ?? null,
        detail: detail ?? null,
      }))
      return { answer: { ...page, items } }
    },
  }),
}
