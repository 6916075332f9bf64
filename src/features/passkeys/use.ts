/** One use of a passkey: finds its account, verifies the assertion, and checks counter and backup flags. https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion */
import { refusalFields } from '../../http/error_reply.ts'
import { note } from '../../models/audit/note.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { countAddress, takeBackAddress } from '../../people/rate_limit.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import { seconds } from '../../lib/clock.ts'
import { User } from '../../models/user.ts'
import type { ChallengeBinding } from './ceremony.ts'
import { PasskeyLoss } from './loss.ts'
import { keyOf, Passkey } from './records.ts'
import { PasskeyRefused, readAssertion, takeChallengeOf, verifyAssertion } from './verify.ts'

/** RFC 8176: proof of possession, user presence, and two factors, because user verification is always required. */
export const passkeyAmr = ['pop', 'user', 'mfa']

/**
 * The End-User whose passkey made this assertion; if `binding` has a `sub`, only that one. Undefined for every refusal, so
 * that the browser does not learn the reason. Throws `too_many_requests` after too many failures of an address.
 */
export async function usePasskey(
  call: Call,
  context: Context,
  binding: ChallengeBinding,
  json: string,
): Promise<User | undefined> {
  const { signInAttemptsPerAddress, signInWindow } = context.config
  await countAddress(context, 'passkey', call.address, signInAttemptsPerAddress, signInWindow)
  try {
    const user = await verifyUse(call, context, binding, json)
    await takeBackAddress(context, 'passkey', call.address)
    return user
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    context.metrics.count('sign_ins', 'result', 'failure')
    note(call, context, 'passkey_failed', { problem: error.message }, refusalFields(call))
    return undefined
  }
}

async function verifyUse(
  call: Call,
  context: Context,
  binding: ChallengeBinding,
  json: string,
): Promise<User> {
  const assertion = readAssertion(json)
  const challenge = await takeChallengeOf(context, binding, assertion)
  const found = await Passkey.find(context, keyOf(assertion.id))
  if (!found) throw new PasskeyRefused('the passkey is unknown')
  const { passkey, owner } = found
  const { userHandle } = assertion.response
  // §7.2 step 6: the user handle must match. It may be missing if the account is already known.
  if (userHandle !== owner.user_handle && (binding.sub === undefined || typeof userHandle === 'string'))
    throw new PasskeyRefused('userHandle does not match the account')
  if (binding.sub !== undefined && binding.sub !== passkey.sub)
    throw new PasskeyRefused('the passkey belongs to another account')
  const now = await verifyAssertion(context, assertion, challenge, passkey.public_key)
  const user = await User.find(context, passkey.sub)
  if (!user || user.disabled) throw new PasskeyRefused('the account is disabled or deleted')
  const problem = await recordUse(context, passkey, now)
  if (problem === undefined) {
    // An owner with a passkey in hand lost none: an attacker with the password has asked for the removal.
    if (await PasskeyLoss.end(context, user.sub))
      await tellOwner(call, context, user, { kind: 'passkey_loss_stopped' })
    return user
  }
  await tellOwner(call, context, user, {
    kind: 'passkey_refused',
    detail: passkey.name,
    more: { passkey: passkey.key, problem },
  })
  throw new PasskeyRefused(problem)
}

/**
 * Records the use by one compare-and-swap, or returns what is wrong. A counter that does not increase indicates a copy
 * (§6.1.1), unless the authenticator does not count, as with synced passkeys. Backup eligibility never changes (§7.2 step
 * 18).
 */
async function recordUse(
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
  return moved ? undefined : (problem ?? 'the passkey was removed by a concurrent request')
}
