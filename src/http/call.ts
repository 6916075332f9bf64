/** Reads the parameters and the body of a request, within limits. */
import * as v from 'valibot'
import { HttpError, OAuthError } from '../auth/errors.ts'
import { RefusedError, secret, shown } from '../auth/refusal.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { type Params, repeated } from '../auth/params.ts'
import { boundedText } from '../lib/bounded_text.ts'
import { isRead } from './known_parameters.ts'

const maxParameters = 100
const maxNameLength = 200

/**
 * Parses application/x-www-form-urlencoded. A parameter without a value counts as absent. A repeated parameter is refused
 * (RFC 6749 §3.1); those in `repeatable` are joined by `repeated`. A parameter that nothing reads is ignored, also when it
 * came twice or is not UTF-8.
 */
export function parseParams(
  text: string,
  repeatable: ReadonlySet<string>,
  isRead: (name: string) => boolean = () => true,
): Params {
  const params = Object.create(null) as Record<string, string>
  if (text === '') return params
  const pairs = text.split('&')
  if (pairs.length > maxParameters)
    throw new OAuthError('invalid_request', {
      rule: 'RFC 6749 §3.1',
      expected: `at most ${maxParameters} parameters are accepted`,
      came: pairs.length,
    })
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals < 0 || equals === pair.length - 1) continue
    const written = pair.slice(0, equals)
    const name = decoded(written)
    const value = decoded(pair.slice(equals + 1))
    if (name === undefined || value === undefined) {
      if (!isRead(name ?? written)) continue
      throw new OAuthError('invalid_request', {
        rule: 'RFC 6749 §3.1',
        expected: 'percent-encoding of UTF-8',
        came: secret(pair), // the parameter may be a password
        problem: 'a parameter has percent-encoding that is not UTF-8',
      })
    }
    if (name.length > maxNameLength)
      throw new OAuthError('invalid_request', {
        rule: 'RFC 6749 §3.1',
        expected: `names of parameters of at most ${maxNameLength} characters`,
        came: name.length,
        problem: 'a parameter name is too long',
      })
    if (params[name] === undefined) params[name] = value
    else if (repeatable.has(name)) params[name] += `${repeated}${value}`
    else if (isRead(name))
      throw new OAuthError('invalid_request', {
        rule: 'RFC 6749 §3.1',
        expected: 'each parameter at most once',
        came: name,
        problem: `parameter ${shown(name)} came more than once`,
      })
  }
  return params
}

/** Undefined when the percent-encoding is not that of UTF-8. */
function decoded(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

export const query = (call: Call, context: Context): Params =>
  parseParams(call.search, context.table.repeatable, isRead(call, context))

const contentType = (call: Call): string | null => call.request.headers.get('content-type')

/** Whether the body is a form by its content type, which is compared without regard to case (RFC 9110 §8.3.1). */
export const hasForm = (call: Call): boolean =>
  /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i.test(contentType(call) ?? '')

/** The form in the body. Throws `invalid_request` for another content type, `payload_too_large` beyond MAX_BODY_BYTES. */
export async function form(call: Call, context: Context): Promise<Params> {
  if (!hasForm(call))
    throw new OAuthError('invalid_request', {
      rule: 'RFC 6749 §3.2',
      expected: 'the body must be application/x-www-form-urlencoded',
      came: contentType(call) ?? 'no content type',
      wanted: 'application/x-www-form-urlencoded',
    })
  return parseParams(await body(call, context), context.table.repeatable, isRead(call, context))
}

/** The JSON in the body; `code` is the error code when the body is not JSON. */
export async function readJson(call: Call, context: Context, code = 'invalid_request'): Promise<unknown> {
  const type = contentType(call) ?? 'no content type'
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json[ \t]*(?:;|$)/i.test(type))
    throw new OAuthError(code, {
      rule: 'RFC 7591 §3.1',
      expected: 'the body must be application/json',
      came: type,
    })
  try {
    return JSON.parse(await body(call, context)) as unknown
  } catch (error) {
    if (error instanceof RefusedError) throw error
    throw new OAuthError(code, {
      rule: 'RFC 7591 §3.1',
      expected: 'a JSON document in the body',
      problem: 'the body is not valid JSON',
    })
  }
}

const tooLarge = (limit: number) =>
  new HttpError('payload_too_large', { expected: `the body may have at most ${limit} bytes` })

const body = (call: Call, context: Context): Promise<string> => (call.body ??= readBody(call, context))

async function readBody(call: Call, context: Context): Promise<string> {
  const limit = context.config.maxBodyBytes
  const declared = call.request.headers.get('content-length')
  if (declared !== null) {
    if (Number(declared) > limit) throw tooLarge(limit)
    return call.request.text()
  }
  const text = await boundedChunks(call, limit)
  if (text === undefined) throw tooLarge(limit)
  return text
}

/** Bun gives up a body beyond its own limit when nothing has read it yet, and then throws where it is read. */
async function boundedChunks({ request }: Call, limit: number): Promise<string | undefined> {
  try {
    return await boundedText(request.body, limit)
  } catch (error) {
    if (error instanceof Error && error.message.includes('maxRequestBodySize')) return undefined
    throw error
  }
}

/** Validates parameters by a schema. Throws `invalid_request` with the name of the first wrong parameter. */
export function shape<const S extends v.GenericSchema>(schema: S, params: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, params)
  if (parsed.success) return parsed.output
  const issue = parsed.issues[0]
  throw new OAuthError('invalid_request', {
    rule: 'RFC 6749 §3.1',
    expected: `${v.getDotPath(issue) ?? 'parameters'}${issue.input === undefined ? ' is required' : `: ${issue.message}`}`,
  })
}
