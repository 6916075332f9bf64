/** Recovery codes: a set of ten on paper, each good once. https://pages.nist.gov/800-63-4/sp800-63b.html#lookupsecrets */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { base32 } from '../../lib/base32.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { defineRecord } from '../../models/define_record.ts'

const records = defineRecord(
  'recovery_codes',
  v.object({
    sub: v.string(),
    /** Of those not used yet. */
    hashes: v.array(v.string()),
    /** Seconds. */
    created_at: v.number(),
  }),
)

export const setSize = 10
/** 120 bits: from 112 on a fast hash is enough (OWASP ASVS 5.0 V6.5.2), for no guessing offline finds one. */
const codeBytes = 15

const hashOf = (sub: string, letters: string): string => sha256(`recovery code\n${sub}\n${letters}`)

const shown = (letters: string): string => letters.match(/.{4}/g)!.join('-').toLowerCase()

/** As people type it: any case, any dashes, digits that look like letters (base32 has no 0, 1 and 8). */
const read = (text: string): string =>
  text
    .toUpperCase()
    .replaceAll('0', 'O')
    .replaceAll('1', 'I')
    .replaceAll('8', 'B')
    .replace(/[^A-Z2-7]/g, '')

export const RecoveryCodes = {
  find: records.find,

  /** A new set in place of the one before; kept nowhere in clear. */
  async make(context: Context, sub: string): Promise<string[]> {
    const letters = Array.from({ length: setSize }, () =>
      base32(Buffer.from(context.random(codeBytes), 'base64url')),
    )
    const hashes = letters.map((each) => hashOf(sub, each))
    await records.put(context, sub, { sub, hashes, created_at: seconds(context.clock) })
    return letters.map(shown)
  },

  /** How many are left, for the one caller that spends this code; undefined for everybody else. */
  async spend(context: Context, sub: string, text: string): Promise<number | undefined> {
    const hash = hashOf(sub, read(text.slice(0, 100)))
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
