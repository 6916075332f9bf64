/** The only place where an error becomes an answer: JSON or a page. Redirects are `authorization_response.ts`. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { Call } from '../contracts/call.ts'
import { errorPage } from '../html/pages.ts'
import { json, page } from './reply.ts'
import type { Reply } from '../contracts/reply.ts'

/** What production says; development says what was expected and what came. */
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

/** Codes whose words help and give nothing away. */
export const describe = (error: OAuthError, context: Context): string =>
  (context.config.environment === 'production' && terse[error.code]) || error.publicDescription

/** Any thrown thing as the error it stands for; what nobody foresaw is `server_error` and one log line. */
export function asOAuthError(thrown: unknown, call: Call, context: Context): OAuthError {
  if (thrown instanceof OAuthError) {
    if (thrown.options.detail)
      context.log.info('refused', {
        request_id: call.requestId,
        code: thrown.code,
        detail: thrown.options.detail,
      })
    return thrown
  }
  if (thrown instanceof StoreUnavailable) {
    context.log.error('store_unavailable', { request_id: call.requestId, problem: thrown.message })
    return new OAuthError(
      'temporarily_unavailable',
      'the store did not answer in time, so this is not done as far as we know. Try again shortly',
      { retryAfter: 2 },
    )
  }
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown))
  context.log.error('unexpected', { request_id: call.requestId, path: call.path, problem: message, stack })
  return new OAuthError(
    'server_error',
    `an error nobody foresaw; the log has it under request id ${call.requestId}`,
  )
}

/** A page says that its number is in the log, and production keeps words back: whoever is asked for help needs both. */
function logRefusal(error: OAuthError, call: Call, context: Context, wanted: boolean): void {
  // What has a detail, or is our own fault, was logged when it was thrown.
  if (!wanted || error.status >= 500 || error.options.detail) return
  context.log.info('refused', {
    request_id: call.requestId,
    path: call.path,
    code: error.code,
    problem: error.publicDescription,
  })
}

export function errorReply(error: OAuthError, call: Call, context: Context, asPage: boolean): Reply {
  const headers: Record<string, string> = { ...error.options.headers }
  if (error.options.retryAfter !== undefined) headers['retry-after'] = `${error.options.retryAfter}`
  const description = describe(error, context)
  logRefusal(error, call, context, asPage || description !== error.publicDescription)
  if (asPage) {
    const { status, code, options } = error
    const html = errorPage({
      status,
      error: code,
      // In production it would only repeat the sentence for people.
      description: context.config.environment === 'production' ? undefined : description,
      requestId: call.requestId,
      say: options.say,
    })
    return page(status, html, headers)
  }
  // RFC 6749 §5.2: a client that used the Authorization header is told which scheme to use.
  if (error.status === 401 && !headers['www-authenticate'])
    headers['www-authenticate'] = `Basic realm="${context.config.issuer}"`
  return json(error.status, { error: error.code, error_description: description }, headers)
}
