/** Whom a request is about. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#auth_request */
import { OAuthError } from '../../auth/errors.ts'
import { secret } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { type Hint, readHint } from '../../flow/id_token_hint.ts'
import { sessionBehind, subjectOf } from '../../grants/person.ts'
import { countTry, takeBack } from '../../people/rate_limit.ts'
import type { Client } from '../../models/client.ts'
import { Session } from '../../models/session.ts'
import { isActive, User } from '../../models/user.ts'
import type { Params } from '../../contracts/feature.ts'

const hints = ['login_hint', 'id_token_hint', 'login_hint_token'] as const

/**
 * The person that the one hint names. Throws `invalid_request`, or `unknown_user_id` as §13 has it: the client is
 * told the truth, for it is one that an operator vouches for, but only so many untruths of its own are answered at
 * all. They are counted before anybody is looked up, so that beyond the limit right and wrong guesses look alike.
 */
export async function personMeant(params: Params, client: Client, context: Context): Promise<User> {
  const given = hints.filter((name) => params[name] !== undefined)
  if (given.length !== 1)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect CIBA §7.1',
      expected: 'exactly one of login_hint and id_token_hint is required',
      came: given.join(' and ') || 'none',
    })
  if (params.login_hint_token !== undefined)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect CIBA §7.1',
      expected: 'login_hint or id_token_hint',
      problem: 'login_hint_token is not supported',
      next: 'send login_hint or id_token_hint',
    })
  const hint =
    params.id_token_hint === undefined ? undefined : await ofThisClient(params.id_token_hint, client, context)
  await countTry(context, 'backchannel_hint', client.client_id, 100, 600)
  const user = hint
    ? await hintedUser(hint, client, context)
    : await User.findByLogin(context, params.login_hint!.slice(0, 500))
  if (!user || !isActive(user))
    throw new OAuthError('unknown_user_id', {
      rule: 'OpenID Connect CIBA §13',
      expected: 'a hint that names an active account',
      came: secret(params.login_hint ?? params.id_token_hint),
      problem: 'the hint names nobody who can sign in here',
    })
  await takeBack(context, 'backchannel_hint', client.client_id)
  return user
}

/** An ID Token of another client says nothing to this one: under pairwise names its subject is somebody else. */
async function ofThisClient(jwt: string, client: Client, context: Context): Promise<Hint> {
  const hint = await readHint(jwt, context, client)
  if (hint?.aud !== client.client_id)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect CIBA §7.1',
      expected: 'an ID Token that this provider issued to this client',
      came: secret(jwt),
      problem: 'id_token_hint is not an ID Token that this provider issued to this client',
    })
  return hint
}

/**
 * A pairwise name cannot be turned back, so the session that the ID Token came from says who it was. Whoever is
 * found must be known to this client by the very name in the hint.
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
