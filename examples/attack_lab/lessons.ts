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
]

export const lessonOf = (number: number): Lesson | undefined =>
  lessons.find((lesson) => lesson.number === number)
