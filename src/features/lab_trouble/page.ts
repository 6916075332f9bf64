/** /lab/trouble: the faults that are on, the switch, and the table of all. docs/lab.md, "Trouble" */
import { readRule } from '../../auth/rule.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labField, labForm, labForms, labSelect } from '../../flow/lab_form.ts'
import { labPage, orRefusedInLab } from '../../flow/lab_page.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { codeText } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { hint } from '../../http/hints.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Params } from '../../auth/params.ts'
import { Client } from '../../models/client.ts'
import { addressOf, end, start, usual } from './api.ts'
import type { Fault } from './fault.ts'
import { faults } from './faults.ts'
import { type Entry, listOn } from './trouble.ts'

const path = '/lab/trouble'
const purpose = 'lab_trouble'

/** Of those, the marked ones can be chosen; any other is typed at the API. */
const mostClients = 1_000

const page = defineView(
  'lab_trouble',
  '<p>The lab tells one client something wrong, so that its author sees what the client checks. A fault ends by itself after an hour at most. <code>latchkey try-client</code> runs all of them.</p><section><h2>On now</h2>{{on}}</section><section><h2>Tell a client</h2>{{form}}</section><section><h2>All faults</h2>{{table}}</section>',
  ['on', 'form', 'table'],
)
const nothing = defineView('lab_trouble_none', '<p class="muted">{{text}}</p>', ['text'])
const scroll = defineView(
  'lab_trouble_table',
  '<div class="table_scroll" tabindex="0" role="region" aria-label="{{label}}"><table class="data"><thead><tr>{{heads}}</tr></thead><tbody>{{rows}}</tbody></table></div>',
  ['label', 'heads', 'rows'],
)
const head = defineView('lab_trouble_head', '<th scope="col">{{title}}</th>', ['title'])
const onRow = defineView(
  'lab_trouble_on',
  '<tr><th scope="row">{{fault}}</th><td data-title="Client">{{client}}</td><td data-title="Times told">{{told}}</td><td data-title="Ends">{{until}}</td><td data-title="Address">{{address}}</td><td data-title="Switch">{{end}}</td></tr>',
  ['fault', 'client', 'told', 'until', 'address', 'end'],
)
const faultRow = defineView(
  'lab_trouble_fault',
  '<tr><th scope="row">{{fault}}</th><td data-title="What is told">{{does}}</td><td data-title="A good client">{{good}}</td><td data-title="Rule"><a href="{{url}}" rel="noreferrer">{{rule}}</a></td></tr>',
  ['fault', 'does', 'good', 'url', 'rule'],
)

const table = (label: string, heads: readonly string[], rows: readonly Html[]): Html =>
  scroll({ label, heads: heads.map((title) => head({ title })), rows })

type Shared = Pick<Parameters<typeof labForm>[0], 'action'> & { csrf_token: string }

const onOf = ({ action, csrf_token }: Shared, { client_id, fault, told, until, address }: Entry): Html =>
  onRow({
    fault: codeText({ text: fault }),
    client: foreignText(client_id),
    told: `${told}`,
    until: new Date(until * 1000).toISOString().replace('.000Z', 'Z'),
    address,
    end: labForm({
      action,
      hidden: { csrf_token, client_id, fault },
      buttons: [{ name: 'action', value: 'end', text: 'End', kind: 'danger' }],
    }),
  })

const rowOf = ({ name, does, good, rule }: Fault): Html =>
  faultRow({ fault: codeText({ text: name }), does, good, rule, url: readRule(rule).url })

function switchForm(
  context: Context,
  { action, csrf_token }: Shared,
  { clients, address }: { clients: readonly Client[]; address: string },
): Html {
  if (clients.length === 0)
    return nothing({
      text: hint(context, 'No client is marked. Mark one: latchkey client set ID --lab-client'),
    })
  return labForm({
    action,
    hidden: { csrf_token },
    fields: [
      labSelect({
        name: 'client_id',
        label: 'Client',
        options: clients.map(({ client_id, client_name }) => ({
          value: client_id,
          text: client_name === undefined ? client_id : `${client_name} (${client_id})`,
        })),
      }),
      labSelect({
        name: 'fault',
        label: 'Fault',
        options: faults.map(({ name, does }) => ({ value: name, text: `${name}: ${does}` })),
      }),
      labField({ name: 'minutes', label: 'Minutes', value: `${usual.minutes}`, hint: 'From 1 to 60' }),
      labField({
        name: 'slow',
        label: 'Seconds',
        value: `${usual.slow}`,
        hint: 'How late a slow answer comes, up to 25',
      }),
      labField({
        name: 'address',
        label: 'Address',
        value: address,
        hint: 'The JWK Set and the discovery document name no client, so they are told to this address',
      }),
    ],
    buttons: [{ name: 'action', value: 'begin', text: 'Tell the client', kind: 'primary' }],
  })
}

export async function show(call: Call, context: Context): Promise<Reply> {
  const { csrf_token, cookies } = labForms(call, context, purpose)
  const shared = { action: `${context.basePath}${path}`, csrf_token }
  const [on, stored, others] = await Promise.all([
    listOn(context),
    Client.list(context, mostClients),
    Promise.all(context.table.clientSources.flatMap((each) => (each.known ? [each.known(context)] : []))),
  ])
  const marked = [...stored, ...others.flat()].filter((each) => each.lab_client)
  const main = page({
    on:
      on.length === 0
        ? nothing({ text: 'No client is told anything wrong.' })
        : table(
            'Faults that are on',
            ['Fault', 'Client', 'Times told', 'Ends', 'Address', 'Switch'],
            on.map((entry) => onOf(shared, entry)),
          ),
    form: switchForm(context, shared, { clients: marked, address: call.address }),
    table: table('All faults', ['Fault', 'What is told', 'A good client', 'Rule'], faults.map(rowOf)),
  })
  return { ...labPage(context, { current: path, title: 'Trouble', main }), cookies }
}

export const submit = (call: Call, context: Context, fields: Params): Promise<Reply> =>
  orRefusedInLab(call, context, path, () => change(call, context, fields))

async function change(call: Call, context: Context, fields: Params): Promise<Reply> {
  const { action, client_id = '', fault = '', minutes, slow, address } = fields
  if (action === 'end') await end(call, context, { client_id, fault })
  else
    await start(call, context, {
      client_id,
      fault,
      minutes: Number(minutes),
      slow: Number(slow),
      address: addressOf(call, address),
    })
  return redirectWithin(`${context.basePath}${path}`)
}
