/** HTTP requests and their answers as text to look at: without secrets, and with the contents of the tokens beside them. */
import { decodeJwt, decodeProtectedHeader } from 'jose'

export interface Exchange {
  /** Such as `POST /token, authorization_code`. */
  title: string
  request: string
  /** Empty when the browser carries the request and the answer is a page. */
  answer: string
  tokens: readonly Token[]
}

export interface Token {
  name: string
  header: string
  claims: string
}

/** Parameters, members and headers that give access to their holder. */
const secrets = new Set([
  'access_token',
  'actor_token',
  'assertion',
  'authorization',
  'client_assertion',
  'client_secret',
  'code',
  'code_verifier',
  'cookie',
  'dpop',
  'id_token',
  'id_token_hint',
  'logout_token',
  'refresh_token',
  'set-cookie',
  'subject_token',
  'token',
])

/** Four characters of a long value show which of two it is, and are of no use. */
const masked = (value: string): string => (value.length < 40 ? '…' : `${value.slice(0, 4)}…`)

const shown = (name: string, value: string): string => {
  if (!secrets.has(name.toLowerCase())) return value
  const [scheme = '', rest] = value.split(' ')
  return rest === undefined ? masked(value) : `${scheme} ${masked(rest)}`
}

/** One parameter a line. */
const parameters = (from: URLSearchParams, first: string): string =>
  Array.from(from, ([name, value], at) => `${at === 0 ? first : '&'}${name}=${shown(name, value)}`).join('\n')

const json = (value: unknown): string =>
  JSON.stringify(
    value,
    (name, member: unknown) => (typeof member === 'string' ? shown(name, member) : member),
    2,
  )

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** What of a body can be shown; a text of another type may be a token, and is not. */
function bodyOf(type: string, text: string): string {
  if (text === '') return ''
  if (type.includes('x-www-form-urlencoded')) return parameters(new URLSearchParams(text), '')
  const value = type.includes('json') ? parsed(text) : undefined
  return value === undefined ? `(${text.length} characters of ${type || 'no type'})` : json(value)
}

function message(start: string, headers: Headers, text: string): string {
  const lines = Array.from(headers)
    .filter(([name]) => name !== 'host') // stands in `start`
    .map(([name, value]) => `${name}: ${shown(name, value)}`)
  return [start, ...lines, '', bodyOf(headers.get('content-type') ?? '', text)].join('\n').trimEnd()
}

/** A JWT, decoded and not verified: this is for looking at. Nothing for another string. */
function tokenOf(name: string, token: unknown): Token[] {
  if (typeof token !== 'string' || !/^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return []
  try {
    return [{ name, header: json(decodeProtectedHeader(token)), claims: json(decodeJwt(token)) }]
  } catch {
    return []
  }
}

function tokensIn(request: Request, text: string): Token[] {
  const { access_token, id_token } = (parsed(text) ?? {}) as Record<string, unknown>
  const [, bearer] = /^(?:Bearer|DPoP) (\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  return [...tokenOf('access_token', access_token ?? bearer), ...tokenOf('id_token', id_token)]
}

/** Reads both bodies: give clones. */
export async function exchangeOf(request: Request, answer: Response): Promise<Exchange> {
  const { pathname, host, searchParams } = new URL(request.url)
  const [asked, told] = await Promise.all([request.text(), answer.text()])
  const grant = request.headers.get('content-type')?.includes('x-www-form-urlencoded')
    ? new URLSearchParams(asked).get('grant_type')
    : null
  const start = [`${request.method} ${pathname}`, parameters(searchParams, '?'), `host: ${host}`]
  return {
    title: `${request.method} ${pathname}${grant === null ? '' : `, ${grant}`}`,
    request: message(start.filter(Boolean).join('\n'), request.headers, asked),
    answer: message(`${answer.status} ${answer.statusText}`.trim(), answer.headers, told),
    tokens: tokensIn(request, told),
  }
}

/** A request that the browser carries from one site to the other. */
export function redirectOf(title: string, url: string): Exchange {
  const { pathname, host, searchParams } = new URL(url)
  return {
    title,
    request: [`GET ${pathname}`, parameters(searchParams, '?'), `host: ${host}`].join('\n'),
    answer: '',
    tokens: [],
  }
}

/** A title has what a caller sent. */
const mostTitles = 50

/** The latest of each title, in the order in which they happened: whatever is sent and however often, it does not fill the memory. */
export function note(exchanges: Map<string, Exchange>, exchange: Exchange): void {
  exchanges.delete(exchange.title)
  exchanges.set(exchange.title, exchange)
  const [oldest] = exchanges.keys()
  if (exchanges.size > mostTitles && oldest !== undefined) exchanges.delete(oldest)
}

/** `fetch`, of which `keep` gets each exchange. */
export const watched =
  (through: typeof fetch, keep: (exchange: Exchange) => void) =>
  async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const copy = request.clone()
    const answer = await through(request)
    keep(await exchangeOf(copy, answer.clone()))
    return answer
  }
