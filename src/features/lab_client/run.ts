/** The page of a run: its steps, the last answer, the request that comes next, and what the client holds. */
import runSource from '../../../views/lab_client_run.html' with { type: 'text' }
import type { Params } from '../../auth/params.ts'
import { RefusedError } from '../../auth/refusal.ts'
import { readRule } from '../../auth/rule.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage, tokenForm } from '../../flow/lab_page.ts'
import { defineView, type Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { browserOf, csrfToken, ensureBrowser } from '../../http/csrf.ts'
import { described } from '../../http/hints.ts'
import { redirectToIssuer, redirectWithin, withinUrl } from '../../http/reply.ts'
import { addressOf, complete, type Draft, readDraft, requireSendable } from './draft.ts'
import { type RunFlow, type RunStep, stepOf } from './flow.ts'
import { findFlow } from './flows/flows.ts'
import { linksIn } from './links.ts'
import { makingOf } from './making.ts'
import { addExchange, type RunExchange, findRun, type Run } from './memory.ts'
import { personView, providerView, requestForm } from './request_form.ts'
import { send } from './sent.ts'
import { answerText, clip, curlOf, httpOf } from './shown_request.ts'
import { purpose, runPath, startPath } from './paths.ts'
import { startForm } from './start.ts'
import { answerView, earlierView, stepView, valuesView } from './view.ts'

const runView = defineView('lab_client_run', runSource, [
  'about',
  'rule',
  'ruleUrl',
  'steps',
  'answer',
  'next',
  'stepTitle',
  'step',
  'values',
  'earlier',
  'leave',
])

const titleOf = (flow: RunFlow, exchange: RunExchange): string =>
  stepOf(flow, exchange.step)?.title ?? exchange.step

/** The step that is asked for; else the one after the last request that succeeded, or that one again. */
function chosenStep(flow: RunFlow, run: Run, name: string | undefined): RunStep {
  const asked = stepOf(flow, name)
  if (asked) return asked
  const last = run.exchanges.at(-1)
  if (!last) return flow.steps[0]
  const at = flow.steps.findIndex((each) => each.name === last.step)
  const isDone = last.answer !== undefined && last.findings.every(({ held }) => held)
  return flow.steps[isDone ? at + 1 : at] ?? flow.steps.at(-1)!
}

const nextOf = ({ steps }: RunFlow, step: RunStep): string | undefined => steps[steps.indexOf(step) + 1]?.name

/** What is to be done now, and when a run is done. */
function nextWords(flow: RunFlow, run: Run, step: RunStep): string {
  const { length } = flow.steps
  const named = `step ${flow.steps.indexOf(step) + 1} of ${length}, ${step.title}`
  const last = run.exchanges.at(-1)
  if (!last) return `Begin with ${named}.`
  const isGood = last.findings.every(({ held }) => held)
  if (!isGood)
    return `The last request did not do what the flow needs. Change it and send it again, or go on with ${named}.`
  const isAnswered = last.answer !== undefined
  if (isAnswered && last.step === flow.steps.at(-1)!.name)
    return 'The run is done. Open a step to change its request and send it again, or begin another run.'
  return `Next: ${named}.`
}

interface Shown {
  call: Call
  context: Context
  flow: RunFlow
  run: Run
  step: RunStep
  draft: Draft
  problem?: string | undefined
}

/** The page of pasted tokens, where it is switched on. */
const explainAt = (context: Context, browser: string) =>
  context.table.endpoints.some(({ path }) => path === tokenForm.path)
    ? {
        action: `${context.basePath}${tokenForm.path}#kind`,
        csrf: csrfToken(context, browser, tokenForm.purpose),
      }
    : undefined

const stepSection = ({
  context,
  flow,
  run,
  step,
  draft,
  ...form
}: Omit<Shown, 'call'> & { action: string; csrf: string }): Html => {
  const next = nextOf(flow, step)
  const { action } = form
  if (step.by === 'provider') return providerView({ step, next, action })
  if (step.by === 'person') return personView({ step, href: addressOf(draft, context).href, next, action })
  return requestForm({ step, draft, run: run.id, ...form })
}

function runPage({ call, context, flow, run, step, draft, problem }: Shown): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const { basePath } = context
  const action = `${basePath}${runPath}`
  const csrf = csrfToken(context, browser, purpose)
  const [last, ...earlier] = run.exchanges.toReversed()
  const linksOf = linksIn(context)
  const reply = labPage(context, {
    current: startPath,
    title: flow.title,
    status: problem === undefined ? 200 : 422,
    main: runView({
      about: flow.about,
      rule: flow.rule,
      ruleUrl: readRule(flow.rule).url,
      steps: flow.steps.map(({ name, title }) =>
        stepView({
          path: `${action}?step=${name}`,
          isCurrent: name === step.name,
          title,
          sent: run.exchanges.filter((each) => each.step === name).length,
        }),
      ),
      answer: last ? answerView(titleOf(flow, last), last, linksOf(last)) : [],
      next: nextWords(flow, run, step),
      stepTitle: `Step: ${step.title}`,
      step: stepSection({ context, flow, run, step, draft, action, csrf, problem }),
      values: valuesView(run.values, explainAt(context, browser)),
      earlier: earlierView(
        earlier.map((exchange) => ({
          title: [titleOf(flow, exchange), exchange.answer?.status].filter(Boolean).join(': '),
          exchange,
          links: linksOf(exchange),
        })),
      ),
      leave: startForm({ context, csrf, flow }),
    }),
  })
  return { ...reply, cookies }
}

