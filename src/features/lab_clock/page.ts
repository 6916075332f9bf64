/** /lab/clock: the time of the lab, and its buttons. docs/lab.md, "Clock" */
import type { Params } from '../../auth/params.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labField, labForm, labForms } from '../../flow/lab_form.ts'
import { labPage, orRefusedInLab } from '../../flow/lab_page.ts'
import { redirectWithin } from '../../http/reply.ts'
import { defineView } from '../../html/view.ts'
import { change, type Change, stateOf } from './change.ts'

const path = '/lab/clock'
const purpose = 'lab_clock'

const clock = defineView(
  'lab_clock',
  '<p>Codes, tokens and sessions expire by the clock of the lab, as if one had waited. Signing keys and the audit trail keep the time of the machine.</p><dl class="facts"><div><dt>Time of the lab</dt><dd><time datetime="{{time}}">{{time}}</time></dd></div><div><dt>Time of the machine</dt><dd><time datetime="{{machine}}">{{machine}}</time></dd></div><div><dt>State</dt><dd>{{state}}</dd></div></dl>{{forms}}',
  ['time', 'machine', 'state', 'forms'],
)

const steps = { '+1m': '1 minute', '+10m': '10 minutes', '+1h': '1 hour', '+1d': '1 day', '+30d': '30 days' }

function stateWords({ ahead_seconds: ahead, stopped }: ReturnType<typeof stateOf>): string {
  const away =
    ahead === 0 ? '' : `, ${Math.abs(ahead)} seconds ${ahead > 0 ? 'ahead of' : 'behind'} the machine`
  return `${stopped ? 'stopped' : 'runs'}${away}`
}

/** What the button of the form asks for. */
const changeOf = ({ action, move }: Readonly<Record<string, string | undefined>>): Change => {
  if (action === 'reset') return { reset: true }
  if (action === 'stop' || action === 'run') return { stopped: action === 'stop' }
  return { move: action === 'move' || action === undefined ? (move ?? '') : action }
}

export function show(call: Call, context: Context): Reply {
  const state = stateOf(context)
  const { csrf_token, cookies } = labForms(call, context, purpose)
  const shared = { action: `${context.basePath}${path}`, hidden: { csrf_token } }
  const page = labPage(context, {
    current: path,
    title: 'Clock',
    main: clock({
      time: state.time,
      machine: state.machine_time,
      state: stateWords(state),
      forms: [
        labForm({
          ...shared,
          buttons: Object.entries(steps).map(([value, text]) => ({
            name: 'action',
            value,
            text: `${text} forward`,
          })),
        }),
        labForm({
          ...shared,
          fields: [
            labField({
              name: 'move',
              label: 'Move by, or to',
              value: '',
              hint: 'For example +90m, -12h, or 2030-01-31T12:00:00Z',
            }),
          ],
          buttons: [{ name: 'action', value: 'move', text: 'Move', kind: 'primary' }],
        }),
        labForm({
          ...shared,
          buttons: [
            state.stopped
              ? { name: 'action', value: 'run', text: 'Let it run' }
              : { name: 'action', value: 'stop', text: 'Stop' },
            { name: 'action', value: 'reset', text: 'Back to the time of the machine' },
          ],
        }),
      ],
    }),
  })
  return { ...page, cookies }
}

export const submit = (call: Call, context: Context, fields: Params): Promise<Reply> =>
  orRefusedInLab(call, context, path, async () => {
    await change(call, context, changeOf(fields))
    return redirectWithin(`${context.basePath}${path}`)
  })
