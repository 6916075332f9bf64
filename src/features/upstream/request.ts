/** Requests of ours to a provider, all through the guarded fetcher: its words are read with suspicion, its silence is an answer. */
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import type { OutboundResponse } from '../../outbound/outbound.ts'
import type { MessageKey } from '../../lib/say.ts'
import { type Claims, membersOf, type Place, type Request } from './row.ts'

/** What went wrong, as the person is told of it: each is the end of the key `upstream.failed_…`. */
export type Failure =
  Extract<MessageKey, `upstream.failed_${string}`> extends `upstream.failed_${infer Name}` ? Name : never

/** `detail` is for the log alone: it may quote what a stranger sent, and never a token. */
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

const longestQuote = 200
/** What a stranger said, short enough for a log. */
export const quoted = (value: unknown): string => String(value).slice(0, longestQuote)

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
export function basicCredentials({ clientId, clientSecret = '' }: Place): string {
  const [id, secret] = [clientId, clientSecret].map((part) =>
    new URLSearchParams({ part }).toString().slice('part='.length),
  )
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

/** Any answer at all; a server that cannot be reached or breaks the bounds is `down`. */
export async function send(context: Context, { url, ...options }: Request): Promise<OutboundResponse> {
  try {
    return await context.outbound.fetch(url, { accept: 'application/json', ...options })
  } catch (error) {
    throw asFailure(error)
  }
}

/** What the guarded fetcher rejects with, as a failure of the provider. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error
  const nonsense = error.reason === 'malformed' || error.reason === 'too_large'
  return new UpstreamError(nonsense ? 'nonsense' : 'down', `${error.reason}: ${error.message}`)
}

/** A busy or broken server says 5xx or 429; anything else that is not 200 is a refusal. */
const failureOfStatus = (status: number): Failure => (status >= 500 || status === 429 ? 'down' : 'refused')

/** The JSON of an answer that says 200. */
function jsonOf({ status, body }: OutboundResponse, what: string): unknown {
  if (status !== 200)
    throw new UpstreamError(failureOfStatus(status), `${what} answered ${status}: ${quoted(body)}`)
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new UpstreamError('nonsense', `${what} answered no JSON`)
  }
}

/** The object a POST of a form answers with. Some say 200 and put the error inside (RFC 6749 §5.2 wants 400). */
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
  const said = membersOf(jsonOf(answer, 'the token endpoint'))
  if (said.error !== undefined) throw new UpstreamError('refused', `token endpoint: ${quoted(said.error)}`)
  return said
}

/** JSON about the holder of an access token. */
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
  )
}