/** The run of this browser with its flow. */
export function runOf(
  call: Call,
  context: Context,
): { browser: string; run: Run; flow: RunFlow } | undefined {
  const browser = browserOf(call, context)
  const run = findRun(context, browser)
  const flow = findFlow(run?.flow)
  return browser !== undefined && run && flow ? { browser, run, flow } : undefined
}

export const toStart = ({ basePath }: Context): Reply => redirectWithin(`${basePath}${startPath}`)
export const toRun = ({ basePath }: Context): Reply => redirectWithin(`${basePath}${runPath}`)

/** The request of the browser: it is sent there itself, with its own cookies. */
function sendBrowser(context: Context, draft: Draft): Reply {
  const url = addressOf(draft, context)
  return redirectToIssuer(
    context.config,
    withinUrl(url.pathname.slice(context.basePath.length)),
    withinUrl(url.search.slice(1)),
  )
}

export async function show(call: Call, context: Context): Promise<Reply> {
  const found = runOf(call, context)
  if (!found) return toStart(context)
  const { run, flow } = found
  const step = chosenStep(flow, run, query(call, context).step)
  const draft = await step.draft(await makingOf(call, context, { flow, values: run.values }))
  return runPage({ call, context, flow, run, step, draft })
}

export async function sendStep(call: Call, context: Context, fields: Params): Promise<Reply> {
  const found = runOf(call, context)
  const step = found && stepOf(found.flow, fields.step)
  if (!found || !step || found.run.id !== fields.run) return toRun(context)
  const { browser, run, flow } = found
  const making = await makingOf(call, context, { flow, values: run.values })
  const made = await step.draft(making)
  const isBrowser = step.by === 'browser'
  const draft = { ...readDraft(fields, made), ...(isBrowser && { method: 'GET', headers: [] }) }
  if (step.by === 'person' || step.by === 'provider') return toRun(context)
  try {
    const request = complete(draft)
    const url = requireSendable(request, context)
    const sent = {
      step: step.name,
      at: context.clock.now(),
      http: clip(httpOf(request, url)),
      curl: clip(curlOf(request, url)),
    }
    if (isBrowser) {
      const reply = sendBrowser(context, request)
      addExchange(context, browser, run, { exchange: { ...sent, findings: [] } })
      return reply
    }
    const answer = await send(call, context, request)
    const { values, findings } = await step.read(making, answer)
    const shown = {
      status: answer.status,
      text: clip(answerText(answer)),
      requestId: answer.headers.find(([name]) => name === 'x-request-id')?.[1],
    }
    addExchange(context, browser, run, { exchange: { ...sent, answer: shown, findings }, values })
    return toRun(context)
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    return runPage({ call, context, flow, run, step, draft, problem: described(context, error.refusal) })
  }
}
