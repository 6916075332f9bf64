/** The application: a function from a request and the address of its peer to a response. It opens no network connections and reads no environment variables. */
import { createClientCache } from './clients/client_cache.ts'
import { acrLevels } from './auth/acr.ts'
import { claimsOfScope } from './auth/claims.ts'
import { HttpError } from './auth/errors.ts'
import { standardScopes } from './auth/scope.ts'
import type { Config } from './config.ts'
import type { Context, Table } from './contracts/context.ts'
import type { Call } from './contracts/call.ts'
import { corsHeaders, preflightHeaders } from './http/cors.ts'
import { describeCall } from './http/describe_call.ts'
import { errorFormOf, errorReply, logRefusedPage, refusalOf } from './http/error_reply.ts'
import { isForeign } from './http/foreign_request.ts'
import { streamsOf } from './http/event_stream.ts'
import { headContext } from './http/head_context.ts'
import { createHeaders } from './http/headers.ts'
import { settingOf } from './http/language.ts'
import { looksOf } from './html/looks.ts'
import { createMetrics, metricsWithin } from './lib/metrics.ts'
import { createUsage } from './models/usage/usage.ts'
import { createOutbound } from './outbound/outbound.ts'
import { scopeDescriptions } from './html/pages.ts'
import { empty } from './http/reply.ts'
import { limitedAnswer } from './http/request_limit.ts'
import type { Reply } from './contracts/reply.ts'
import { recordedRequests } from './http/recorded_requests.ts'
import { requireSafeConnection } from './http/plain_http.ts'
import { atIssuer } from './http/other_host.ts'
import { observedAnswers } from './http/observed.ts'
import { pageBaseOf } from './http/page_base.ts'
import { createRouter, methodNotAllowed, notServed, type Route } from './http/router.ts'
import { tracedRequests } from './http/traced_requests.ts'
import { type Html, isHtml, render } from './html/view.ts'
import { createCache } from './lib/cache.ts'
import { type Clock, realClock } from './lib/clock.ts'
import type { Log } from './lib/log.ts'
import { createMadeOnce, createTexts } from './lib/made_once.ts'
import type { Random } from './lib/random.ts'
import { requestIds } from './lib/request_ids.ts'
import { deriveKeys, type Keys, type SecretValues } from './lib/secret_keys.ts'
import { createParsedRecords, type ParsedRecords } from './models/define_record.ts'
import { type Birth, neverLost } from './models/birth.ts'
import { createClockGuard } from './models/clock_guard.ts'
import type { KeyRing } from './models/key_ring.ts'
import { lastingKey, rootOf } from './models/lasting_root.ts'
import { signInQueueOf } from './people/sign_in_queue.ts'
import type { Store } from './store/store.ts'
import { buildTable, featuresFor, featuresLeftOut } from './table.ts'

type Passed =
  | ('unreadSecrets' | 'audit' | 'tracing' | 'recorder' | 'errorReports' | 'server')
  | ('realms' | 'realm' | 'ownSettings')

/** The dependencies of the application, which the commands and the tests provide. */
export interface Deps extends Partial<Pick<Context, Passed>> {
  config: Config
  store: Store
  keys: KeyRing
  clock: Clock
  random: Random
  log: Log
  table?: Table
  closing?: () => boolean
  parsed?: ParsedRecords
  soon?: (job: string) => void
  /** Default: that of a store that loses nothing while its process lives. */
  birth?: Birth
  /** From `openLastingRoot`. Default: that of the first value of SECRET_KEY, for a store that ends with its process. */
  lastingRoot?: Uint8Array | undefined
  /** The context that this one replaces: what the process has counted and measured goes on. */
  previous?: Context | undefined
  /** Of a realm: the context of the server. What protects the process is shared with it. */
  host?: Context | undefined
}

export interface App {
  /**
   * `readPeer` tells the address of the connection. Never throws or rejects. An endpoint that waits for nothing, such as
   * discovery, is answered without a promise.
   */
  handle(request: Request, readPeer: () => string): Promise<Response> | Response
  context: Context
}

