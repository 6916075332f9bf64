/** The first page of the playground: all flows, and the run that this browser has. */
import type { Params } from '../../auth/params.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import { defineView, type Html } from '../../html/view.ts'
import { csrfToken, ensureBrowser, requireOwnBrowser } from '../../http/csrf.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { RunFlow } from './flow.ts'
import { findFlow, flows } from './flows/flows.ts'
import { beginRun, findRun } from './memory.ts'
import { purpose, runPath, startPath } from './paths.ts'
import { csrfField, flowsView } from './view.ts'

const again = defineView(
  'lab_client_again',
  '<form method="post" action="{{action}}">{{csrf}}<input type="hidden" name="flow" value="{{flow}}"><button type="submit" name="start" value="start">Begin this flow again</button></form><p><a href="{{action}}">All flows</a></p>',
  ['action', 'csrf', 'flow'],
)

export const startForm = ({ context, csrf, flow }: { context: Context; csrf: string; flow: RunFlow }): Html =>
  again({ action: `${context.basePath}${startPath}`, csrf: csrfField(csrf), flow: flow.name })

export function show(call: Call, context: Context): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const current = findFlow(findRun(context, browser)?.flow)
  const { basePath } = context
  const reply = labPage(context, {
    current: startPath,
    title: 'Playground',
    main: flowsView({
      action: `${basePath}${startPath}`,
      csrf: csrfToken(context, browser, purpose),
      current: current && { path: `${basePath}${runPath}`, title: current.title },
      flows,
    }),
  })
  return { ...reply, cookies }
}

export async function begin(call: Call, context: Context, fields: Params): Promise<Reply> {
  const browser = requireOwnBrowser(call, context)
  const flow = findFlow(fields.flow)
  if (!flow) return redirectWithin(`${context.basePath}${startPath}`)
  beginRun(context, browser, { flow: flow.name, values: (await flow.begin?.(context)) ?? {} })
  return redirectWithin(`${context.basePath}${runPath}`)
}
