/** Turns a refusal into a response, JSON or a page, and its log line. Redirects with errors are in `authorization_response.ts`. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import { record } from '../models/audit/note.ts'
import { ownMember } from '../lib/own_member.ts'
import { HttpError } from '../auth/errors.ts'
import { RefusedError, isSecret } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import { SignerUnavailable } from '../models/remote_signer.ts'
import { RecordContended } from '../models/define_record.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { Call } from '../contracts/call.ts'
import { errorPage, type RefusedClient } from '../html/pages.ts'
import { described } from './hints.ts'
import { labExists } from './lab_exists.ts'
import { problemReply } from './problem.ts'
import { json, page } from './reply.ts'
import type { Reply } from '../contracts/reply.ts'

/** The descriptions in production. Development says what was expected and what came. */
const terse: Record<string, string> = {
  invalid_request: 'The request is missing a parameter or has a malformed one',
  invalid_client: 'Client authentication failed',
  invalid_grant: 'The grant is invalid, expired, revoked or was issued to another client',
  unauthorized_client: 'This client may not do that',
  invalid_scope: 'The requested scope is unknown or not allowed',
  invalid_token: 'The access token is invalid, expired or revoked',
  server_error: 'Something went wrong on our side',
  temporarily_unavailable: 'The service is temporarily unavailable',
}

/** The description that a client may see. */
export const descriptionFor = (error: RefusedError, context: Context): string =>
  (context.config.environment === 'production' && ownMember(terse, error.code)) ||
  described(context, error.refusal)

/** Codes that are a regular part of a flow and no sign of an error. */
const partOfTheFlow = new Set(['authorization_pending', 'slow_down', 'use_dpop_nonce'])

/** Codes that say nothing of who may do what. */
const unaudited = new Set([
  ...partOfTheFlow,
  ...['not_found', 'method_not_allowed', 'payload_too_large', 'temporarily_unavailable', 'server_error'],
])

const longestValue = 200
const longestSentence = 600

/** Shortens a value of the request, so that no request makes a long log line. */
const clipped = (value: unknown, longest = longestValue): unknown => {
  if (isSecret(value)) return '(secret)'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text !== undefined && text.length > longest ? `${text.slice(0, longest)}...` : value
}

/** The fields of the one log line of a refusal that name the request. */
export function refusalFields(call: Call) {
  call.refused = true
  return {
    request_id: call.requestId,
    client_id: clipped(call.clientId),
    address: call.address,
    path: clipped(call.path),
  }
}

/** Logs a refusal. Each place that responds with a refusal calls it once. */
export function logRefusal(error: RefusedError, call: Call, context: Context): void {
  const { code, rule, expected, came, problem, detail } = error.refusal
  context.metrics.count('refusals', 'code', code)
  // An unknown client counts as none: a sender of requests must not choose the names that are counted.
  if (!partOfTheFlow.has(code))
    context.usage.count(
      'refusals',
      call.clientId === undefined ? undefined : context.clients.peek(call.clientId),
    )
  for (const each of context.table.lab.refused) call.errorUri = each(call, context, error) ?? call.errorUri
  const more = {
    ...refusalFields(call),
    code,
    rule,
    expected: clipped(expected, longestSentence),
    came: clipped(came),
    problem: clipped(problem, longestSentence),
    detail: clipped(detail, longestSentence),
  }
  context.log[partOfTheFlow.has(code) ? 'debug' : 'info']('refused', more)
  if (context.audit && !unaudited.has(code))
    void record(call, context.audit, 'refused', {
      reason: code,
      rule: String(rule),
      expected,
      path: call.path,
    })
}

/** The line of a page that refuses what was asked, such as one of a link that has expired, unless there is one. */
export function logRefusedPage({ status, why }: Reply, call: Call, context: Context): void {
  if (status < 400 || call.refused) return
  context.metrics.count('refusals', 'code', 'page_refused')
  context.log.info('refused', {
    ...refusalFields(call),
    code: 'page_refused',
    rule: 'RFC 9110 §15.5',
    expected: 'what the page asks for',
    problem: `the page has status ${status}${why ? ` and says ${why.key}` : ''}`,
  })
}

