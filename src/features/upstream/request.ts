/** Requests to a provider through the outbound fetcher. Invalid responses and failed connections become an UpstreamError. */
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import type { OutboundResponse } from '../../outbound/outbound.ts'
import type { MessageKey } from '../../lib/say.ts'
import { type Claims, membersOf, type ProviderSettings, type Request } from './row.ts'

/** Kinds of failure: the suffixes of the message keys `upstream.failed_…`. */
export type Failure =
  Extract<MessageKey, `upstream.failed_${string}`> extends `upstream.failed_${infer Name}` ? Name : never

/** `detail` is only logged: it may quote the provider's response, but never a token. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly failure: Failure
  readonly detail: string

  constructor(failure: Failure, detail: string) {
    super(`${failure}: ${detail}`)
    this.failure = failure
    this.detail = detail
  }
}

const maxQuoteLength = 200
/** A value from outside, shortened for the log. */
export const quoted = (value: unknown): string => String(value).slice(0, maxQuoteLength)

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
export function basicCredentials({ clientId, clientSecret = '' }: ProviderSettings): string {
  const [id, secret] = [clientId, clientSecret].map((part) =>
    new URLSearchParams({ part }).toString().slice('part='.length),
  )
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

/** Returns a response of any status. Throws UpstreamError if there is none or it exceeds the limits. */
export async function send(context: Context, { url, ...options }: Request): Promise<OutboundResponse> {
  try {
    return await context.outbound.fetch(url, { purpose: 'upstream', accept: 'application/json', ...options })
  } catch (error) {
    throw asFailure(error)
  }
}

/** Converts an error of the outbound fetcher into an UpstreamError. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error
  const nonsense = error.reason === 'malformed' || error.reason === 'too_large'
  return new UpstreamError(nonsense ? 'nonsense' : 'down', `${error.reason}: ${error.message}`)
}

/** 5xx and 429 mean that the provider is unavailable; any other status but 200 is a refusal. */
const failureOfStatus = (status: number): Failure => (status >= 500 || status === 429 ? 'down' : 'refused')

/** An error response may repeat what was sent, and one of another 2xx may have tokens: neither is quoted. */
function quotedBody({ status, body }: OutboundResponse, sent: readonly string[]): string {
  if (status < 300) return ''
  const spellings = sent
    .filter((each) => each !== '')
    .flatMap((each) => [each, new URLSearchParams({ '': each }).toString().slice(1)])
  return `: ${quoted(spellings.reduce((text, each) => text.replaceAll(each, '(secret)'), body))}`
}

/** The JSON of a response with status 200. `sent` are values of the request that are not logged. */
function jsonOf(answer: OutboundResponse, what: string, sent: readonly string[]): unknown {
  const { status, body } = answer
  if (status !== 200)
    throw new UpstreamError(failureOfStatus(status), `${what} answered ${status}${quotedBody(answer, sent)}`)
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new UpstreamError('nonsense', `${what} did not answer with JSON`)
  }
}

/** Fields that are no secret. */
const open = ['grant_type', 'redirect_uri', 'client_id']

/** Some token endpoints answer an error with status 200 instead of 400 (RFC 6749 §5.2). */
export async function postForm(
  context: Context,
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): Promise<Claims> {
  const answer = await send(context, {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  })
  const secrets = Object.entries(fields).flatMap(([name, value]) => (open.includes(name) ? [] : [value]))
  const said = membersOf(jsonOf(answer, 'the token endpoint', secrets))
  if (said.error !== undefined) throw new UpstreamError('refused', `token endpoint: ${quoted(said.error)}`)
  return said
}

/** JSON about the user of an access token. */
export async function getWithToken(
  context: Context,
  url: string,
  accessToken: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const target = new URL(url)
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value)
  const authorization = `Bearer ${accessToken}`
  return jsonOf(
    await send(context, { url: target.href, method: 'GET', headers: { authorization } }),
    'userinfo',
    [accessToken, ...Object.values(parameters)],
  )
}
