/** Sessions, grants and consents: lists them, and ends them by person, by client, by session, and all of them. OWASP ASVS 5.0 V7.4.5 */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { endGrants } from '../../../clients/end_grants.ts'
import { isClientId } from '../../../clients/find_client.ts'
import { Grant } from '../../../models/grant.ts'
import { Session } from '../../../models/session.ts'
import { noteChange } from '../../../people/author.ts'
import { endAll, endAllAccounts } from '../../../people/end_access.ts'
import { endSession } from '../../../people/end_session.ts'
import { tellOfOperator } from '../../../people/tell_owner.ts'
import { withdrawAccess } from '../../../people/withdraw_access.ts'
import { authorOf, requireRightOver } from '../actor.ts'
import { pageOf, pageQuery, pageWithin } from '../cursor.ts'
import { Moment, moment, requireChangeable, requirePerson } from '../person.ts'
import { defineRoute } from '../route.ts'
import { SessionRow, sessionRowOf } from '../session_row.ts'

const GrantRow = v.object({
  grant_id: v.string(),
  sub: v.string(),
  client_id: v.string(),
  scope: v.array(v.string()),
  sid: v.pipe(v.nullable(v.string()), v.description('Null: it outlives its session (offline_access)')),
  expires_at: Moment,
})

const grantRowOf = ({ grant_id, sub, client_id, scope, session_bound, authentication, exp }: Grant) => ({
  grant_id,
  sub,
  client_id,
  scope,
  sid: session_bound ? authentication.sid : null,
  expires_at: moment(exp),
})

const notFound = (expected: string, came: string) =>
  new HttpError('not_found', { expected, came, problem: `there is no such ${expected.split(' ').at(-1)}` })

const Ended = v.object({ ended_sessions: v.number(), ended_grants: v.number() })

export const accessRoutes = {
  endOfPerson: defineRoute({
    method: 'DELETE',
    path: '/people/{sub}/sessions',
    summary: 'Ends all sessions, grants and tokens of a person',
    scope: 'admin:sessions.write',
    changes: 'the sessions, grants and tokens of the person',
    destructive: true,
    answer: Ended,
    async run(call, context, { params, actor }) {
      const user = await requireChangeable(context, actor, params.sub)
      const ended = await endAll(context, user)
      await tellOfOperator(context, user, { kind: 'signed_out_by_operator' })
      await noteChange(context, authorOf(call, actor), 'sessions_ended', {
        sub: user.sub,
        sessions: ended.ended_sessions,
        grants: ended.ended_grants,
      })
      return { answer: ended }
    },
  }),

  showSession: defineRoute({
    method: 'GET',
    path: '/sessions/{sid}',
    summary: 'Shows a session',
    scope: 'admin:sessions.read',
    answer: SessionRow,
    async run(_call, context, { params }) {
      const session = await Session.find(context, params.sid)
      if (!session) throw notFound('the sid of a session', params.sid)
      return { answer: sessionRowOf(session) }
    },
  }),

  endSession: defineRoute({
    method: 'DELETE',
    path: '/sessions/{sid}',
    summary: 'Ends a session with its grants',
    scope: 'admin:sessions.write',
    changes: 'the session, and the grants and tokens that are bound to it',
    destructive: true,
    answer: SessionRow,
    async run(call, context, { params, actor }) {
      const session = await Session.find(context, params.sid)
      if (!session) throw notFound('the sid of a session', params.sid)
      await requireRightOver(context, actor, session.sub)
      await endSession(session.sid, context)
      const { sid, sub } = session
      await noteChange(context, authorOf(call, actor), 'session_ended', { sub, sid })
      return { answer: sessionRowOf(session) }
    },
  }),

  grants: defineRoute({
    method: 'GET',
    path: '/people/{sub}/grants',
    summary: 'The grants of a person: authorizations of clients, with their tokens',
    scope: 'admin:sessions.read',
    query: pageQuery,
    answer: pageOf(GrantRow),
    async run(_call, context, { params, query }) {
      const { sub } = await requirePerson(context, params.sub)
      const all = await Grant.listOfUser(context, sub)
      const page = pageWithin(context, { list: `grants ${sub}`, query }, all, ({ grant_id }) => grant_id)
      return { answer: { ...page, items: page.items.map(grantRowOf) } }
    },
  }),

  endGrant: defineRoute({
    method: 'DELETE',
    path: '/people/{sub}/grants/{grant_id}',
    summary: 'Ends a grant with all its tokens',
    scope: 'admin:sessions.write',
    changes: 'the grant and its tokens',
    destructive: true,
    answer: GrantRow,
    async run(call, context, { params, actor }) {
      const { sub } = await requireChangeable(context, actor, params.sub)
      const grant = await Grant.find(context, params.grant_id)
      if (grant?.sub !== sub) throw notFound('the id of a grant', params.grant_id)
      await Grant.end(context, grant.grant_id)
      const facts = { sub, client_id: grant.client_id, grants: 1 }
      await noteChange(context, authorOf(call, actor), 'grant_ended', facts)
      return { answer: grantRowOf(grant) }
    },
  }),

  withdrawConsent: defineRoute({
    method: 'DELETE',
    path: '/people/{sub}/consents/{client_id}',
    summary: 'Withdraws what a person agreed that a client may have, and ends its grants',
    scope: 'admin:people.write',
    changes: 'the consent, and the grants of the client for the person',
    destructive: true,
    answer: v.object({ sub: v.string(), client_id: v.string() }),
    async run(call, context, { params, actor }) {
      const { sub } = await requireChangeable(context, actor, params.sub)
      const { client_id } = params
      if (!(await withdrawAccess(context, sub, client_id)))
        throw notFound('the client_id of a consent', client_id)
      await noteChange(context, authorOf(call, actor), 'consent_withdrawn', { sub, client_id })
      return { answer: { sub, client_id } }
    },
  }),

  endOfClient: defineRoute({
    method: 'DELETE',
    path: '/clients/{client_id}/grants',
    summary: 'Ends all grants and consents of a client, of all people',
    scope: 'admin:sessions.end_all',
    changes: 'the grants, tokens and consents of the client; it reads every account',
    destructive: true,
    answer: v.object({ client_id: v.string(), ended_grants: v.number() }),
    async run(call, context, { params, actor }) {
      const { client_id } = params
      if (!(await isClientId(context, client_id))) throw notFound('the client_id of a client', client_id)
      const ended_grants = await endGrants(context, client_id)
      const facts = { client_id, grants: ended_grants }
      await noteChange(context, authorOf(call, actor), 'client_grants_ended', facts)
      return { answer: { client_id, ended_grants } }
    },
  }),

  endEverything: defineRoute({
    method: 'DELETE',
    path: '/sessions',
    summary: 'Ends all sessions, grants and tokens of all people, those of the caller included',
    scope: 'admin:sessions.end_all',
    changes: 'everything that was issued; it reads every account',
    destructive: true,
    answer: v.object({ people: v.number(), ...Ended.entries }),
    async run(call, context, { actor, dryRun }) {
      const { people, sessions, grants } = await endAllAccounts(context)
      if (!dryRun) await context.birth.renew() // tokens and assertions that no account has, too
      await noteChange(context, authorOf(call, actor), 'all_sessions_ended', { people, sessions, grants })
      return { answer: { people, ended_sessions: sessions, ended_grants: grants } }
    },
  }),
}
