/** Rules for all second factors: which are ready, who must have one, and what a change of them causes. OWASP ASVS 5.0 V6.5, V7.5 */
import { meetsAcr } from '../auth/acr.ts'
import type { Context } from '../contracts/context.ts'
import type { SecondFactor } from '../contracts/feature.ts'
import type { Call } from '../contracts/call.ts'
import { type AccountEvent, changeAndTell, tellOwner } from '../people/tell_owner.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import type { User } from '../models/user.ts'
import { type SignedInPerson, freshlySignedIn, isFresh, isFreshIn } from './signed_in_person.ts'
import type { StepNeeded } from './sign_in.ts'
import { askForMore } from './step_up.ts'
import type { Reply } from '../contracts/reply.ts'

/** The `acr` of two factors. */
export const twoFactors = 'urn:latchkey:2fa'

/** Factors that SECOND_FACTORS allows, strongest first. */
export const allowedFactors = ({ table, config }: Context): SecondFactor[] =>
  table.secondFactors.filter(({ name }) => (config.secondFactors as readonly string[]).includes(name))

/** Factors that the End-User has set up and may use. Empty if there are only stand-ins, such as recovery codes. */
export async function readyFactors(user: User, context: Context): Promise<SecondFactor[]> {
  const allowed = allowedFactors(context)
  const usable = context.table.secondFactors.filter((factor) => factor.signsIn || allowed.includes(factor))
  const has = await Promise.all(usable.map((factor) => factor.isSetUp(context, user)))
  const ready = usable.filter((_, at) => has[at])
  return ready.some(({ standIn }) => !standIn) ? ready : []
}

/** Those of the `ready` factors that are asked for at each sign-in: none if they only are passkeys, and none is required. */
export const askedFactors = (ready: readonly SecondFactor[], user: User, context: Context) =>
  mustHaveFactor(user, context) || ready.some(({ standIn, signsIn }) => !standIn && !signsIn) ? ready : []

/** Whether the End-User must have a second factor, whatever the client requests. */
export const mustHaveFactor = (user: User, context: Context): boolean =>
  context.table.needsSecondFactor.some((needs) => needs(context, user))

/** Whether `name` may not be removed: the End-User must have a second factor, and it is the last one. */
export async function isLastNeeded(user: User, name: string, context: Context): Promise<boolean> {
  if (!mustHaveFactor(user, context)) return false
  const ready = await readyFactors(user, context)
  return !ready.some((factor) => factor.name !== name && !factor.standIn)
}

/** Whether a second factor was passed. Also true after a mailed code, which does not add `mfa`. */
export const passedSecond = (amr: readonly string[]): boolean =>
  ['mfa', 'otp', 'sms'].some((each) => amr.includes(each))

/**
 * Whether the first factor is an old session or an old sign-in with another provider. An attacker with only that must not
 * add a factor. An End-User who must have one and has none signs in with the other provider to set the first one up.
 */
export function isStale({ open, user }: StepNeeded, context: Context): boolean {
  const { since, proven_at: provenAt } = open.interaction.pending ?? {}
  if (since !== undefined) return !isFresh(since, context)
  return provenAt !== undefined && !isFreshIn(user, provenAt, context) && !mustHaveFactor(user, context)
}

/**
 * Whether a factor may be set up in this sign-in: only if the End-User has none or has just proven one. A mailed code is
 * enough if no stronger factor is set up. Otherwise an attacker with the password could add a second factor.
 */
export async function mayEnrol(progress: StepNeeded, context: Context): Promise<boolean> {
  const { user, amr } = progress
  if (isStale(progress, context)) return false
  if (amr.includes('mfa')) return true
  const ready = await readyFactors(user, context)
  if (ready.some(({ acr }) => meetsAcr(acr, twoFactors))) return false
  return ready.length === 0 || passedSecond(amr)
}

/** After the removal of a factor: erases the stand-ins if they no longer replace any factor. No page would list them. */
export async function dropStandIns(user: User, context: Context): Promise<void> {
  if ((await readyFactors(user, context)).length > 0) return
  for (const factor of context.table.secondFactors) await factor.forget?.(context, user.sub)
}

/**
 * Removes a factor, or does another change of factors. Ends the trust in all trusted devices first, so that no stop leaves
 * it beside the change, and notifies the owner.
 */
export const changeFactors = (
  call: Call,
  context: Context,
  user: User,
  event: AccountEvent,
  change: () => Promise<boolean>,
): Promise<boolean> =>
  changeAndTell(call, context, user, event, async () => {
    await FactorGeneration.renew(context, context.random, user.sub)
    return change()
  })

/** After a factor was added: ends the trust in all trusted devices, and notifies the owner. */
export async function factorsChanged(
  call: Call,
  context: Context,
  user: User,
  event: AccountEvent,
): Promise<void> {
  await FactorGeneration.renew(context, context.random, user.sub)
  await tellOwner(call, context, user, event)
}

/**
 * The second factor that is set up but was not used in this sign-in. Changes of sign-in methods require it. A mailed code
 * does not reach the level of two factors, and is owed if nothing stronger is set up.
 */
export async function factorOwed(
  user: User,
  { acr, amr }: { acr: string; amr: readonly string[] },
  context: Context,
): Promise<SecondFactor | undefined> {
  if (meetsAcr(acr, twoFactors)) return undefined
  const ready = await readyFactors(user, context)
  const strong = ready.find((factor) => meetsAcr(factor.acr, twoFactors))
  return strong ?? (passedSecond(amr) ? undefined : ready[0])
}

/**
 * An End-User with a fresh sign-in, which used a second factor if one is set up: for changes of factors, for which a
 * password on a trusted device is not enough. Otherwise the reply that asks for what is missing and leads back to `path`.
 */
export async function stronglySignedIn(
  call: Call,
  context: Context,
  path: string,
): Promise<SignedInPerson | { reply: Reply }> {
  const person = await freshlySignedIn(call, context, path)
  if ('reply' in person) return person
  const first = await factorOwed(person.user, person.session, context)
  if (!first) return person
  const reached = meetsAcr(first.acr, twoFactors)
  const more = { path: first.path, returnTo: path, ...(reached && { acr: [twoFactors] }) }
  return { reply: await askForMore(call, context, person.session, more) }
}
