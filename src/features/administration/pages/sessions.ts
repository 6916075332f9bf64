/** /admin/sessions: where people are signed in, by person, app and address; one, those that are chosen, or all are ended. */
import type * as v from 'valibot'
import { holdsRole } from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import { buttonForm } from '../../../html/account_parts.ts'
import { type Column, dataTable, filters } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Params } from '../../../auth/params.ts'
import { hiddenField } from '../../../html/page_parts.ts'
import type { Html } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'
import { deviceWords } from '../../../people/device_words.ts'
import { accessRoutes } from '../routes/access.ts'
import { isNetwork, sessionRoutes } from '../routes/sessions.ts'
import { defineAdminPage, type PageInput } from './page.ts'
import { actions, ago, confirmation, lead, link, state, warning, when } from './parts.ts'
import { boxView, chosenView, wholeTextView } from './views.ts'

const path = '/admin/sessions'
type Input = PageInput<typeof path>

type Row = v.InferOutput<NonNullable<typeof sessionRoutes.list.answer>>['items'][number]

/** Of a page, so that all its boxes fit in one form. */
const shownRows = '50'

const chosenForm = 'chosen_sessions'

/** The name of a box: a form has each name once. */
const mark = 'sid_'
const chosenIn = (fields: Params): string[] =>
  Object.keys(fields).flatMap((name) => (name.startsWith(mark) ? [name.slice(mark.length)] : []))

const device = ({ user_agent }: Row) => deviceWords(user_agent ?? undefined)
const personOf = ({ username, sub }: Row): string => foreignText(username ?? sub)

const mayEnd = ({ may, actor }: Input, { administration_role }: Row): boolean =>
  may('admin:sessions.write') && holdsRole(actor.scopes, administration_role ?? undefined)

export const sessionsPage = defineAdminPage({
  path,
  section: path,
  scope: 'admin:sessions.read',
  async show(input) {
    const { query, action, ask } = input
    const { person, client_id, address, sort, cursor } = query
    const chosen = { person, client_id, address, sort, cursor }
    const title = say('admin.sessions')
    const search = filters({
      action,
      query: chosen,
      filters: [
        { kind: 'text', name: 'person', label: say('admin.sessions_person') },
        { kind: 'text', name: 'client_id', label: say('admin.client_id') },
        { kind: 'text', name: 'address', label: say('admin.sessions_address') },
      ],
    })
    if (address && !isNetwork(address))
      return { title, main: [search, warning({ text: say('admin.sessions_address_wrong') })] }
    const { answer } = await ask(sessionRoutes.list, { query: { ...chosen, limit: shownRows } })
    return {
      title,
      main: [
        search,
        dataTable<Row>({
          label: say('admin.sessions'),
          path: action,
          query: { ...chosen, sort: sort ?? '-ends_at' },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say(answer.next === null ? 'admin.sessions_no_match' : 'admin.sessions_more'),
          columns: columnsOf(input),
        }),
        ...ends(input, answer.items),
      ],
    }
  },
  actions: {
    end: {
      done: say('admin.sessions_chosen_ended'),
      async run({ fields, ask, action, csrf }) {
        const sids = chosenIn(fields)
        if (sids.length === 0)
          throw new HttpError('bad_request', {
            expected: 'a session that is chosen',
            say: say('admin.sessions_choose'),
          })
        const dryRun = fields.confirmed !== 'yes'
        let ended = 0
        for (const sid of sids)
          if (await found(ask(accessRoutes.endSession, { params: { sid }, dryRun }))) ended += 1
        if (!dryRun || ended === 0) return undefined
        return {
          show: confirmation({
            title: say('admin.sessions_end_chosen'),
            text: say('admin.sessions_end_means', { n: ended }),
            action,
            csrf,
            name: 'end',
            fields: Object.fromEntries(sids.map((sid) => [`${mark}${sid}`, 'yes'])),
          }),
        }
      },
    },
    end_client: {
      done: say('admin.sessions_chosen_ended'),
      async run({ fields, ask, action, csrf }) {
        const { client_id = '' } = fields
        const params = { client_id }
        if (fields.confirmed === 'yes') return void (await ask(sessionRoutes.endOfClient, { params }))
        const { answer } = await ask(sessionRoutes.endOfClient, { params, dryRun: true })
        const text = say('admin.sessions_end_means', { n: answer.ended_sessions })
        const title = say('admin.sessions_end_client')
        return { show: confirmation({ title, text, action, csrf, name: 'end_client', fields: params }) }
      },
    },
    end_all: {
      done: say('admin.sessions_ended'),
      async run({ fields, ask, action, csrf }) {
        if (fields.confirmed === 'yes') return void (await ask(accessRoutes.endEverything))
        const { answer } = await ask(accessRoutes.endEverything, { dryRun: true })
        const text = say('admin.sessions_end_all_means', { n: answer.ended_sessions })
        return {
          show: confirmation({ title: say('admin.sessions_end'), text, action, csrf, name: 'end_all' }),
        }
      },
    },
  },
})

