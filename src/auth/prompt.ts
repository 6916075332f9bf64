/** Decides whether an authorization request needs a sign-in, a choice of account or consent. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { check } from './check.ts'
import type { ClaimsRequest } from './claims.ts'
import type { Grounds } from './refusal.ts'
import type { Rule } from './rule.ts'

export const promptValues = ['none', 'login', 'consent', 'select_account'] as const

/** The values of `prompt`. Throws `invalid_request` on an unknown value and on `none` with another value (§3.1.2.1). */
export function parsePrompt(text: string | undefined, known: readonly string[] = promptValues): string[] {
  const prompts = [...new Set((text ?? '').split(' ').filter((each) => each !== ''))]
  const odd = prompts.find((each) => !known.includes(each))
  check(odd === undefined, 'invalid_request', () => ({
    rule: 'OpenID Connect Core §3.1.2.1',
    expected: `prompt must be among ${known.join(', ')}`,
    came: odd ?? text,
    wanted: known,
  }))
  check(!prompts.includes('none') || prompts.length <= 1, 'invalid_request', () => ({
    rule: 'OpenID Connect Core §3.1.2.1',
    expected: 'prompt=none may not be combined with another value',
    came: text,
  }))
  return prompts
}

/** Whether the ID Token must have `auth_time`, beside requests with `max_age` (Core §2). */
export const needsAuthTime = (
  client: { require_auth_time?: boolean | undefined },
  claims: ClaimsRequest | undefined,
): boolean => client.require_auth_time === true || claims?.id_token?.auth_time?.essential === true

/** The input of the decision. Times are in milliseconds, `maxAge` in seconds. */
export interface Situation {
  prompts: readonly string[]
  maxAge: number | undefined
  now: number
  /** When this authorization request arrived. Only a sign-in after that satisfies prompt=login. */
  askedAt: number
  session: { authenticatedAt: number; signedInAt?: number } | undefined
  /** The client needs `auth_time`, and for this session it is not known. */
  timeMissing?: boolean
  /** The session is of another End-User than id_token_hint or claims.sub requests. */
  otherSubject: boolean
  /** The End-User chose this account after the request arrived. */
  accountChosen: boolean
  /** The request demands an authentication level that the session has not reached and the End-User can reach. */
  moreNeeded: boolean
  /** The End-User allowed this request on the consent page. */
  consentGiven: boolean
  /** The request has scopes or claims that the stored consent does not cover. */
  consentMissing: boolean
}

export type NextStep =
  'login' | 'create' | 'select_account' | 'step_up' | 'consent' | 'wrong_account' | 'proceed'

/** The next step of an authorization request. With prompt=none any step except `proceed` is an error (`errorOfStep`). */
export function nextStep(s: Situation): NextStep {
  if (!s.session) return s.prompts.includes('create') ? 'create' : 'login'
  const since = s.session.authenticatedAt >= s.askedAt
  // With another provider the End-User may sign in here later than that provider authenticated them.
  const signedInSince = (s.session.signedInAt ?? s.session.authenticatedAt) >= s.askedAt
  if (s.prompts.includes('create') && !signedInSince) return 'create'
  if (s.prompts.includes('login') && !since) return 'login'
  // `>=`: max_age=0 requires a new sign-in even in the same millisecond.
  if (s.maxAge !== undefined && !since && s.now - s.session.authenticatedAt >= s.maxAge * 1000) return 'login'
  if (s.timeMissing) return 'login'
  if (s.prompts.includes('select_account') && !s.accountChosen && !signedInSince) return 'select_account'
  if (s.otherSubject) return signedInSince ? 'wrong_account' : 'login'
  if (s.moreNeeded) return 'step_up'
  if (s.consentGiven) return 'proceed'
  return s.consentMissing || s.prompts.includes('consent') ? 'consent' : 'proceed'
}

const silent = (rule: Rule, needed: string): Grounds => ({
  rule,
  expected: 'a session and a consent that suffice for prompt=none',
  problem: `prompt=none, but the End-User must ${needed}`,
})

/** The error for each step that prompt=none does not allow. `create` is a prompt of its own, which none excludes. */
export const errorOfStep: Record<
  Exclude<NextStep, 'proceed' | 'create'>,
  [code: 'login_required' | 'account_selection_required' | 'consent_required', grounds: Grounds]
> = {
  login: ['login_required', silent('OpenID Connect Core §3.1.2.6', 'sign in')],
  step_up: ['login_required', silent('RFC 9470 §4', 'authenticate at a higher level (RFC 9470)')],
  select_account: ['account_selection_required', silent('OpenID Connect Core §3.1.2.6', 'choose an account')],
  consent: ['consent_required', silent('OpenID Connect Core §3.1.2.6', 'consent')],
  wrong_account: [
    'login_required',
    {
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: 'a session of the End-User that id_token_hint or the claims parameter names',
      problem:
        'the End-User who is signed in is not the one that id_token_hint or the claims parameter requests',
    },
  ],
}
