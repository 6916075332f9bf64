/** Whether a person must sign in, choose an account or consent. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { OAuthError } from './errors.ts'
import type { Grounds } from './refusal.ts'
import type { Rule } from './rule.ts'

export const promptValues = ['none', 'login', 'consent', 'select_account'] as const

/** The values asked for; throws `invalid_request` on an unknown one and on `none` with company (§3.1.2.1). */
export function parsePrompt(text: string | undefined, known: readonly string[] = promptValues): string[] {
  const prompts = [...new Set((text ?? '').split(' ').filter((each) => each !== ''))]
  const odd = prompts.find((each) => !known.includes(each))
  if (odd !== undefined)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: `prompt must be among ${known.join(', ')}`,
      came: odd,
    })
  if (prompts.includes('none') && prompts.length > 1)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: 'prompt=none may not be combined with another value',
      came: text,
    })
  return prompts
}

/** What the decision looks at; times in milliseconds, `maxAge` in seconds. */
export interface Situation {
  prompts: readonly string[]
  maxAge: number | undefined
  now: number
  /** When this authorization request arrived: only what happened since answers prompt=login and the like. */
  askedAt: number
  session: { authenticatedAt: number } | undefined
  /** The session is of another person than id_token_hint or claims.sub asks for. */
  otherSubject: boolean
  /** The person chose this account since the request arrived. */
  accountChosen: boolean
  /** A level of sign-in is asked for that the session has not reached and the person can reach. */
  moreNeeded: boolean
  /** The person allowed this request on the consent page. */
  consentGiven: boolean
  /** Scopes or claims are asked for that the remembered consent does not cover. */
  consentMissing: boolean
}

export type NextStep = 'login' | 'select_account' | 'step_up' | 'consent' | 'wrong_account' | 'proceed'

/** What comes next on the way to the answer; with prompt=none anything but `proceed` is an error for the caller to send. */
export function nextStep(s: Situation): NextStep {
  if (!s.session) return 'login'
  const since = s.session.authenticatedAt >= s.askedAt
  if (s.prompts.includes('login') && !since) return 'login'
  // At the limit too, so that max_age=0 always asks, even in the millisecond of the sign-in.
  if (s.maxAge !== undefined && !since && s.now - s.session.authenticatedAt >= s.maxAge * 1000) return 'login'
  if (s.prompts.includes('select_account') && !s.accountChosen && !since) return 'select_account'
  if (s.otherSubject) return since ? 'wrong_account' : 'login'
  if (s.moreNeeded) return 'step_up'
  if (s.consentGiven) return 'proceed'
  return s.consentMissing || s.prompts.includes('consent') ? 'consent' : 'proceed'
}

const silent = (rule: Rule, needed: string): Grounds => ({
  rule,
  expected: 'a session and a consent that answer prompt=none without a page',
  problem: `prompt=none, but the person must ${needed}`,
})

/** The error that prompt=none answers with when a step would need the End-User. */
export const errorOfStep: Record<
  Exclude<NextStep, 'proceed'>,
  [code: 'login_required' | 'account_selection_required' | 'consent_required', grounds: Grounds]
> = {
  login: ['login_required', silent('OpenID Connect Core §3.1.2.6', 'sign in')],
  step_up: ['login_required', silent('RFC 9470 §4', 'prove more than they have (RFC 9470)')],
  select_account: ['account_selection_required', silent('OpenID Connect Core §3.1.2.6', 'choose an account')],
  consent: ['consent_required', silent('OpenID Connect Core §3.1.2.6', 'consent')],
  wrong_account: [
    'login_required',
    {
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: 'a session of the End-User that id_token_hint or the claims parameter names',
      problem: 'another person signed in than id_token_hint or the claims parameter asks for',
    },
  ],
}
