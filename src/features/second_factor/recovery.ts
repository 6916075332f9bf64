/** Recovery codes: a set of ten, each valid once. https://pages.nist.gov/800-63-4/sp800-63b.html#lookupsecrets */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { inGroups, randomLetters } from '../../lib/base32.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { typedBase32 } from '../../lib/typed_code.ts'
import { defineRecord } from '../../models/define_record.ts'

const records = defineRecord(
  'recovery_codes',
  v.object({
    sub: v.string(),
    /** Of the unused codes. */
    hashes: v.array(v.string()),
    /** Seconds. */
    created_at: v.number(),
  }),
)

export const setSize = 10
/** 120 bits: with at least 112, a fast hash is enough against offline guessing (OWASP ASVS 5.0 V6.5.2). */
const codeBytes = 15

const hashOf = (sub: string, letters: string): string => sha256(`recovery code\n${sub}\n${letters}`)

export const RecoveryCodes = {
  find: records.find,

  /** Returns a new set, which replaces the old one. Only hashes are stored. */
  async make(context: Context, sub: string): Promise<string[]> {
    const letters = Array.from({ length: setSize }, () => randomLetters(context.random, codeBytes))
    const hashes = letters.map((each) => hashOf(sub, each))
    await records.put(context, sub, { sub, hashes, created_at: seconds(context.clock) })
    return letters.map(inGroups)
  },

  /** Uses the code up: exactly one caller gets the number of codes left, all others undefined. */
  async spend(context: Context, sub: string, text: string): Promise<number | undefined> {
    const hash = hashOf(sub, typedBase32(text))
    const after = await records.update(context, sub, (current) =>
      current.hashes.includes(hash)
        ? { ...current, hashes: current.hashes.filter((each) => each !== hash) }
        : undefined,
    )
    return after?.hashes.length
  },

  remove: async (context: Context, sub: string): Promise<boolean> =>
    (await records.take(context, sub)) !== undefined,
}
