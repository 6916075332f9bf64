/** What a person must still do, as a truth table. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { describe, expect, test } from 'bun:test'
import { errorOfStep, nextStep, parsePrompt, type Situation } from '../../../src/auth/prompt.ts'

const now = 10_000_000
/** Signed in a minute before the request, everything agreed. */
const settled: Situation = {
  prompts: [],
  maxAge: undefined,
  now,
  askedAt: now - 30_000,
  session: { authenticatedAt: now - 90_000 },
  otherSubject: false,
  accountChosen: false,
  moreNeeded: false,
  consentGiven: false,
  consentMissing: false,
}
const since = { authenticatedAt: now - 10_000 }
const unasked = Infinity

const rows: [what: string, but: Partial<Situation>, step: ReturnType<typeof nextStep>][] = [
  ['everything settled', {}, 'proceed'],
  ['nobody signed in', { session: undefined }, 'login'],
  ['nobody signed in, whatever else is asked', { session: undefined, prompts: ['consent'] }, 'login'],

  ['prompt=login, signed in before', { prompts: ['login'] }, 'login'],
  ['prompt=login, first look', { prompts: ['login'], askedAt: unasked }, 'login'],
  ['prompt=login, signed in since', { prompts: ['login'], session: since }, 'proceed'],

  ['a level not reached', { moreNeeded: true }, 'step_up'],
  ['a level not reached, and signing in again anyway', { moreNeeded: true, prompts: ['login'] }, 'login'],
  ['a level not reached, before consent', { moreNeeded: true, consentMissing: true }, 'step_up'],

  ['max_age not reached', { maxAge: 91 }, 'proceed'],
  ['max_age passed', { maxAge: 89 }, 'login'],
  ['max_age passed, signed in since', { maxAge: 5, session: since }, 'proceed'],
  ['max_age=0', { maxAge: 0 }, 'login'],
  [
    'max_age=0 in the very millisecond',
    { maxAge: 0, session: { authenticatedAt: now }, askedAt: unasked },
    'login',
  ],
  ['max_age=0, signed in since', { maxAge: 0, session: since }, 'proceed'],

  ['prompt=select_account', { prompts: ['select_account'] }, 'select_account'],
  ['prompt=select_account, chosen', { prompts: ['select_account'], accountChosen: true }, 'proceed'],
  ['prompt=select_account, signed in since', { prompts: ['select_account'], session: since }, 'proceed'],

  ['another person than hinted', { otherSubject: true }, 'login'],
  ['another person than hinted, signed in since', { otherSubject: true, session: since }, 'wrong_account'],
  [
    'another person than hinted, even with consent',
    { otherSubject: true, session: since, consentGiven: true },
    'wrong_account',
  ],

  ['consent missing', { consentMissing: true }, 'consent'],
  ['consent missing, given now', { consentMissing: true, consentGiven: true }, 'proceed'],
  ['prompt=consent', { prompts: ['consent'] }, 'consent'],
  ['prompt=consent, given now', { prompts: ['consent'], consentGiven: true }, 'proceed'],

  ['login before consent', { prompts: ['consent', 'login'] }, 'login'],
  ['login before select_account', { prompts: ['select_account', 'login'] }, 'login'],
  ['select_account before consent', { prompts: ['consent', 'select_account'] }, 'select_account'],
  [
    'all three, signed in since',
    { prompts: ['login', 'select_account', 'consent'], session: since },
    'consent',
  ],
  [
    'all three, done',
    { prompts: ['login', 'select_account', 'consent'], session: since, consentGiven: true },
    'proceed',
  ],
  ['prompt=none changes nothing when all is settled', { prompts: ['none'] }, 'proceed'],
  ['prompt=none still says what is missing', { prompts: ['none'], consentMissing: true }, 'consent'],
]

describe('next step', () => {
  test.each(rows)('%s', (_what, but, step) => expect(nextStep({ ...settled, ...but })).toBe(step))

  test('no answer with tokens unless somebody is signed in and consent is there: every combination', () => {
    const no = [false, true]
    let combinations = 0
    for (const signedIn of no)
      for (const otherSubject of no)
        for (const accountChosen of no)
          for (const consentGiven of no)
            for (const consentMissing of no)
              for (let bits = 0; bits < 8; bits++)
                for (const maxAge of [undefined, 0, 3600])
                  for (const session of [settled.session, since]) {
                    combinations++
                    const prompts = ['login', 'consent', 'select_account'].filter((_, i) => bits & (1 << i))
                    const step = nextStep({
                      ...settled,
                      prompts,
                      maxAge,
                      otherSubject,
                      accountChosen,
                      consentGiven,
                      consentMissing,
                      session: signedIn ? session : undefined,
                    })
                    if (step !== 'proceed') continue
                    expect(signedIn && !otherSubject && (!consentMissing || consentGiven)).toBe(true)
                    if (prompts.includes('consent')) expect(consentGiven).toBe(true)
                    if (prompts.includes('login') || maxAge === 0) expect(session).toBe(since)
                    if (prompts.includes('select_account'))
                      expect(accountChosen || session === since).toBe(true)
                  }
    expect(combinations).toBe(32 * 8 * 3 * 2)
  })
})

test('each step that needs a person has its error for prompt=none', () => {
  expect(Object.fromEntries(Object.entries(errorOfStep).map(([step, [code]]) => [step, code]))).toEqual({
    login: 'login_required',
    step_up: 'login_required',
    select_account: 'account_selection_required',
    consent: 'consent_required',
    wrong_account: 'login_required',
  })
})

test('prompt values: known ones, each once, none alone', () => {
  expect(parsePrompt(undefined)).toEqual([])
  expect(parsePrompt('login  consent login')).toEqual(['login', 'consent'])
  expect(() => parsePrompt('create')).toThrow("got 'create'")
  expect(() => parsePrompt('None')).toThrow('invalid_request')
  for (const other of ['login', 'consent', 'select_account'])
    expect(() => parsePrompt(`none ${other}`)).toThrow('may not be combined')
  expect(parsePrompt('create', ['create'])).toEqual(['create'])
})
