/** The page that explains one failed request: `error_uri` leads there. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import { readRule } from '../../auth/rule.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import type { Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { hint, hints } from '../../http/hints.ts'
import { nearest } from '../../lib/nearest.ts'
import { Client } from '../../models/client.ts'
import { clientsIndex } from '../../models/client_index.ts'
import { cameIn, type Cause, type Seen } from './causes/cause.ts'
import { causesOfFailure } from './causes/rows.ts'
import { compare, mostLike } from './compare.ts'
import type { Failure } from './failure.ts'
import { findFailure, memoryOf } from './memory.ts'
import { errorsPath } from './paths.ts'
import {
  causesView,
  comparedView,
  errorView,
  factView,
  flowLink,
  listLink,
  muted,
  pairView,
  paragraph,
  wordsOf,
} from './view.ts'
import { written } from '../../lib/unsafe_text.ts'

/** Client_ids that are compared with the one of a request. */
const mostClients = 1_000
const longestId = 100

async function nearClients(context: Context, id: string | undefined): Promise<string[]> {
  if (id === undefined || id.length > longestId) return []
  const listed = await context.store.range(clientsIndex, { limit: mostClients })
  return nearest(
    id,
    listed.map(({ member }) => member),
  ).slice(0, 3)
}

async function seen(context: Context, failure: Failure): Promise<Seen> {
  const { clientId, kind, id } = failure
  // Not from another server: a stranger chose the client_id, and a reader of the page must not cause its request.
  const client =
    clientId === undefined
      ? undefined
      : ((await Client.find(context, clientId)) ?? context.clients.peek(clientId))
  return {
    failure,
    client: client?.disabled ? undefined : client,
    isDisabled: client?.disabled === true,
    context,
    isBlocked: kind === 'blocked' || memoryOf(context).blocked.get(id) === true,
    nearClients: client ? [] : await nearClients(context, clientId),
  }
}

/** The parameter, header or claim that a refusal is about: `redirect_uri is one of …`. */
const labelOf = (expected: string): string =>
  /\b[a-z]+(?:_[a-z]+)+\b|\b(?:aud|iss|htm|htu|ath|typ)\b/.exec(expected)?.[0] ?? 'value'

/** The comparison of the most probable cause, else that of the refusal itself. */
function comparedOf(failure: Failure, causes: readonly Cause[]): Html {
  const { wanted, came, expected } = failure
  const compared = causes.find((each) => each.compared)?.compared
  if (compared) return comparedView(compared)
  const text = cameIn(failure)
  const meant = text === undefined ? undefined : mostLike(text, wanted ?? [])
  if (text !== undefined && meant !== undefined) return comparedView(compare(labelOf(expected), meant, text))
  return pairView(expected, came === undefined ? 'nothing that can be shown' : wordsOf(came))
}

function factsOf({ id, address, headers, query: sent, form }: Failure['request'] & { id: string }): Html[] {
  const values = (kind: string, from: typeof form) =>
    Object.entries(from).map(([name, shown]) => factView(`${kind} ${name}`, wordsOf(shown)))
  return [
    factView('request id', id),
    factView('address', address),
    ...values('query', sent),
    ...values('form', form),
    ...Object.entries(headers).map(([name, value]) => factView(`header ${name}`, value)),
  ]
}

const flowPath = '/lab/flow'

/** Where the recorder of the lab shows the request, while it has it. */
function flowOf({ basePath, recorder }: Context, requestId: string): Html | Html[] {
  const flow = recorder?.flows.ofRequest(requestId)
  return flow ? flowLink({ path: `${basePath}${flowPath}?id=${encodeURIComponent(flow.id)}` }) : []
}

const isCommand = (line: string): boolean => line.startsWith('latchkey ')

/** With the commands of the realm that this is. */
const inRealm = (context: Context, cause: Cause): Cause => ({
  ...cause,
  title: hint(context, cause.title),
  evidence: cause.evidence.map((text) => hint(context, text)),
  mend: cause.mend.map(({ text, code = [] }) => ({
    text: hint(context, text),
    code: [code].flat().map((line) => hint(context, line)),
  })),
})

/** How the commands of the page are run, and what to do where they reach nothing. */
function commandNotes(causes: readonly Cause[], { config }: Context): string[] {
  const lines = causes.flatMap(({ mend }) => mend.flatMap(({ code = [] }) => code))
  if (!lines.some(isCommand)) return []
  const source = 'In a folder with the sources, latchkey is: bun src/main.ts.'
  if (config.store.kind !== 'memory') return [source]
  return [
    'The data of this provider is in the memory of its process, so that a command in another terminal does not reach it. To use commands, start the server and run them with one store: STORE_URL=sqlite:latchkey.db.',
    ...(config.registration === 'open'
      ? [`Without a restart, a client with other values is registered by POST ${config.issuer}/register.`]
      : []),
    source,
  ]
}

async function pageOf(
  context: Context,
  failure: Failure,
  onward: (context: Context, id: string) => Html[],
): Promise<Html> {
  const { code, status, rule, request, clientId, at, id } = failure
  const { problem, next } = hints(context, failure)
  const causes = causesOfFailure(await seen(context, failure)).map((cause) => inRealm(context, cause))
  const { title, url } = readRule(rule)
  return errorView({
    summary: written(
      [code, `status ${status}`, clientId ?? 'no client', new Date(at).toISOString()].join(' · '),
    ),
    problem: problem === undefined ? [] : paragraph({ text: written(problem) }),
    compared: comparedOf(failure, causes),
    next: next === undefined ? [] : paragraph({ text: written(next) }),
    causes: [causesView(causes), ...commandNotes(causes, context).map((text) => muted({ text }))],
    rule,
    ruleUrl: url,
    ruleTitle: title,
    request: written(`${request.method} ${request.path}`),
    facts: factsOf({ ...request, id }),
    onward: onward(context, id),
  })
}

/** Links to pages of the lab, for an address that may open them. */
const onward = (context: Context, id: string): Html[] => [
  ...[flowOf(context, id)].flat(),
  listLink({ path: `${context.basePath}${errorsPath}` }),
]

/** For an administrator, from wherever: without links to pages that are for the networks of the lab alone. */
export async function explain(context: Context, id: string): Promise<Html | undefined> {
  const failure = await findFailure(context, id)
  return failure && pageOf(context, failure, () => [])
}

/** For an unknown id the page says the same as for one that is gone. */
export async function show(call: Call, context: Context): Promise<Reply> {
  const { id } = query(call, context)
  const failure = id === undefined ? undefined : await findFailure(context, id)
  if (!failure)
    return labPage(context, {
      current: errorsPath,
      title: 'No such failed request',
      status: 404,
      main: paragraph({
        text: 'This instance keeps the last failed requests in its memory. It has none with this id: it was restarted since, newer ones took its place, or another instance answered.',
      }),
    })
  return labPage(context, {
    current: errorsPath,
    title: 'Why this request failed',
    main: await pageOf(context, failure, onward),
  })
}
