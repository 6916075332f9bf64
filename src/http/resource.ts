/** Checks the access token of a request to one of our own protected resources. https://www.rfc-editor.org/rfc/rfc6750#section-3 */
import { check } from '../auth/check.ts'
import { secret } from '../auth/refusal.ts'
import { findClient } from '../clients/find_client.ts'
import type { Context } from '../contracts/context.ts'
import type { LiveToken } from '../contracts/live_token.ts'
import { bindingOf, challenge, invalidToken, presentedToken } from './bearer.ts'
import type { Call } from '../contracts/call.ts'
import { countToken } from './request_limit.ts'

type Find = (context: Context, token: string) => Promise<LiveToken | undefined>

/** The valid access token of this request, with the proof that its `cnf` requires and with `scope`; the request is counted. Throws with the challenge. */
export const requireToken = (call: Call, context: Context, find: Find, scope: string): Promise<LiveToken> =>
  requireTokenFor(call, context, find, forUs, scope)

/** Whom a resource accepts tokens for: the words for a refusal, and the check. */
export interface Meant {
  audience(context: Context): string
  isMeant(live: LiveToken, call: Call, context: Context): boolean
}

/** As `requireToken`, for a resource with an audience of its own; without `scope` each of them is good. */
export async function requireTokenFor(
  call: Call,
  context: Context,
  find: Find,
  { audience, isMeant }: Meant,
  scope?: string,
): Promise<LiveToken> {
  const { scheme, token } = await presentedToken(call, context)
  const live = await find(context, token)
  check(live, () =>
    invalidToken(
      context,
      {
        rule: 'RFC 6750 §3.1',
        expected: 'a valid access token of this provider',
        came: secret(token),
        problem: 'the access token is unknown, has expired or was revoked',
      },
      call,
    ),
  )
  call.clientId = live.claims.client_id
  // Other callers than pages cause no read of the client here.
  if (call.request.headers.has('origin')) call.client = await findClient(context, live.claims.client_id)
  check(isMeant(live, call, context), () =>
    invalidToken(
      context,
      {
        rule: 'RFC 9068 §4',
        expected: `aud has ${audience(context)}`,
        came: live.claims.aud,
        wanted: audience(context),
        problem: 'the access token was issued for another API (its aud)',
      },
      call,
    ),
  )
  if (live.claims.cnf !== undefined || scheme !== 'bearer')
    await requireBinding(call, context, scheme, token, live.claims.cnf)
  await countToken(call, context, live)
  if (scope !== undefined) requireScope(call, context, live.claims.scope.split(' '), scope)
  return live
}

/** Throws 403 with the challenge that names the scope. */
function requireScope(call: Call, context: Context, held: readonly string[], scope: string): void {
  const description = `the access token lacks the scope ${scope}`
  check(held.includes(scope), 'insufficient_scope', () => ({
    rule: 'RFC 6750 §3.1',
    expected: `an access token of scope ${scope}`,
    came: held.join(' '),
    wanted: scope,
    problem: description,
    headers: challenge(context, 'insufficient_scope', description, call, [`scope="${scope}"`]),
  }))
}

/**
 * Whether the audience of a token is this provider or this endpoint. A token for another resource server is refused
 * (RFC 8707 §2, RFC 9068 §4).
 */
function isForUs({ claims }: LiveToken, { path }: Call, { config, baseUrls }: Context): boolean {
  const isOurs = (audience: string): boolean =>
    audience === config.issuer ||
    audience === config.accessTokenAudience ||
    baseUrls.some((base) => base + path === audience)
  return typeof claims.aud === 'string' ? isOurs(claims.aud) : claims.aud.some(isOurs)
}

const forUs: Meant = {
  audience: ({ config }) => `${config.issuer} or the URL of this endpoint`,
  isMeant: isForUs,
}

/** Refuses a bound token without its proof or with another scheme, so that it cannot be used as a bearer token. */
async function requireBinding(
  call: Call,
  context: Context,
  scheme: string,
  token: string,
  cnf: LiveToken['claims']['cnf'],
): Promise<void> {
  if (cnf === undefined) {
    check(scheme === 'bearer', () =>
      invalidToken(
        context,
        {
          rule: 'RFC 6750 §2.1',
          expected: 'the scheme Bearer for a token that is bound to no key',
          came: scheme,
          wanted: 'bearer',
          problem: 'this is a bearer token: use Authorization: Bearer',
        },
        call,
      ),
    )
    return
  }
  const bound = bindingOf(cnf, context)
  check(bound, () =>
    invalidToken(
      context,
      {
        rule: 'RFC 6750 §3.1',
        expected: 'a cnf of kinds that this provider checks',
        came: cnf,
        problem: 'this token is bound to a key by a method that this provider does not support',
      },
      call,
    ),
  )
  check(bound.scheme.toLowerCase() === scheme, () =>
    invalidToken(
      context,
      {
        rule: 'RFC 9449 §7.1',
        expected: `the scheme ${bound.scheme} for a token that is bound to a key`,
        came: scheme,
        problem: `this token is bound: use Authorization: ${bound.scheme}`,
      },
      call,
    ),
  )
  for (const binding of bound.bindings) await binding.check(call, context, { cnf, token })
}