/** Turns any thrown value into a refusal and logs it. An unexpected error becomes `server_error`. */
export function refusalOf(thrown: unknown, call: Call, context: Context): RefusedError {
  if (thrown instanceof RefusedError) {
    logRefusal(thrown, call, context)
    return thrown
  }
  if (thrown instanceof RecordContended) {
    context.log.warn('record_contended', { ...refusalFields(call), problem: thrown.message })
    return new HttpError('temporarily_unavailable', {
      expected: 'no other changes of the same record at the same time',
      problem:
        'other requests change the same record without pause; this change was not written. Try again shortly',
      retryAfter: 2,
    })
  }
  if (thrown instanceof StoreUnavailable) {
    context.log.error('store_unavailable', { ...refusalFields(call), problem: thrown.message })
    return new HttpError('temporarily_unavailable', {
      expected: 'the store answers in time',
      problem:
        'the store did not answer in time, so the request may not have been completed. Try again shortly',
      retryAfter: 2,
    })
  }
  if (thrown instanceof SignerUnavailable) {
    context.log.error('signer_unavailable', { ...refusalFields(call), problem: thrown.message })
    return new HttpError('temporarily_unavailable', {
      expected: 'the service that keeps the signing key answers in time',
      problem: 'the service that keeps the signing key gave no signature. Try again shortly',
      retryAfter: 2,
    })
  }
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown))
  context.log.error('unexpected', { ...refusalFields(call), problem: message, stack })
  return new HttpError('server_error', {
    expected: 'no error of this provider',
    problem: `an unexpected error; the log has it under request id ${call.requestId}`,
  })
}

/** `client` is the client that sent the request, when the page may name and link to it. */
export function errorPageReply(
  error: RefusedError,
  call: Call,
  context: Context,
  client?: RefusedClient,
): Reply {
  const { code, headers, retryAfter, say, ways } = error.refusal
  const html = errorPage({
    status: error.status,
    error: code,
    // In production it would only repeat the message for the End-User.
    description: context.config.environment === 'production' ? undefined : descriptionFor(error, context),
    requestId: call.requestId,
    say,
    client,
    ways,
    // A page of the lab, which a stranger to it does not find.
    explained: call.errorUri !== undefined && labExists(call, context) ? call.errorUri : undefined,
  })
  return page(error.status, html, {
    ...headers,
    ...(retryAfter !== undefined && { 'retry-after': `${retryAfter}` }),
  })
}

/** A page for an End-User, JSON of RFC 6749 for a client, or problem details. */
export type ErrorForm = 'page' | 'json' | 'problem'

/** For an unknown path the Accept header decides. */
export function errorFormOf({ request }: Call, endpoint: Endpoint | undefined): ErrorForm {
  if (endpoint?.problems) return 'problem'
  const isPage = endpoint ? endpoint.page : /\btext\/html\b/i.test(request.headers.get('accept') ?? '')
  return isPage ? 'page' : 'json'
}

export function errorReply(error: RefusedError, call: Call, context: Context, form: ErrorForm): Reply {
  if (form === 'page') return errorPageReply(error, call, context)
  if (form === 'problem') return problemReply(error, call, context)
  const { code, headers: own, retryAfter } = error.refusal
  const headers: Record<string, string> = { ...own }
  if (retryAfter !== undefined) headers['retry-after'] = `${retryAfter}`
  const description = descriptionFor(error, context)
  // RFC 6749 §5.2: the response to a client that used the Authorization header names the scheme to use.
  if (error.status === 401 && !headers['www-authenticate'])
    headers['www-authenticate'] = `Basic realm="${context.config.issuer}"`
  return json(error.status, errorBody(code, description, call), headers)
}

/** The parameters of an error response (RFC 6749 §4.1.2.1, §5.2). */
export const errorBody = (error: string, error_description: string, { errorUri }: Call) => ({
  error,
  error_description,
  ...(errorUri !== undefined && { error_uri: errorUri }),
})
