/** Single-use secrets, such as those of links in mails: stored as a hash, bound to a purpose, spent by `take`. OWASP ASVS 5.0 V6.4 */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { seconds } from '../lib/clock.ts'

const schema = v.object({
  /** The data of the secret (a `sub`, an address, …), under names that the purpose chooses. */
  about: v.record(v.string(), v.unknown()),
  /** Seconds. */
  exp: v.number(),
})
const records = defineRecord('one_time', schema)

/** Secrets that were used: a form that is sent twice, or a link that is opened again, is told that it is done. */
const used = defineRecord('one_time_used', v.object({ sub: v.string(), exp: v.number() }))

/** The purpose is part of the key: a secret of one purpose is unknown to every other. */
const id = (purpose: string, secret: string) => sha256(`${purpose}\n${secret}`)

export type About = Readonly<Record<string, unknown>>

export const OneTime = {
  /** Returns the secret (32 characters, 192 bits); only its hash is stored. `lifetime` in seconds. */
  async issue(
    memory: Memory,
    random: Random,
    purpose: string,
    about: About,
    lifetime: number,
  ): Promise<string> {
    const secret = random(24)
    const exp = seconds(memory.clock) + lifetime
    await records.put(memory, id(purpose, secret), { about: { ...about }, exp })
    return secret
  },

  /** The data of the secret, which stays valid: for the page that a link opens, because mail scanners open links too. */
  peek: async (memory: Memory, purpose: string, secret: string): Promise<About | undefined> =>
    (await records.find(memory, id(purpose, secret)))?.about,

  /** Remembers for `lifetime` seconds that what the secret was for is done, and for which account. It decides nothing. */
  noteDone: (
    memory: Memory,
    purpose: string,
    secret: string,
    { sub, lifetime }: { sub: string; lifetime: number },
  ): Promise<void> => used.put(memory, id(purpose, secret), { sub, exp: seconds(memory.clock) + lifetime }),

  doneFor: async (memory: Memory, purpose: string, secret: string): Promise<string | undefined> =>
    (await used.find(memory, id(purpose, secret)))?.sub,

  /** Spends the secret and returns its data; undefined for all but one caller. */
  take: async (memory: Memory, purpose: string, secret: string): Promise<About | undefined> =>
    (await records.take(memory, id(purpose, secret)))?.about,
}
