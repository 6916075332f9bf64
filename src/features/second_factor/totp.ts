/** Codes of an authenticator app: one seed a person, sealed at rest, each time step accepted once. https://www.rfc-editor.org/rfc/rfc6238 */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { base32 } from '../../lib/base32.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { defineRecord } from '../../models/define_record.ts'

const records = defineRecord(
  'totp',
  v.object({
    sub: v.string(),
    /** Sealed base32. */
    seed: v.string(),
    /** The newest time step that was accepted: none up to it is accepted again (§5.2). */
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
/** Seconds in which a seed that was shown must be confirmed. */
const enrolmentLifeSeconds = 900

const associated = (sub: string) => `totp ${sub}`

/** The time step whose code this is, at `now` in seconds; undefined when it is none. */
export async function stepOf(seed: string, code: string, now: number): Promise<number | undefined> {
  const token = code.replace(/\s/g, '')
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

const open = (context: Context, sub: string, sealed: string): string | undefined => {
  const seed = unseal(context.secrets.people, sealed, associated(sub))
  if (seed === undefined) context.log.error('totp_unreadable', { sub, hint: 'SECRET_KEY changed' })
  return seed
}

export const Totp = {
  find: records.find,

  /** True for the one caller that spends this code's time step. */
  async spend(context: Context, sub: string, code: string): Promise<boolean> {
    const record = await records.find(context, sub)
    const seed = record && open(context, sub, record.seed)
    const step = seed === undefined ? undefined : await stepOf(seed, code, seconds(context.clock))
    if (!record || step === undefined) return false
    const spent = await records.update(context, sub, (current) =>
      current.seed === record.seed && step > current.last_step ? { ...current, last_step: step } : undefined,
    )
    return spent !== undefined
  },

  /** A seed to show; the same one for as long as `owner` (a session or an interaction) has not confirmed it. */
  async begin(context: Context, owner: string, sub: string): Promise<string> {
    const id = sha256(owner)
    const waiting = await enrolments.find(context, id)
    const known = waiting?.sub === sub ? open(context, sub, waiting.seed) : undefined
    if (known !== undefined) return known
    const seed = base32(Buffer.from(context.random(seedBytes), 'base64url'))
    await enrolments.put(context, id, {
      sub,
      seed: seal(context.secrets.people, seed, associated(sub)),
      exp: seconds(context.clock) + enrolmentLifeSeconds,
    })
    return seed
  },

  /** What was shown becomes the person's authenticator once a code of it is typed; in place of one before if it `replaces`. */
  async confirm(
    context: Context,
    { owner, sub, replaces }: { owner: string; sub: string; replaces: boolean },
    code: string,
  ): Promise<boolean> {
    const id = sha256(owner)
    const waiting = await enrolments.find(context, id)
    const seed = waiting?.sub === sub ? open(context, sub, waiting.seed) : undefined
    const step = seed === undefined ? undefined : await stepOf(seed, code, seconds(context.clock))
    if (!waiting || step === undefined || !(await enrolments.take(context, id))) return false
    const created_at = seconds(context.clock)
    const record = { sub, seed: waiting.seed, last_step: step, created_at }
    if (!replaces) return records.create(context, sub, record)
    await records.put(context, sub, record)
    return true
  },

  remove: async (context: Context, sub: string): Promise<boolean> =>
    (await records.take(context, sub)) !== undefined,
}

/** What authenticator apps read from a QR code. https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export async function keyUri(issuer: string, label: string, seed: string): Promise<string> {
  const { generateURI } = await import('otplib/functional')
  return generateURI({ issuer, label, secret: seed })
}

/** Modules of white round the code, and how much of it may be unreadable (ISO/IEC 18004). */
const drawing = { border: 4, ecc: 'M' } as const

/** An SVG image of `text`: dark on light whatever the page looks like, for cameras read no other. */
export async function qrCode(text: string): Promise<string> {
  const { renderSVG } = await import('uqr')
  return renderSVG(text, drawing)
}
