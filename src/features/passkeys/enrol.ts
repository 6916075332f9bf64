/** Registration of a passkey: verifies it, stores it, and notifies the account's owner. https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential */
import { refusalFields } from '../../http/error_reply.ts'
import { note } from '../../models/audit/note.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { userAgentOf } from '../../people/device_words.ts'
import { changeAndTell, type MoreFacts, tellOwner } from '../../people/tell_owner.ts'
import { countTry } from '../../people/rate_limit.ts'
import { seconds } from '../../lib/clock.ts'
import type { MessageKey } from '../../lib/say.ts'
import { readUserAgent } from '../../lib/user_agent.ts'
import { FactorGeneration } from '../../models/factor_generation.ts'
import type { User } from '../../models/user.ts'
import type { ChallengeBinding } from './ceremony.ts'
import { keyOf, type NotAddedReason, Passkey } from './records.ts'
import { PasskeyRefused, verifyRegistration } from './verify.ts'

const problems: Record<NotAddedReason | 'refused', MessageKey> = {
  known: 'passkeys.add_known',
  full: 'passkeys.add_full',
  refused: 'passkeys.add_refused',
}

/** Registrations of one account, as tries in a window of seconds. */
const enrolments = { limit: 60, window: 3600 }

/** The message for the End-User if the passkey was not added; undefined if it was. The challenge is used up in any case. */
export async function enrolPasskey(
  call: Call,
  context: Context,
  binding: ChallengeBinding & { sub: string },
  user: User,
  json: string,
): Promise<MessageKey | undefined> {
  await countTry(context, 'passkey_enrolment', user.sub, enrolments.limit, enrolments.window, {
    sub: user.sub,
  })
  let outcome: Outcome = 'refused'
  const event = { kind: 'passkey_added', detail: initialName(userAgentOf(call)) } as const
  await changeAndTell(
    call,
    context,
    user,
    event,
    async () => {
      outcome = await register(call, context, binding, json)
      return typeof outcome !== 'string'
    },
    (told) => tellOwner(call, context, user, { ...told, more: added(outcome) }),
  )
  return problemOf(outcome)
}

type Outcome = Passkey | NotAddedReason | 'refused'

const problemOf = (outcome: Outcome): MessageKey | undefined =>
  typeof outcome === 'string' ? problems[outcome] : undefined

/** What the log and the audit trail tell of a new passkey. */
const added = (outcome: Outcome): MoreFacts =>
  typeof outcome === 'string'
    ? {}
    : { passkey: outcome.key, ...(outcome.aaguid !== undefined && { aaguid: outcome.aaguid }) }

async function register(
  call: Call,
  context: Context,
  binding: ChallengeBinding & { sub: string },
  json: string,
): Promise<Passkey | NotAddedReason | 'refused'> {
  let verified
  try {
    verified = await verifyRegistration(context, binding, json)
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    note(call, context, 'passkey_failed', { sub: binding.sub, problem: error.message }, refusalFields(call))
    return 'refused'
  }
  const passkey: Passkey = {
    ...verified,
    key: keyOf(verified.credential_id),
    sub: binding.sub,
    name: initialName(userAgentOf(call)),
    created_at: seconds(context.clock),
  }
  await FactorGeneration.renew(context, context.random, binding.sub) // first: no trust in a device outlives the change
  return (await Passkey.add(context, passkey)) ?? passkey
}

/** Browser and system, whose names are the same in every language. The End-User may rename the passkey. */
function initialName(userAgent: string): string {
  const { browser, system } = readUserAgent(userAgent)
  return [browser, system].filter((each) => each !== undefined).join(' · ') || 'Passkey'
}
