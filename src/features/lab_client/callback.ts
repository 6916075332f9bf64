/** The redirect URI of the playground. It shows what the browser brought; a form, which can be edited, gives it to the client. */
import type { Params } from '../../auth/params.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import { defineView, type Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { csrfToken, ensureBrowser } from '../../http/csrf.ts'
import { redirectToIssuer, withinUrl } from '../../http/reply.ts'
import { prefixed } from './draft.ts'
import { type Answer, type RunFlow, type RunStep, stepOf } from './flow.ts'
import { makingOf } from './making.ts'
import { addExchange, openExchange, type Run } from './memory.ts'
import { requestField } from './request_form.ts'
import { runOf, toRun, toStart } from './run.ts'
import { clip } from './shown_request.ts'
import { answerPath, callbackPath, purpose, runPath, startPath } from './paths.ts'
import { csrfField, paragraph } from './view.ts'

const form = defineView(
  'lab_client_callback',
  '<p>{{about}}</p><form class="request" method="post" action="{{action}}">{{csrf}}<input type="hidden" name="run" value="{{run}}">{{fields}}<p><label for="address">Whole address, if it has a part after #</label><textarea id="address" name="address" rows="2" spellcheck="false" autocomplete="off" aria-describedby="address_hint"></textarea><span class="muted small" id="address_hint">A browser does not send that part to a server. Copy the address of this page into the field.</span></p><button class="primary" type="submit" name="take" value="take">Give this to the client</button></form><p><a href="{{back}}">Back to the run</a></p>',
  ['about', 'action', 'csrf', 'run', 'fields', 'back'],
)
const group = defineView(
  'lab_client_brought',
  '<fieldset><legend>What the browser brought</legend>{{fields}}</fieldset>',
  ['fields'],
)
const noRun =
  'This browser has no run, or the run is older than an hour. What the browser brought belongs to no request.'

const mostFields = 30

/** The step that the browser was sent away for. */
const stepAway = (flow: RunFlow, run: Run): RunStep =>
  stepOf(flow, openExchange(run)?.step) ?? flow.steps.find((each) => each.by === 'browser') ?? flow.steps[0]

export function show(call: Call, context: Context): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const { basePath } = context
  const found = runOf(call, context)
  const brought = Object.entries(query(call, context)).slice(0, mostFields)
  const fields: Html[] = brought.map(([name, value]) => requestField('a', name, value))
  const reply = labPage(context, {
    current: startPath,
    title: 'The browser is back',
    main: found
      ? form({
          about:
            'You are at the redirect URI of the client. The browser brought these parameters. Change one, and see whether the client notices.',
          action: `${basePath}${answerPath}`,
          csrf: csrfField(csrfToken(context, browser, purpose)),
          run: found.run.id,
          fields: fields.length > 0 ? group({ fields }) : paragraph({ text: 'It brought no parameter.' }),
          back: `${basePath}${runPath}`,
        })
      : paragraph({ text: noRun }),
  })
  return { ...reply, cookies }
}

/** For response_mode=form_post. */
export const toPage = ({ config }: Context, fields: Params): Reply =>
  redirectToIssuer(config, callbackPath, withinUrl(new URLSearchParams(fields).toString()))

/** The parameters of the fields, and those of an address that was pasted: of its query and of its fragment. */
function membersOf(fields: Params): Record<string, string> {
  const url = URL.parse(fields.address ?? '')
  const pasted = url
    ? [url.search.slice(1), url.hash.slice(1)].flatMap((part) => [...new URLSearchParams(part)])
    : []
  return Object.fromEntries([...prefixed(fields, 'a.'), ...pasted].slice(0, mostFields))
}

export async function take(call: Call, context: Context, fields: Params): Promise<Reply> {
  const found = runOf(call, context)
  if (!found) return toStart(context)
  const { browser, run, flow } = found
  if (run.id !== fields.run) return toRun(context)
  const members = membersOf(fields)
  const text = Object.entries(members)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
  const answer: Answer = { status: undefined, headers: [], text, members }
  const step = stepAway(flow, run)
  const { values, findings } = await step.read(
    await makingOf(call, context, { flow, values: run.values }),
    answer,
  )
  const away = openExchange(run)
  addExchange(context, browser, run, {
    exchange: {
      step: step.name,
      at: context.clock.now(),
      http: away?.http ?? 'No request of this run is open.',
      curl: away?.curl ?? '',
      answer: { status: undefined, text: clip(text), requestId: undefined },
      findings,
    },
    values,
  })
  return toRun(context)
}
