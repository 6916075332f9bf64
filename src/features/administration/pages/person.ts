/** /admin/people/{sub}: a person, what they use to sign in, where they are signed in and what they allowed. */
import type * as v from 'valibot'
import { holdsRole } from '../../../auth/admin_roles.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { dataTable } from '../../../html/data_table.ts'
import { say } from '../../../lib/say.ts'
import { deviceWords } from '../../../people/device_words.ts'
import { administratorRoutes } from '../routes/administrators.ts'
import { peopleRoutes } from '../routes/people.ts'
import { personActivityRoutes } from '../routes/person_activity.ts'
import type { SessionRow } from '../session_row.ts'
import { defineAdminPage } from './page.ts'
import { ago, buttonColumn, code, facts, section, state, when } from './parts.ts'
import { actionsOf, path, personActions, roleForm } from './person_actions.ts'
import { claimForms, otherClaims, provenFacts } from './person_claims.ts'
import { roleWords, stateWords } from './words.ts'

type Consent = v.InferOutput<NonNullable<typeof personActivityRoutes.consents.answer>>['items'][number]
type Connection = v.InferOutput<NonNullable<typeof peopleRoutes.connections.answer>>['items'][number]
type SessionOfPerson = v.InferOutput<typeof SessionRow>

/** Rows of each list on the page; the API has all of them. */
const shownRows = '20'

export const personPage = defineAdminPage({
  path,
  section: '/admin/people',
  scope: 'admin:people.read',
  actions: personActions,
  async show(input) {
    const { params, action, may, ask } = input
    const [{ answer: person, etag = '' }, { answer: factors }] = await Promise.all([
      ask(peopleRoutes.show, { params }),
      ask(peopleRoutes.factors, { params }),
    ])
    const role = may('admin:roles.write') ? await ask(administratorRoutes.show, { params }) : undefined
    const about = { ...person, has_address: person.claims.email_verified === true }
    const reaches = holdsRole(input.actor.scopes, person.administration_role ?? undefined)
    const mayEnd = may('admin:sessions.write') && reaches
    const mayWrite = may('admin:people.write') && reaches
    const query = { limit: shownRows }
    const { name } = person.claims
    const sessions = may('admin:sessions.read')
      ? (await ask(personActivityRoutes.sessions, { params, query })).answer.items
      : undefined
    const [connections, consents, events] = await Promise.all([
      ask(peopleRoutes.connections, { params }),
      ask(personActivityRoutes.consents, { params, query }),
      ask(personActivityRoutes.events, { params, query }),
    ])
    return {
      title: say('admin.person'),
      heading: foreignText(person.username),
      main: [
        facts([
          [say('admin.state'), state(...stateWords[person.state])],
          ...(typeof name === 'string' ? [[say('admin.name'), foreignText(name)] as const] : []),
          ...provenFacts(person),
          [
            say('admin.role'),
            person.administration_role === null
              ? say('admin.role_none')
              : roleWords[person.administration_role],
          ],
          [say('admin.app_roles'), person.roles.map((each) => foreignText(each)).join(', ')],
          [say('admin.sign_in_methods'), `${factors.sign_in_methods}`],
          [say('admin.second_factors'), factors.second_factors.join(', ')],
          [say('admin.created'), when(person.created_at)],
          [say('admin.sub'), code(person.sub)],
        ]),
        ...(sessions
          ? [
              section(say('admin.sessions'), [
                dataTable<SessionOfPerson>({
                  label: say('admin.sessions'),
                  path: action,
                  query: {},
                  rows: sessions,
                  empty: say('admin.sessions_none'),
                  columns: [
                    {
                      title: say('admin.device'),
                      cell: ({ user_agent }) => deviceWords(user_agent ?? undefined),
                    },
                    { title: say('admin.address'), cell: ({ address }) => address ?? '' },
                    { title: say('admin.last_used'), cell: ({ last_used_at }) => ago(last_used_at) },
                    { title: say('admin.ends'), cell: ({ ends_at }) => when(ends_at) },
                    ...buttonColumn<SessionOfPerson>(
                      mayEnd,
                      { action, csrf: input.csrf, name: 'end_session', text: say('sessions.end') },
                      ({ sid, user_agent }) => ({
                        label: say('sessions.end_named', { device: deviceWords(user_agent ?? undefined) }),
                        fields: { sid },
                      }),
                    ),
                  ],
                }),
              ]),
            ]
          : []),
        ...(connections.answer.items.length > 0
          ? [
              section(say('connections.title'), [
                dataTable<Connection>({
                  label: say('connections.title'),
                  path: action,
                  query: {},
                  rows: connections.answer.items,
                  empty: say('admin.sessions_none'),
                  columns: [
                    { title: say('admin.upstream'), cell: ({ provider }) => foreignText(provider) },
                    { title: say('admin.account'), cell: ({ shown }) => foreignText(shown) },
                    { title: say('admin.last_used'), cell: ({ used_at }) => ago(used_at) },
                    ...buttonColumn<Connection>(
                      mayWrite,
                      {
                        action,
                        csrf: input.csrf,
                        name: 'remove_connection',
                        text: say('connections.remove'),
                      },
                      ({ id, provider, shown }) => ({
                        label: say('connections.remove_named', {
                          provider: foreignText(provider),
                          identity: foreignText(shown),
                        }),
                        fields: { connection: id },
                      }),
                    ),
                  ],
                }),
              ]),
            ]
          : []),
        section(say('admin.consents'), [
          dataTable<Consent>({
            label: say('admin.consents'),
            path: action,
            query: {},
            rows: consents.answer.items,
            empty: say('admin.consents_none'),
            columns: [
              { title: say('admin.client'), cell: ({ client_id }) => foreignText(client_id) },
              { title: say('admin.scopes'), cell: ({ scope }) => foreignText(scope.join(' ')) },
              { title: say('admin.granted'), cell: ({ granted_at }) => ago(granted_at) },
              ...buttonColumn<Consent>(
                mayWrite,
                { action, csrf: input.csrf, name: 'withdraw', text: say('access.withdraw') },
                ({ client_id }) => ({
                  label: say('access.withdraw_named', { client: foreignText(client_id) }),
                  fields: { client_id },
                }),
              ),
            ],
          }),
        ]),
        section(say('admin.events'), [
          dataTable({
            label: say('admin.events'),
            path: action,
            query: {},
            rows: events.answer.items,
            empty: say('admin.events_none'),
            columns: [
              { title: say('admin.event'), cell: ({ kind }) => code(kind) },
              { title: say('admin.time'), cell: ({ at }) => ago(at) },
              { title: say('admin.address'), cell: ({ address }) => address ?? '' },
            ],
          }),
        ]),
        ...otherClaims(person),
        ...claimForms(input, person, etag),
        ...(role ? roleForm(input, about, role.etag ?? '') : []),
        ...actionsOf(input, about, etag),
      ],
    }
  },
})
