/** What every kind of second factor has in common: which are ready, who must have one, and what a change of them brings. OWASP ASVS 5.0 V6.5, V7.5 */
import { meetsAcr } from '../auth/acr.ts'
import type { Context } from '../contracts/context.ts'
import type { SecondFactor } from '../contracts/feature.ts'
import type { Call } from '../contracts/call.ts'
import { type AccountEvent, tellOwner } from '../people/tell_owner.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import type { User } from '../models/user.ts'
import { type AtHand, freshlyAtHand, isFresh } from './person_at_hand.ts'
import type { StepNeeded } from './sign_in.ts'
import { askForMore } from './step_up.ts'
import type { Reply } from '../contracts/reply.ts'

/** The level of two factors. */
export const twoFactors = 'urn:latchkey:2fa'

/** Those that SECOND_FACTORS allows, strongest first. */
export const allowedFactors = ({ table, config }: Context): SecondFactor[] =>
  table.secondFactors.filter(({ name }) => (config.secondFactors as readonly string[]).includes(name))

/** Those this person has set up and may use; nothing while all they have is what stands in for a lost one. */
export async function readyFactors(user: User, context: Context): Promise<SecondFactor[]> {
  const allowed = allowedFactors(context)
  const has = await Promise.all(allowed.map((factor) => factor.isSetUp(context, user)))
  const ready = allowed.filter((_, at) => has[at])
  return ready.some(({ standIn }) => !standIn) ? ready : []
}

/** Whether this person must have a second factor, whatever an application asks for. */
export const mustHaveFactor = (user: User, context: Context): boolean =>
  context.table.needsSecondFactor.some((needs) => needs(context, user))

/** Whether `name` is the last of the factors of somebody who must have one: then it stays. */
export async function isLastNeeded(user: User, name: string, context: Context): Promise<boolean> {
  if (!mustHaveFactor(user, context)) return false
  const ready = await readyFactors(user, context)
  return !ready.some((factor) => factor.name !== name && !factor.standIn)
}

/** A second factor came after the first: a mailed code too, although `mfa` is not said of it. */
export const passedSecond = (amr: readonly string[]): boolean =>
  ['mfa', 'otp', 'sms'].some((each) => amr.includes(each))

/** The first factor is a session of long ago: whoever has its cookie alone must not add a factor of their own. */
export function isStale({ open }: StepNeeded, context: Context): boolean {
  const { since } = open.interaction.pending ?? {}
  return since !== undefined && !isFresh(since, context)
}

/**
 * Whether a half-authenticated person may set up a factor: only who has none, or has just proven one (a mailed code does
 * where there is nothing better). Otherwise whoever knows a password would bring a second factor of their own.
 */
export async function mayEnrol(progress: StepNeeded, context: Context): Promise<boolean> {
  const { user, amr } = progress
  if (isStale(progress, context)) return false
  if (amr.includes('mfa')) return true
  const ready = await readyFactors(user, context)
  if (ready.some(({ acr }) => meetsAcr(acr, twoFactors))) return false
  return ready.length === 0 || passedSecond(amr)
}

/** After any change of a person's factors: trusted devices are no longer trusted, and the owner is notified. */
export async function factorsChanged(
  call: Call,
  context: Context,
  user: User,
  event: AccountEvent,
): Promise<void> {
  await FactorGeneration.renew(context, context.random, user.sub)
  await tellOwner(call, context, user, event)
}

/** The factor that this person has and that a sign-in of level `acr` was without: whoever changes the ways in shows it. */
export async function factorOwed(
  user: User,
  acr: string,
  context: Context,
): Promise<SecondFactor | undefined> {
  if (meetsAcr(acr, twoFactors)) return undefined
  return (await readyFactors(user, context)).find((factor) => meetsAcr(factor.acr, twoFactors))
}

/**
 * Somebody who signed in just now, with a second factor where they have one that counts: for changes of factors, which a
 * password and a trusted device must not open. Otherwise the reply that asks for what is missing and leads back to `path`.
 */
export async function stronglyAtHand(
  call: Call,
  context: Context,
  path: string,
): Promise<AtHand | { reply: Reply }> {
  const person = await freshlyAtHand(call, context, path)
  if ('reply' in person) return person
  const first = await factorOwed(person.user, person.session.acr, context)
  if (!first) return person
  const more = { path: first.path, returnTo: path, acr: [twoFactors] }
  return { reply: await askForMore(call, context, person.session, more) }
}
