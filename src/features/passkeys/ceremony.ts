/** Options of WebAuthn ceremonies, and their challenges: valid once, for one purpose, in one interaction or session. https://www.w3.org/TR/webauthn-3/#dictionary-makecredentialoptions */
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { sha256 } from '../../lib/hash.ts'
import { OneTime } from '../../models/one_time.ts'
import type { User } from '../../models/user.ts'
import { Passkey } from './records.ts'
import { rpIdOf } from './settings.ts'

/** A challenge of one purpose is not valid for another. */
export type Purpose = 'registration' | 'sign_in' | 'second_factor'

/**
 * What a challenge is bound to: the interaction or the session, each of which a cookie binds to one browser, and the
 * End-User if known.
 */
export interface ChallengeBinding {
  purpose: Purpose
  at: { interaction: string } | { session: string }
  sub?: string
}

const challengeLifetimeSeconds = 300

const boundTo = ({ at, sub }: ChallengeBinding): string => sha256(JSON.stringify([at, sub ?? null]))
const oneTimePurpose = ({ purpose }: ChallengeBinding) => `passkey ${purpose}`

const issueChallenge = (context: Context, binding: ChallengeBinding): Promise<string> =>
  OneTime.issue(
    context,
    context.random,
    oneTimePurpose(binding),
    { bound: boundTo(binding) },
    challengeLifetimeSeconds,
  )

/** True for exactly one caller with the right binding. A call with another binding uses the challenge up, too. */
export async function takeChallenge(
  context: Context,
  binding: ChallengeBinding,
  challenge: string,
): Promise<boolean> {
  const about = await OneTime.take(context, oneTimePurpose(binding), challenge)
  return typeof about?.bound === 'string' && equalInConstantTime(about.bound, boundTo(binding))
}

/** The RP ID, and the only origin whose pages may answer a challenge: other pages of the same domain may not. */
export const relyingParty = ({ config }: Context): { id: string; origin: string } => ({
  id: rpIdOf(config),
  origin: new URL(config.issuer).origin,
})

/** COSE: EdDSA, ES256, RS256. Some versions of Windows Hello only support RS256. */
export const algorithms = [-8, -7, -257]

const described = ({ credential_id, transports }: Passkey) => ({
  type: 'public-key' as const,
  id: credential_id,
  ...(transports.length > 0 && { transports }),
})

/** PublicKeyCredentialRequestOptionsJSON. Without `passkeys`, any discoverable credential is accepted, and the options do not depend on an account. */
export const requestOptions = async (
  context: Context,
  binding: ChallengeBinding,
  passkeys: readonly Passkey[] = [],
) => ({
  challenge: await issueChallenge(context, binding),
  rpId: relyingParty(context).id,
  allowCredentials: passkeys.map(described),
  userVerification: 'required' as const,
  timeout: challengeLifetimeSeconds * 1000,
})

/** PublicKeyCredentialCreationOptionsJSON: discoverable, with user verification, without attestation. */
export async function creationOptions(context: Context, binding: ChallengeBinding, user: User) {
  const [owner, known, challenge] = await Promise.all([
    Passkey.ownerOf(context, context.random, user.sub),
    Passkey.listOf(context, user.sub),
    issueChallenge(context, binding),
  ])
  const { name } = user.claims
  return {
    challenge,
    rp: { id: relyingParty(context).id, name: context.looks.brand.name },
    user: {
      id: owner.user_handle,
      name: user.username,
      displayName: typeof name === 'string' ? name : user.username,
    },
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key' as const, alg })),
    excludeCredentials: known.map(described),
    authenticatorSelection: {
      residentKey: 'required' as const,
      requireResidentKey: true,
      userVerification: 'required' as const,
    },
    attestation: 'none' as const,
    timeout: challengeLifetimeSeconds * 1000,
  }
}
