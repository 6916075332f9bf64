/** Codes of an authenticator app: one encrypted seed per account, each time step accepted once. https://www.rfc-editor.org/rfc/rfc6238 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { randomLetters } from '../../lib/base32.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { typedCode } from '../../lib/typed_code.ts'
import { defineRecord } from '../../models/define_record.ts'
import { type Resealed, resealRecord } from '../../models/reseal.ts'

const records = defineRecord(
  'totp',
  v.object({
    sub: v.string(),
    /** Base32, encrypted. */
    seed: v.string(),
    /** The latest accepted time step. This and earlier ones are not accepted again (§5.2). */
    last_step: v.number(),
    /** Seconds. */
    created_at: v.number(),
  }),
)
const enrolments = defineRecord(
  'totp_enrolment',
  v.object({ sub: v.string(), seed: v.string(), exp: v.number() }),
)

/** §5.2: a step of 30 seconds, and one step of drift each way. */
const stepSeconds = 30
/** RFC 4226 §4 R6 recommends 160 bits. */
const seedBytes = 20
/** How long a seed that was shown can be confirmed. */
const enrolmentLifetimeSeconds = 900

const associated = (sub: string) => `totp ${sub}`

/** The time step of a code; undefined if the code is not valid. `now` in seconds. */
export async function stepOf(seed: string, code: string, now: number): Promise<number | undefined> {
  const token = typedCode(code)
  if (!/^\d{6}$/.test(token)) return undefined
  const { verifySync } = await import('otplib/functional')
  const result = verifySync({
    secret: seed,
    token,
    epoch: now,
    period: stepSeconds,
    epochTolerance: stepSeconds,
  })
  return result.valid && 'timeStep' in result ? result.timeStep : undefined
}

const unsealSeed = (context: Context, sub: string, sealed: string): string | undefined => {
  const seed = unseal(context.secrets.people, sealed, associated(sub))
  if (seed === undefined) context.log.error('totp_unreadable', { sub, hint: 'SECRET_KEY changed' })
  return seed
}

/** Whether the store may have forgotten that the code was used: `last_step` is then that of an older copy. Decision 71. */
async function mayBeForgotten({ birth }: Context, step: number): Promise<boolean> {
  const { undated } = await birth.since()
  // A code is accepted one step early, so the one after the step of the loss may have been used before it.
  return step <= Math.floor(undated / stepSeconds) + 1
}

/** The seed that was shown, and the time step of the code that proves it. */
async function proven(context: Context, owner: string, sub: string, code: string) {
  const pending = await enrolments.find(context, sha256(owner))
  const seed = pending?.sub === sub ? unsealSeed(context, sub, pending.seed) : undefined
  const step = seed === undefined ? undefined : await stepOf(seed, code, seconds(context.clock))
  return pending && step !== undefined ? { pending, step } : undefined
}

export const Totp = {
  find: records.find,

  /** True for exactly one caller per time step. */
  async spend(context: Context, sub: string, code: string): Promise<boolean> {
    const record = await records.find(context, sub)
    const seed = record && unsealSeed(context, sub, record.seed)
    const step = seed === undefined ? undefined : await stepOf(seed, code, seconds(context.clock))
    if (!record || step === undefined || (await mayBeForgotten(context, step))) return false
    const spent = await records.update(context, sub, (current) =>
      // A seed that was sealed anew since is the same seed.
      unsealSeed(context, sub, current.seed) === seed && step > current.last_step
        ? { ...current, last_step: step }
        : undefined,
    )
    return spent !== undefined
  },

  /** Returns the seed to show: the same one until `owner` (a session or an interaction) confirms it or it expires. */
  async begin(context: Context, owner: string, sub: string): Promise<string> {
    const id = sha256(owner)
    const pending = await enrolments.find(context, id)
    const known = pending?.sub === sub ? unsealSeed(context, sub, pending.seed) : undefined
    if (known !== undefined) return known
    const seed = randomLetters(context.random, seedBytes)
    await enrolments.put(context, id, {
      sub,
      seed: seal(context.secrets.people, seed, associated(sub)),
      exp: seconds(context.clock) + enrolmentLifetimeSeconds,
    })
    return seed
  },

  /** Whether `code` proves the seed that was shown. */
  isProven: async (
    context: Context,
    { owner, sub }: { owner: string; sub: string },
    code: string,
  ): Promise<boolean> => (await proven(context, owner, sub, code)) !== undefined,

  /**
   * Stores the seed that was shown if `code` proves it. With `replaces`, it may replace an earlier one. May be repeated
   * until `endEnrolment`, which takes the result; undefined if the seed was not stored.
   */
  async confirm(
    context: Context,
    { owner, sub, replaces }: { owner: string; sub: string; replaces: boolean },
    code: string,
  ): Promise<string | undefined> {
    const found = await proven(context, owner, sub, code)
    if (!found) return undefined
    const { pending, step } = found
    const created_at = seconds(context.clock)
    const record = { sub, seed: pending.seed, last_step: step, created_at }
    if (await records.create(context, sub, record)) return pending.seed
    const stored = await records.find(context, sub)
    if (stored?.seed === pending.seed) return pending.seed // by a request that stopped after it
    if (!replaces) return undefined
    await records.put(context, sub, record)
    return pending.seed
  },

  /** True for exactly one caller: the seed that was shown can no longer be confirmed. */
  endEnrolment: async (context: Context, owner: string, seed: string): Promise<boolean> =>
    (await enrolments.update(context, sha256(owner), (current) =>
      current.seed === seed ? { ...current, exp: seconds(context.clock) } : undefined,
    )) !== undefined,

  reseal: (context: Context, sub: string, write: boolean): Promise<Resealed | undefined> =>
    resealRecord(context.secrets.people, write, {
      find: () => records.find(context, sub),
      update: (change) => records.update(context, sub, change),
      sealedOf: ({ seed }) => seed,
      withSealed: (record, seed) => ({ ...record, seed }),
      label: associated(sub),
    }),

  remove: async (context: Context, sub: string): Promise<boolean> =>
    (await records.take(context, sub)) !== undefined,
}

/** The URI that authenticator apps read from a QR code. https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export async function keyUri(issuer: string, label: string, seed: string): Promise<string> {
  const { generateURI } = await import('otplib/functional')
  return generateURI({ issuer, label, secret: seed })
}

/** White border in modules, and error correction level (ISO/IEC 18004). */
const drawing = { border: 4, ecc: 'M' } as const

/** An SVG image of `text`: always dark on light, because many cameras do not read the inverse. */
export async function qrCode(text: string): Promise<string> {
  const { renderSVG } = await import('uqr')
  return renderSVG(text, drawing)
}
