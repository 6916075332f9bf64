/** The lessons: one row for each. Its text is `lessons/<file>.md`; its check reads what the programs noticed. */
import type { Fact, Outcome } from './facts.ts'
import type { Weakness } from './weaknesses.ts'

export interface Lesson {
  number: number
  /** Name of the text in `lessons/`. */
  file: string
  title: string
  /** The switch of the weak program. */
  weakness: Weakness
  /** What a fact says about the attack; nothing for most facts. */
  judge(fact: Fact): Outcome | undefined
}

/** The first of the two that holds. */
const outcome = (succeeded: boolean, defended: boolean): Outcome | undefined =>
  succeeded ? 'attack succeeded' : defended ? 'defended' : undefined

export const lessons: readonly Lesson[] = [
  {
    number: 1,
    file: '01_sign_in_forgery',
    title: 'Cross-site request forgery without state',
    weakness: 'no_state',
    judge: (fact) =>
      outcome(
        fact.what === 'client signed in' && !fact.ownSignIn,
        fact.what === 'client refused' && fact.because === 'state',
      ),
  },
  {
    number: 2,
    file: '02_code_injection',
    title: 'Code injection without PKCE',
    weakness: 'no_pkce',
    judge: (fact) =>
      outcome(
        fact.what === 'client signed in' && fact.ownSignIn && !fact.ownNonce,
        fact.what === 'provider refused' && fact.problem.includes('code_verifier'),
      ),
  },
  {
    number: 3,
    file: '03_mix_up',
    title: 'Mix-up without iss',
    weakness: 'no_iss',
    judge: (fact) =>
      outcome(
        fact.what === 'attacker got a token' && fact.by === 'mix-up',
        fact.what === 'client refused' && fact.because === 'iss',
      ),
  },
  {
    number: 4,
    file: '04_prefix_redirect',
    title: 'A redirect URI that matches by prefix',
    weakness: 'prefix_redirects',
    judge: (fact) =>
      outcome(
        fact.what === 'attacker got a code' && fact.at === 'redirect',
        fact.what === 'provider refused' && fact.problem.includes('is not registered for this client'),
      ),
  },
  {
    number: 5,
    file: '05_token_in_fragment',
    title: 'Tokens in the fragment and a leaking Referer',
    weakness: 'token_in_fragment',
    judge: (fact) =>
      outcome(
        fact.what === 'attacker counted a visitor' && fact.withToken,
        fact.what === 'attacker counted a visitor' && !fact.withToken,
      ),
  },
  {
    number: 6,
    file: '06_audience',
    title: 'An API that does not check aud',
    weakness: 'any_audience',
    judge: (fact) =>
      outcome(
        fact.what === 'api accepted a token' && fact.typ === 'at+jwt' && !fact.ownAudience,
        fact.what === 'api refused a token' && fact.because === 'aud',
      ),
  },
  {
    number: 7,
    file: '07_alg_confusion',
    title: 'alg confusion in a client',
    weakness: 'any_alg',
    judge: (fact) =>
      outcome(
        fact.what === 'client accepted an ID Token' && fact.alg.startsWith('HS'),
        fact.what === 'client refused' && fact.because === 'alg',
      ),
  },
  {
    number: 8,
    file: '08_stolen_token',
    title: 'A stolen bearer token against DPoP',
    weakness: 'bearer_tokens',
    judge: (fact) =>
      outcome(
        fact.what === 'api accepted a token' && !fact.sameAgent,
        fact.what === 'api refused a token' && fact.because === 'dpop',
      ),
  },
  {
    number: 9,
    file: '09_stolen_refresh_token',
    title: 'A stolen refresh token and reuse detection',
    weakness: 'everlasting_refresh_tokens',
    judge: (fact) =>
      outcome(
        fact.what === 'toy refreshed' && fact.timesBefore >= 2,
        fact.what === 'provider saw a replay' && fact.event === 'refresh_token_reused',
      ),
  },
  {
    number: 10,
    file: '10_id_token_at_api',
    title: 'An ID Token used as an access token',
    weakness: 'id_token_as_access_token',
    judge: (fact) =>
      outcome(
        fact.what === 'api accepted a token' && fact.typ !== 'at+jwt',
        fact.what === 'api refused a token' && fact.because === 'typ',
      ),
  },
  {
    number: 11,
    file: '11_consent_phishing',
    title: 'Consent phishing',
    weakness: 'silent_consent',
    judge: (fact) =>
      outcome(
        fact.what === 'attacker got a code' && fact.at === 'consent',
        fact.what === 'attacker got nothing' && fact.at === 'consent',
      ),
  },
  {
    number: 12,
    file: '12_device_code_phishing',
    title: 'Device-code phishing',
    weakness: 'approving_links',
    judge: (fact) =>
      outcome(
        fact.what === 'toy connected a device',
        fact.what === 'provider refused' &&
          fact.rule.startsWith('RFC 8628') &&
          fact.problem.includes('denied'),
      ),
  },
  {
    number: 13,
    file: '13_unverified_address',
    title: 'Account takeover by an unverified address',
    weakness: 'link_by_email',
    judge: (fact) =>
      outcome(
        fact.what === 'client opened an account' && fact.owner !== fact.by,
        fact.what === 'client opened an account' && fact.owner === fact.by && fact.sameEmail,
      ),
  },
  {
    number: 14,
    file: '14_clickjacking',
    title: 'Clickjacking',
    weakness: 'framed_consent',
    judge: (fact) =>
      outcome(
        fact.what === 'attacker got a code' && fact.at === 'prize',
        fact.what === 'attacker got nothing' && fact.at === 'prize',
      ),
  },
  {
    number: 15,
    file: '15_registration_ssrf',
    title: 'SSRF through a registration',
    weakness: 'curious_registration',
    judge: (fact) =>
      outcome(
        fact.what === 'inside answered' && fact.agent === 'toy provider',
        fact.what === 'provider refused' && fact.path === '/register' && /https|host/.test(fact.problem),
      ),
  },
]

export const lessonOf = (number: number): Lesson | undefined =>
  lessons.find((lesson) => lesson.number === number)