export function createContext({ previous, host, ...deps }: Deps): Context {
  const { config } = deps
  const shared = host ?? previous
  const table = deps.table ?? buildTable(featuresFor(config), featuresLeftOut(config))
  const scopeSources = table.claims.flatMap(({ scopes }) =>
    Object.entries((typeof scopes === 'function' ? scopes(config) : scopes) ?? {}),
  )
  const scopes = [...new Set([...standardScopes, ...config.scopes, ...scopeSources.map(([name]) => name)])]
  const baseUrls = table.baseUrls.flatMap((add) => add(config))
  const byOperator = new Set(scopeSources.flatMap(([name, row]) => (row.byOperator ? [name] : [])))
  return {
    ...deps,
    parsed: deps.parsed ?? host?.parsed ?? createParsedRecords(),
    table,
    closing: deps.closing ?? (() => false),
    soon: deps.soon ?? (() => {}),
    unreadSecrets: deps.unreadSecrets,
    server: deps.server,
    answer: () => Promise.reject(new Error('a command answers no requests')),
    audit: deps.audit,
    basePath: new URL(config.issuer).pathname.replace(/\/$/, ''),
    baseUrls: [config.issuer, ...baseUrls.map(({ url }) => url)],
    pageBases: baseUrls.filter(({ pages }) => pages).map(({ url }) => url),
    secrets: secretsOf(config, deps.lastingRoot),
    signInQueue: signInQueueOf(deps, host?.signInQueue),
    oldHashes: shared?.oldHashes ?? { slowest: 0 },
    clients: createClientCache(deps.clock),
    wrongSecrets: createCache(deps.clock, { lifetime: 60_000, maxBytes: 4_194_304, bytesOf: () => 100 }),
    made: createMadeOnce(),
    streams: streamsOf(deps, shared?.streams),
    changes: previous?.changes ?? { instance: deps.random(12), running: new Map() },
    metrics: previous?.metrics ?? (host ? metricsWithin(host.metrics) : createMetrics()),
    usage: previous?.usage ?? createUsage(config.usageClients),
    birth: deps.birth ?? neverLost,
    clockGuard:
      shared?.clockGuard ??
      createClockGuard({ ...deps, clock: realClock(deps.clock) }, config.clockTolerance),
    looks: looksOf(config),
    outbound: createOutbound(deps, host?.outbound),
    clientKeys: new WeakMap(),
    scopes,
    openScopes: byOperator.size > 0 ? scopes.filter((each) => !byOperator.has(each)) : scopes,
    scopeTable: {
      ...Object.fromEntries(scopeSources.map(([name, { claims }]) => [name, claims])),
      ...claimsOfScope,
    },
    scopeDescriptions: {
      ...Object.fromEntries(scopeSources.map(([name, { description }]) => [name, description])),
      ...scopeDescriptions,
    },
    acrValues: acrLevels.filter((level, at) => at === 0 || table.acrValues.includes(level)),
    once: createTexts(),
  }
}

export const secretsOf = (
  { secretKey }: Config,
  lastingRoot: Uint8Array = rootOf(secretKey[0]),
): Context['secrets'] => ({
  csrf: deriveKeys(secretKey, 'csrf'),
  refresh: deriveKeys(secretKey, 'refresh tokens'),
  clientSecrets: deriveKeys(secretKey, 'client secrets'),
  keyRing: keyRingSecret(secretKey),
  mail: deriveKeys(secretKey, 'mail'),
  people: deriveKeys(secretKey, 'people'),
  lasting: (purpose) => lastingKey(lastingRoot, purpose),
})

/** The keys that encrypt the signing keys, which are loaded before there is a context. */
export const keyRingSecret = (secretKey: SecretValues): Keys => deriveKeys(secretKey, 'signing keys')

export function createApp(deps: Deps): App {
  const context: Context = {
    ...createContext(deps),
    answer: async (request, peer) => outermost(request, () => peer),
  }
  const { find } = createRouter(context.table.endpoints, context.table.lab.answers)
  const forHead = headContext(context)
  const headersOf = createHeaders(context.config, context.pageBases)
  const answerWith = observedAnswers(respond, context)
  const nextId = requestIds(deps.random)

  function handle(request: Request, readPeer: () => string): Promise<Response> | Response {
    const started = performance.now()
    const call = describeCall(request, readPeer, nextId(), context)
    const route = existing(find(call.path), call, context)
    if (route?.endpoint.atPageBases) call.base = pageBaseOf(call, context)
    // Public documents do without. For all others it is read now, while the connection is surely open.
    if (route?.endpoint.cors !== 'any') void call.address
    const send = (reply: Rendered): Response => {
      if (route?.endpoint.page) logRefusedPage(reply, call, context)
      context.metrics.observe(route?.endpoint.name ?? 'none', reply.status, performance.now() - started)
      return answerWith(reply, call, route, headersOf, context)
    }
    const refuse = (thrown: unknown): Response => {
      const error = refusalOf(thrown, call, context)
      return send(
        rendered(errorReply(error, call, context, errorFormOf(call, route?.endpoint)), call, context),
      )
    }
    const finish = (given: Reply): Response => {
      let reply: Rendered
      try {
        reply = rendered(given, call, context)
      } catch (thrown) {
        return refuse(thrown)
      }
      return send(reply)
    }
    let given: Promise<Reply> | Reply
    try {
      given = answer(call, route, context, forHead)
    } catch (thrown) {
      return refuse(thrown)
    }
    return given instanceof Promise ? given.then(finish, refuse) : finish(given)
  }
  const { tracing, recorder } = deps
  const traced = tracing ? tracedRequests(handle, find, context, tracing) : handle
  const outermost = recorder ? recordedRequests(traced, find, context, recorder) : traced
  return { handle: outermost, context }
}

