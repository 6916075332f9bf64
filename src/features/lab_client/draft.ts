/** A request of the playground before it is sent: all of it can be edited but the host, which is that of this provider. */
import { HttpError } from '../../auth/errors.ts'
import type { Params } from '../../auth/params.ts'
import type { Context } from '../../contracts/context.ts'
import { readSigned, type Signed, tokenOf } from './signed.ts'

export type Pairs = readonly (readonly [name: string, value: string])[]

export interface Draft {
  method: string
  /** Below the issuer. */
  path: string
  headers: Pairs
  /** The query of a GET, the form in the body of a POST. */
  params: Pairs
  /** JWTs that become parameters or headers when the request is sent. */
  signed?: readonly Signed[]
}

export const methods: readonly string[] = ['GET', 'POST']

/** Headers of a client, and that of a test which moves the clock of the lab. Others are of the browser, of a proxy, or of the connection, which the client is not. */
const headerNames: readonly string[] = [
  ...['accept', 'accept-language', 'authorization', 'content-type', 'dpop', 'origin', 'user-agent'],
  ...['x-fapi-auth-date', 'x-fapi-interaction-id', 'x-lab-clock'],
]

export const formType: readonly [string, string] = ['content-type', 'application/x-www-form-urlencoded']

const mostPairs = 80

const refuse = (expected: string, came: string, next?: string) =>
  new HttpError('unprocessable', { expected, came, next })

/**
 * The address of a request: always this provider. `URL` reads a path as a browser does, so that what it makes of
 * backslashes, dots and a second slash is compared, and not the text.
 */
export function addressOf({ path, method, params }: Draft, { config, basePath }: Context): URL {
  const issuer = new URL(config.issuer)
  const expected = 'the path is below the issuer, without a query and a fragment, in printable ASCII'
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[?#\\]/.test(path) || path.startsWith('//'))
    throw refuse(expected, path)
  const url = URL.parse(`${issuer.origin}${basePath}${path}`)
  if (url?.origin !== issuer.origin || !url.pathname.startsWith(`${basePath}/`)) throw refuse(expected, path)
  if (method === 'GET') url.search = encoded(params)
  return url
}

/** application/x-www-form-urlencoded. */
export const encoded = (params: Pairs): string =>
  new URLSearchParams(params.map(([name, value]) => [name, value])).toString()

function requireHeader(name: string, value: string): void {
  if (!headerNames.includes(name)) throw refuse(`a header of ${headerNames.join(', ')}`, name)
  if (!/^[\x20-\x7e]*$/.test(value)) throw refuse(`${name} is one line of printable ASCII`, value)
}

/** Lines of a name and a value. A line without the sign is a name without a value. */
const linesOf = (text = '', sign = '='): Pairs =>
  text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const at = line.indexOf(sign)
      return at < 0 ? ([line, ''] as const) : ([line.slice(0, at), line.slice(at + 1)] as const)
    })

/** The fields with this prefix, without it, in their order. */
export const prefixed = (fields: Params, prefix: string): Pairs =>
  Object.entries(fields).flatMap(([name, value]) =>
    name.startsWith(prefix) && value ? [[name.slice(prefix.length), value] as const] : [],
  )

/** What the fields of a form say. It may not be sendable: `requireSendable`. */
export const readDraft = (fields: Params, made: Draft): Draft => ({
  method: fields.method ?? made.method,
  path: fields.path ?? '',
  headers: [
    ...prefixed(fields, 'h.'),
    ...linesOf(fields.heads, ':').map(([name, value]) => [name.trim().toLowerCase(), value.trim()] as const),
  ].slice(0, mostPairs),
  params: [...prefixed(fields, 'p.'), ...linesOf(fields.more)].slice(0, mostPairs),
  signed: (made.signed ?? []).map((part) => readSigned(fields, part)),
})

/** With the JWTs in their places. */
export function complete({ signed = [], ...draft }: Draft): Draft {
  const made = (place: Signed['place']): Pairs =>
    signed.flatMap((part) => {
      const token = part.place === place ? tokenOf(part) : undefined
      return token === undefined ? [] : [[part.name, token] as const]
    })
  return {
    ...draft,
    headers: [...draft.headers, ...made('header')],
    params: [...draft.params, ...made('param')],
  }
}

/** Throws `unprocessable` for a request that would not go to this provider, or that is no HTTP. Returns its address. */
export function requireSendable(draft: Draft, context: Context): URL {
  if (!methods.includes(draft.method)) throw refuse(`a method of ${methods.join(', ')}`, draft.method)
  for (const [name, value] of draft.headers) requireHeader(name, value)
  return addressOf(draft, context)
}
