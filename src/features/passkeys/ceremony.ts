/** What a browser is asked for: challenges that are good once, for one purpose, at one place, and the options round them. https://www.w3.org/TR/webauthn-3/#dictionary-makecredentialoptions */
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { sha256 } from '../../lib/hash.ts'
import { OneTime } from '../../models/one_time.ts'
import type { User } from '../../models/user.ts'
import { Passkey } from './records.ts'

/** The challenge of one is unknown to the others. */
export type Purpose = 'registration' | 'sign_in' | 'second_factor'

/**
 * Where a ceremony happens, so that its challenge is worth nothing elsewhere: the interaction or the session, each of which
 * a cookie holds in one browser, and the person when it is known.
 */
export interface Place {
  purpose: Purpose
  at: { interaction: string } | { session: string }
  sub?: string
}

/** Seconds. */
const challengeLifetimeSeconds = 300

const boundTo = ({ at, sub }: Place): string => sha256(JSON.stringify([at, sub ?? null]))
const oneTimePurpose = ({ purpose }: Place) => `passkey ${purpose}`

const issueChallenge = (context: Context, place: Place): Promise<string> =>
  OneTime.issue(
    context,
    context.random,
    oneTimePurpose(place),
    { bound: boundTo(place) },
    challengeLifetimeSeconds,
  )

/** True for the one caller that spends it where it was issued; whoever else presents it spends it too. */
export async function takeChallenge(context: Context, place: Place, challenge: string): Promise<boolean> {
  const about = await OneTime.take(context, oneTimePurpose(place), challenge)
  return typeof about?.bound === 'string' && equalInConstantTime(about.bound, boundTo(place))
}

/** The RP ID is the host of the issuer, and no page of another origin may ask for it. */
export function relyingParty({ config }: Context): { id: string; origin: string } {
  const { hostname, origin } = new URL(config.issuer)
  return { id: hostname, origin }
}

/** COSE: EdDSA, ES256, RS256. The last is what Windows Hello may have alone. */
export const algorithms = [-8, -7, -257]

const described = ({ credential_id, transports }: Passkey) => ({
  type: 'public-key' as const,
  id: credential_id,
  ...(transports.length > 0 && { transports }),
})

/** PublicKeyCredentialRequestOptionsJSON. Without `passkeys` the same for everybody: any discoverable one will do. */
export const requestOptions = async (context: Context, place: Place, passkeys: readonly Passkey[] = []) => ({
  challenge: await issueChallenge(context, place),
  rpId: relyingParty(context).id,
  allowCredentials: passkeys.map(described),
  userVerification: 'required' as const,
  timeout: challengeLifetimeSeconds * 1000,
})

/** PublicKeyCredentialCreationOptionsJSON: discoverable, with user verification, without attestation. */
export async function creationOptions(context: Context, place: Place, user: User) {
  const [owner, known, challenge] = await Promise.all([
    Passkey.ownerOf(context, context.random, user.sub),
    Passkey.listOf(context, user.sub),
    issueChallenge(context, place),
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