/** HEAD runs `get` with `forHead`, which discards writes. Only the rate limit counts it. */
function answer(
  call: Call,
  route: Route | undefined,
  context: Context,
  forHead: Context,
): Promise<Reply> | Reply {
  if (!route) throw notServed(call.path, context.realms !== undefined)
  const { endpoint } = route
  requireSafeConnection(call, endpoint, context.config)
  if (endpoint.whateverTheClock) return answerAt(route, call, context, forHead)
  const problem = context.clockGuard.confirmedProblem()
  if (problem === undefined) return answerAt(route, call, context, forHead)
  return Promise.resolve(problem).then((found) => {
    requireGoodClock(found)
    return answerAt(route, call, context, forHead)
  })
}

function answerAt(route: Route, call: Call, context: Context, forHead: Context): Promise<Reply> | Reply {
  const { endpoint, methods, answers } = route
  if (call.method === 'OPTIONS')
    return empty(204, {
      allow: methods.join(', '),
      ...(endpoint.cors && preflightHeaders(methods, context)),
    })
  const elsewhere = atIssuer(call, endpoint, context)
  if (elsewhere) return elsewhere
  const run = answers.get(call.method)
  if (!run) throw methodNotAllowed(route, call.method)
  const answerNow = () => run(call, call.method === 'HEAD' ? forHead : context)
  return endpoint.limited && context.config.rateLimitingEnabled
    ? limitedAnswer(call, context, endpoint.limited, answerNow)
    : answerNow()
}

/** With a wrong clock, tokens live too long elsewhere and what has expired counts. Other instances can answer. */
function requireGoodClock(problem: string | undefined): void {
  if (problem === undefined) return
  throw new HttpError('temporarily_unavailable', {
    expected: 'the clock of the store, within CLOCK_TOLERANCE',
    problem: 'the clock of this instance is wrong',
    detail: problem,
    retryAfter: 5,
  })
}

type Rendered = Reply & { body: Exclude<Reply['body'], Html> }

/** Renders a page in the language of the request and with the operator's theme. */
function rendered(reply: Reply, call: Call, context: Context): Rendered {
  const { body } = reply
  if (!isHtml(body)) return reply as Rendered
  const setting = settingOf(call, context, reply.language)
  return {
    ...reply,
    body: render(body, setting),
    headers: { ...reply.headers, 'content-language': setting.words.tag },
  }
}

/** An endpoint that does not exist for this call is as if the table had none. */
const existing = (route: Route | undefined, call: Call, context: Context): Route | undefined =>
  route?.endpoint.exists?.(call, context) === false ? undefined : route

function respond(
  reply: Rendered,
  call: Call,
  route: Route | undefined,
  headersOf: (reply: Reply) => Headers | Record<string, string>,
  context: Context,
): Response {
  const endpoint = route?.endpoint
  const { status, body, cookies = [] } = reply
  const isHead = call.method === 'HEAD'
  // A stream without a reader would hold its place until its end.
  if (isHead && body instanceof ReadableStream) void body.cancel()
  const response = new Response(isHead ? null : body, { status, headers: headersOf(reply) })
  const { headers } = response
  const add = (more: Readonly<Record<string, string>> | undefined) => {
    for (const name in more) headers.set(name, more[name]!)
  }
  if (endpoint?.cors) add(corsHeaders(call, context, endpoint, status))
  if (endpoint?.resourceScopes) for (const each of context.table.headers.resource) add(each(call, context))
  headers.set('x-request-id', call.requestId)
  if (cookies.length > 0 && !isHead && !isForeign(call, context))
    for (const cookie of cookies) headers.append('set-cookie', cookie)
  return response
}
