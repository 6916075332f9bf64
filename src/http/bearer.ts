/** Reads the access token of a request, and writes the challenge when there is none or it is refused. https://www.rfc-editor.org/rfc/rfc6750#section-2 */
import { check } from '../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../auth/errors.ts'
import { optionalText } from '../auth/params.ts'
import type { Grounds, RefusedError } from '../auth/refusal.ts'
import { described } from './hints.ts'
import type { Context } from '../contracts/context.ts'
import type { TokenBinding } from '../contracts/feature.ts'
import { form, hasForm, shape } from './call.ts'
import type { Call } from '../contracts/call.ts'

/** The access token from the Authorization header or a form body. The scheme tells how the token is bound. */
export interface PresentedToken {
  scheme: string
  token: string
}

/** RFC 6750 §3: the scheme, then error and description if the request had a token, then the parameters of features. */
export function challenge(
  context: Context,
  error?: string,
  description?: string,
  call?: Call,
  own: readonly string[] = [],
): Record<string, string> {
  const more = [...own, ...(call ? resourceParameters(call, context) : [])]
  const tried =
    error === undefined
      ? []
      : [`error="${error}"`, ...(description ? [`error_description="${description}"`] : [])]
  const words = [...tried, ...more].map((each) => `, ${each}`).join('')
  const bindings = context.table.tokenBindings.filter((binding) => binding.scheme !== 'Bearer')
  const realm = `realm="${context.config.issuer}"${words}`
  const others = bindings.map(
    ({ scheme, challenge: more }) => `, ${scheme} ${realm}${more ? `, ${more(context)}` : ''}`,
  )
  return { 'www-authenticate': `Bearer ${realm}${others.join('')}` }
}

/**
 * The bindings that a token's `cnf` names, and the Authorization scheme they require. Undefined when no binding can check
 * one of its members.
 */
export function bindingOf(
  cnf: Readonly<Record<string, unknown>>,
  { table }: Context,
): { bindings: TokenBinding[]; scheme: string } | undefined {
  const ownsAny = (part: Record<string, unknown>) => table.tokenBindings.some((each) => each.owns(part))
  if (!Object.entries(cnf).every(([name, value]) => ownsAny({ [name]: value }))) return undefined
  const bindings = table.tokenBindings.filter((binding) => binding.owns(cnf))
  const other = bindings.find((binding) => binding.scheme !== 'Bearer')
  return bindings.length === 0 ? undefined : { bindings, scheme: other?.scheme ?? 'Bearer' }
}

/** Auth-params that features add to every challenge of one of our own resources (RFC 9728 §5.1). */
export const resourceParameters = (call: Call, context: Context): string[] =>
  context.table.headers.challenge.flatMap((each) => pairs(each(call, context)))

const pairs = (parameters: Readonly<Record<string, string>>): string[] =>
  Object.entries(parameters).map(([name, value]) => `${name}="${value}"`)

export const invalidToken = (context: Context, grounds: Grounds, call?: Call) =>
  new OAuthError('invalid_token', {
    ...grounds,
    headers: challenge(context, 'invalid_token', described(context, grounds), call),
  })

/** The form of a POST may carry the token (§2.2). */
export const BearerParams = v.object({
  access_token: optionalText('Without an Authorization header'),
})

/** §3.1: each refusal of a resource has a challenge, with the error code. */
const malformed = (error: RefusedError, call: Call, context: Context) =>
  new OAuthError(error.code, {
    ...error.refusal,
    headers: challenge(context, error.code, described(context, error.refusal), call),
  })

/** The token in the body of a POST. Throws `invalid_request` with the challenge for a form that cannot be read. */
async function tokenInBody(call: Call, context: Context): Promise<string | undefined> {
  if (!hasForm(call)) return undefined
  try {
    return shape(BearerParams, await form(call, context)).access_token
  } catch (error) {
    throw error instanceof OAuthError ? malformed(error, call, context) : error
  }
}

/** Throws 401 without an error code when no token came (§3.1), `invalid_request` when it came in two places (§2). */
export async function presentedToken(call: Call, context: Context): Promise<PresentedToken> {
  const header = call.request.headers.get('authorization')
  const inBody = call.method === 'POST' ? await tokenInBody(call, context) : undefined
  check(header === null || inBody === undefined, () =>
    malformed(
      new OAuthError('invalid_request', {
        rule: 'RFC 6750 §2',
        expected: 'the access token in one place of the request',
        problem: 'the access token came in the header and in the body; send it once',
      }),
      call,
      context,
    ),
  )
  if (inBody !== undefined) return { scheme: 'bearer', token: inBody }
  const match = /^([A-Za-z][A-Za-z0-9-]*) +([A-Za-z0-9._~+/-]+=*) *$/.exec(header ?? '')
  check(match, 'invalid_token', () => ({
    rule: 'RFC 6750 §3',
    expected: 'an access token in the Authorization header',
    problem: 'no access token',
    next: 'send Authorization: Bearer <access_token>',
    headers: challenge(context, undefined, undefined, call),
  }))
  return { scheme: match[1]!.toLowerCase(), token: match[2]! }
}
