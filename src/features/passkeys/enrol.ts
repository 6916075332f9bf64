/** One more passkey for a person: checked, kept, and told to its owner. https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential */
import type { Context } from '../../contracts/context.ts'
import { factorsChanged } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import { userAgentOf } from '../../people/device_words.ts'
import { countTry } from '../../people/rate_limit.ts'
import { seconds } from '../../lib/clock.ts'
import type { MessageKey } from '../../lib/say.ts'
import { readUserAgent } from '../../lib/user_agent.ts'
import type { User } from '../../models/user.ts'
import type { Place } from './ceremony.ts'
import { keyOf, type NotAdded, Passkey } from './records.ts'
import { PasskeyRefused, verifyRegistration } from './verify.ts'

const problems: Record<NotAdded | 'refused', MessageKey> = {
  known: 'passkeys.add_known',
  full: 'passkeys.add_full',
  refused: 'passkeys.add_refused',
}

/** Ceremonies a person may begin or end within an hour. */
const enrolments = { limit: 60, window: 3600 }

/** What the person is told when it was not kept; undefined when it was. The challenge is spent in any case. */
export async function enrolPasskey(
  call: Call,
  context: Context,
  place: Place & { sub: string },
  user: User,
  json: string,
): Promise<MessageKey | undefined> {
  await countTry(context, 'passkey_enrolment', user.sub, enrolments.limit, enrolments.window)
  const outcome = await taken(call, context, place, json)
  if (typeof outcome === 'string') return problems[outcome]
  context.log.info('passkey_added', { sub: user.sub, passkey: outcome.key, aaguid: outcome.aaguid })
  await factorsChanged(call, context, user, { kind: 'passkey_added', detail: outcome.name })
  return undefined
}

async function taken(
  call: Call,
  context: Context,
  place: Place & { sub: string },
  json: string,
): Promise<Passkey | NotAdded | 'refused'> {
  let verified
  try {
    verified = await verifyRegistration(context, place, json)
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    context.log.info('passkey_registration_refused', { problem: error.message, address: call.address })
    return 'refused'
  }
  const passkey: Passkey = {
    ...verified,
    key: keyOf(verified.credential_id),
    sub: place.sub,
    name: firstName(userAgentOf(call)),
    created_at: seconds(context.clock),
  }
  return (await Passkey.add(context, passkey)) ?? passkey
}

/** Where it was made, as names of products are in every language; its owner may change it. */
function firstName(userAgent: string): string {
  const { browser, system } = readUserAgent(userAgent)
  return [browser, system].filter((each) => each !== undefined).join(' · ') || 'Passkey'
}
