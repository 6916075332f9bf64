/** Forms that browsers have sent a moment ago, so that a repetition is led where the first one led. It decides nothing else. docs/decisions/0073-forms-sent-twice.md */
import * as v from 'valibot'
import { seconds } from '../lib/clock.ts'
import { defineRecord, type Memory } from './define_record.ts'

/** Without `to` it is still being answered. */
const records = defineRecord(
  'sent_form',
  v.object({ to: v.optional(v.string()), sids: v.array(v.string()), exp: v.number() }),
)
/** The form that a browser sent last: after another one, the state may have changed again. */
const last = defineRecord('last_form', v.object({ form: v.string(), exp: v.number() }))

/** Seconds for which a repetition is led on. */
const noteSeconds = 60
/** Seconds for which a form counts as under way when its process has ended. */
const underWaySeconds = 30

/**
 * Forms of one browser that are compared with the last one in `noteSeconds`. A person repeats a few; more would be guesses
 * of the password in it, which no other limit counts.
 */
const mostLooks = 10

/** Digests that depend on a secret: those of the browser, and of everything that it sent. */
export interface SentFormId {
  browser: string
  form: string
}

export const SentForm = {
  /** True for the first of equal forms. */
  async begin(memory: Memory, { browser, form }: SentFormId): Promise<boolean> {
    const now = seconds(memory.clock)
    const [isFirst] = await Promise.all([
      records.create(memory, form, { sids: [], exp: now + underWaySeconds }),
      last.put(memory, browser, { form, exp: now + noteSeconds + underWaySeconds }),
    ])
    return isFirst
  },

  /** `sids` are the sessions of the browser before and after, '' for none. */
  note: (memory: Memory, { form }: SentFormId, to: string, sids: string[]): Promise<void> =>
    records.put(memory, form, { to, sids, exp: seconds(memory.clock) + noteSeconds }),

  forget: (memory: Memory, { form }: SentFormId): Promise<unknown> => records.take(memory, form),

  /** Whether a form that was refused may be looked for: not beyond `mostLooks`. One increment decides among those that race. */
  async mayLook(memory: Memory, { browser }: SentFormId): Promise<boolean> {
    if (!(await last.find(memory, browser))) return false
    return (await memory.store.increment(`sent_form_looks:${browser}`, noteSeconds * 1000)).count <= mostLooks
  },

  /** The form, if it is the last one of its browser. */
  async find(memory: Memory, { browser, form }: SentFormId) {
    const [found, newest] = await Promise.all([records.find(memory, form), last.find(memory, browser)])
    return newest?.form === form ? found : undefined
  },
}