/** False for a session that has ended in between: nothing is left to do. */
async function found(ending: Promise<unknown>): Promise<boolean> {
  try {
    await ending
    return true
  } catch (error) {
    if (error instanceof HttpError && error.code === 'not_found') return false
    throw error
  }
}

function columnsOf(input: Input): readonly [Column<Row>, ...Column<Row>[]] {
  const { context, may, ownSid } = input
  const name = (row: Row): Html | string =>
    may('admin:people.read')
      ? link({
          path: `${context.basePath}/admin/people/${encodeURIComponent(row.sub)}`,
          text: personOf(row),
        })
      : personOf(row)
  return [
    { title: say('admin.person'), cell: name },
    {
      title: say('admin.device'),
      cell: (row) => (row.sid === ownSid ? state('good', say('sessions.this')) : device(row)),
    },
    {
      title: say('admin.address'),
      cell: ({ address }) => (address?.includes('.') ? wholeTextView({ text: address }) : (address ?? '')),
    },
    { title: say('admin.clients'), cell: ({ clients }) => foreignText(clients.join(', '), 100) },
    { title: say('admin.last_used'), cell: ({ last_used_at }) => ago(last_used_at) },
    { title: say('admin.ends'), sort: 'ends_at', cell: ({ ends_at }) => when(ends_at) },
    ...(may('admin:sessions.write') ? [{ title: say('admin.choose'), cell: boxOf(input) }] : []),
  ]
}

const boxOf =
  (input: Input) =>
  (row: Row): Html | string =>
    mayEnd(input, row)
      ? boxView({
          name: `${mark}${row.sid}`,
          form: chosenForm,
          label: say('admin.choose_session', { person: personOf(row), device: device(row) }),
        })
      : ''

/** The buttons that the role may press. */
function ends(input: Input, rows: readonly Row[]): Html[] {
  const { may, action, csrf, query } = input
  const { client_id } = query
  const button = (name: string, text: Said, fields: Record<string, string> = {}) =>
    buttonForm({ action, csrf, name, text, kind: 'danger', fields })
  return [
    ...actions([
      rows.some((row) => mayEnd(input, row))
        ? chosenView({
            id: chosenForm,
            action,
            hidden: hiddenField({ name: 'csrf_token', value: csrf }),
            text: say('admin.sessions_end_chosen'),
          })
        : undefined,
      may('admin:sessions.end_all') && client_id
        ? button('end_client', say('admin.sessions_end_client'), { client_id })
        : undefined,
      may('admin:sessions.end_all') ? button('end_all', say('admin.sessions_end')) : undefined,
    ]),
    ...(may('admin:sessions.write') ? [lead({ text: say('admin.sessions_end_lead') })] : []),
  ]
}
