/** One use of a passkey: whose it is, that they are at it, and that it is the one we know. https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion */
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { countAddress, takeBackAddress } from '../../people/rate_limit.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import { seconds } from '../../lib/clock.ts'
import { User } from '../../models/user.ts'
import type { Place } from './ceremony.ts'
import { keyOf, Passkey } from './records.ts'
import { PasskeyRefused, readAssertion, spendChallengeOf, verifyAssertion } from './verify.ts'

/** RFC 8176: a key was proven, somebody was there, and the authenticator knew them: user verification is never waived. */
export const passkeyAmr = ['pop', 'user', 'mfa']

/**
 * The person whose passkey made this assertion at `place`; when the place names one, they and nobody else. Every refusal
 * says the same to the browser: undefined. Throws `too_many_requests` when an address tries in vain too often.
 */
export async function usePasskey(
  call: Call,
  context: Context,
  place: Place,
  json: string,
): Promise<User | undefined> {
  const { signInAttemptsPerAddress, signInWindow } = context.config
  await countAddress(context, 'passkey', call.address, signInAttemptsPerAddress, signInWindow)
  try {
    const user = await proven(call, context, place, json)
    await takeBackAddress(context, 'passkey', call.address)
    return user
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    context.metrics.count('sign_ins', 'result', 'failure')
    context.log.info('passkey_refused', { problem: error.message, address: call.address })
    return undefined
  }
}

async function proven(call: Call, context: Context, place: Place, json: string): Promise<User> {
  const assertion = readAssertion(json)
  const challenge = await spendChallengeOf(context, place, assertion)
  const found = await Passkey.find(context, keyOf(assertion.id))
  if (!found) throw new PasskeyRefused('unknown')
  const { passkey, owner } = found
  const { userHandle } = assertion.response
  // §7.2 step 6: a discoverable credential says whose it is; where the person is known already it may keep silent.
  if (userHandle !== owner.user_handle && (place.sub === undefined || typeof userHandle === 'string'))
    throw new PasskeyRefused('the user handle is another')
  if (place.sub !== undefined && place.sub !== passkey.sub)
    throw new PasskeyRefused('it belongs to somebody else')
  const now = await verifyAssertion(context, assertion, challenge, passkey.public_key)
  const user = await User.find(context, passkey.sub)
  if (!user || user.disabled) throw new PasskeyRefused('its owner may not sign in')
  const problem = await moveOn(context, passkey, now)
  if (problem === undefined) return user
  await tellOwner(call, context, user, { kind: 'passkey_refused', detail: passkey.name })
  context.log.warn('passkey_suspicious', { sub: user.sub, passkey: passkey.key, problem })
  throw new PasskeyRefused(problem)
}

/**
 * Note the use by one compare-and-swap; or what is wrong about it. A counter that stands still or goes back is a copy
 * (§6.1.1), unless the authenticator does not count, as those that sync. What may be synced was settled when it was
 * made (§7.2 step 18).
 */
async function moveOn(
  context: Context,
  { key }: Passkey,
  now: Pick<Passkey, 'counter' | 'backup_eligible' | 'backed_up'>,
): Promise<string | undefined> {
  let problem: string | undefined
  const moved = await Passkey.update(context, key, (current) => {
    const counts = now.counter > 0 || current.counter > 0
    if (counts && now.counter <= current.counter)
      problem = `the counter is ${now.counter} after ${current.counter}`
    else if (now.backup_eligible !== current.backup_eligible)
      problem = `backup eligible was ${current.backup_eligible} and is ${now.backup_eligible}`
    else problem = undefined
    return problem === undefined ? { ...current, ...now, used_at: seconds(context.clock) } : undefined
  })
  return moved ? undefined : (problem ?? 'it was removed meanwhile')
}
