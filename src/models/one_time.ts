/**
 * Single-use secrets, such as those of links in mails: stored as a hash, bound to a purpose, spent by `take`. One that was
 * issued before the store lost records may have been spent, so it is unknown. OWASP ASVS 5.0 V6.4, docs/decisions/0071-birth-marks.md
 */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import type { Birth } from './birth.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { isLost, issuedAt } from './once.ts'
import { seconds } from '../lib/clock.ts'

const schema = v.object({
  /** The data of the secret (a `sub`, an address, …), under names that the purpose chooses. */
  about: v.record(v.string(), v.unknown()),
  /** Seconds. Older versions did not write `iat`. */
  iat: v.optional(v.number()),
  exp: v.number(),
})
const records = defineRecord('one_time', schema)

/** Secrets that were used: a form that is sent twice, or a link that is opened again, is told that it is done. */
const used = defineRecord('one_time_used', v.object({ sub: v.string(), exp: v.number() }))

/** The purpose is part of the key: a secret of one purpose is unknown to every other. */
const id = (purpose: string, secret: string) => sha256(`${purpose}\n${secret}`)

export type About = Readonly<Record<string, unknown>>

type Secrets = Memory & { birth: Birth }

async function aboutOf(
  { birth }: Secrets,
  reading: Promise<v.InferOutput<typeof schema> | undefined>,
): Promise<About | undefined> {
  const [found, since] = await Promise.all([reading, birth.since()])
  return found && !isLost(issuedAt(found.iat, 0), since) ? found.about : undefined
}

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
    const iat = seconds(memory.clock)
    await records.put(memory, id(purpose, secret), { about: { ...about }, iat, exp: iat + lifetime })
    return secret
  },

  /** The data of the secret, which stays valid: for the page that a link opens, because mail scanners open links too. */
  peek: (memory: Secrets, purpose: string, secret: string): Promise<About | undefined> =>
    aboutOf(memory, records.find(memory, id(purpose, secret))),

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
  take: (memory: Secrets, purpose: string, secret: string): Promise<About | undefined> =>
    aboutOf(memory, records.take(memory, id(purpose, secret))),
}
