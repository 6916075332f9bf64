/** The End-User that the hint of a request identifies. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#auth_request */
import { check } from '../../auth/check.ts'
import { secret } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { type Hint, readHint } from '../../flow/id_token_hint.ts'
import { sessionBehind, subjectOf } from '../../grants/person.ts'
import { countTry, takeBack } from '../../people/rate_limit.ts'
import type { Client } from '../../models/client.ts'
import { Session } from '../../models/session.ts'
import { isActive, User } from '../../models/user.ts'

const hints = ['login_hint', 'id_token_hint', 'login_hint_token'] as const
type Hints = Readonly<Partial<Record<(typeof hints)[number], string | undefined>>>

/**
 * The End-User of the one hint. Throws `invalid_request`, or `unknown_user_id` (§13). The answer tells an authenticated
 * client whether an account exists, so the wrong hints of a client are limited. They are counted before the lookup, so
 * that beyond the limit right and wrong hints get the same answer.
 */
export async function userOfHint(params: Hints, client: Client, context: Context): Promise<User> {
  const present = hints.filter((name) => params[name] !== undefined)
  check(present.length === 1, 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'exactly one of login_hint and id_token_hint is required',
    came: present.join(' and ') || 'none',
  }))
  check(params.login_hint_token === undefined, 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'login_hint or id_token_hint',
    problem: 'login_hint_token is not supported',
    next: 'send login_hint or id_token_hint',
  }))
  const hint =
    params.id_token_hint === undefined ? undefined : await ofThisClient(params.id_token_hint, client, context)
  await countTry(context, 'backchannel_hint', client.client_id, 100, 600, {
    client_id: client.client_id,
  })
  const user = hint
    ? await hintedUser(hint, client, context)
    : await User.findByLogin(context, params.login_hint!.slice(0, 500))
  check(user && isActive(user), 'unknown_user_id', () => ({
    rule: 'OpenID Connect CIBA §13',
    expected: 'a hint that names an active account',
    came: secret(params.login_hint ?? params.id_token_hint),
    problem: 'the hint names no active account',
  }))
  await takeBack(context, 'backchannel_hint', client.client_id)
  return user
}

/** The ID Token must be for this client: with pairwise subjects, `sub` means another End-User for another client. */
async function ofThisClient(jwt: string, client: Client, context: Context): Promise<Hint> {
  const hint = await readHint(jwt, context, client)
  check(hint?.aud === client.client_id, 'invalid_request', () => ({
    rule: 'OpenID Connect CIBA §7.1',
    expected: 'an ID Token that this provider issued to this client',
    came: secret(jwt),
    problem: 'id_token_hint is not an ID Token that this provider issued to this client',
  }))
  return hint
}

/**
 * A pairwise `sub` cannot be reversed, so the session of the ID Token (`sid`) gives the End-User. The End-User found
 * must have exactly the `sub` of the hint at this client.
 */
async function hintedUser({ sub, sid }: Hint, client: Client, context: Context): Promise<User | undefined> {
  const own = sid === undefined ? undefined : sessionBehind(sid, client, context)
  const session = own === undefined ? undefined : await Session.find(context, own)
  for (const candidate of [sub, session?.sub])
    if (candidate !== undefined && subjectOf(candidate, client, context) === sub) {
      const user = await User.find(context, candidate)
      if (user) return user
    }
  return undefined
}
