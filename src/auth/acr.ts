/** Authentication levels (`acr`): the level that a sign-in reached, and the levels that a request demands. https://www.rfc-editor.org/rfc/rfc8176 https://openid.net/specs/openid-connect-eap-acr-values-1_0.html */
import { ownMember } from '../lib/own_member.ts'
import { acceptedValues, type ClaimsRequest } from './claims.ts'

/**
 * Weakest first. `urn:latchkey:1fa`: one factor. `urn:latchkey:2fa`: two different factors. `phr` (EAP ACR Values): a
 * phishing-resistant key with user verification.
 */
export const acrLevels = ['urn:latchkey:1fa', 'urn:latchkey:2fa', 'phr'] as const
export type Acr = (typeof acrLevels)[number]

export const isKnownLevel = (level: string): boolean => acrLevels.includes(level as Acr)

/** The level that `amr` reaches: `pop` beside `mfa` and `user` is a passkey with user verification. */
export function acrOf(amr: readonly string[]): Acr {
  if (!amr.includes('mfa')) return 'urn:latchkey:1fa'
  return amr.includes('pop') && amr.includes('user') ? 'phr' : 'urn:latchkey:2fa'
}

/** Whether a sign-in of level `reached` is at least `wanted`. Only the same value meets an unknown level. */
export function meetsAcr(reached: string, wanted: string): boolean {
  const [have, need] = [reached, wanted].map((each) => acrLevels.indexOf(each as Acr)) as [number, number]
  return reached === wanted || (need >= 0 && have >= need)
}

/** The kind of factor of each method in RFC 8176 §2: knowledge (`knows`) or possession (`has`). */
const kinds: Readonly<Record<string, string>> = {
  pwd: 'knows',
  pin: 'knows',
  kba: 'knows',
  otp: 'has',
  sms: 'has',
  pop: 'has',
  hwk: 'has',
  swk: 'has',
  sc: 'has',
  tel: 'has',
}

/** `amr` after one more factor. It adds `mfa` when an earlier factor is of another kind, or when `amr` is empty because the first factor is unknown. */
export function withFactor(amr: readonly string[], added: string): string[] {
  const another =
    amr.length === 0 ||
    amr.some((each) => each !== 'mfa' && ownMember(kinds, each) !== ownMember(kinds, added))
  return [...new Set([...amr, added, ...(another ? ['mfa'] : [])])]
}

/** The levels that a request demands, in its order of preference. */
export interface AcrDemand {
  /** One of these or an error (OpenID Connect Core §5.5.1.1). */
  essential: readonly string[] | undefined
  /** `acr_values`: one of these or an error, so that an API and its client do not repeat a step-up (RFC 9470 §5). */
  requested?: readonly string[] | undefined
  /** Reached if the End-User can (§3.1.2.1, §5.5.1). */
  voluntary: readonly string[]
}

const textsOf = (values: readonly unknown[] | undefined): string[] | undefined =>
  values?.filter((each) => typeof each === 'string')

/** The demand of `acr_values`, the `claims` parameter and the client's `default_acr_values`. */
export function acrDemandOf(
  params: { acr_values?: string | undefined },
  claims: ClaimsRequest | undefined,
  client: { default_acr_values?: readonly string[] | undefined },
): AcrDemand {
  const acr = claims?.id_token?.acr
  const values = textsOf(acceptedValues(acr))
  const requested = params.acr_values?.split(' ').filter(Boolean)
  return {
    essential: acr?.essential ? values : undefined,
    ...(requested?.length && { requested }),
    voluntary: requested?.length
      ? []
      : ((acr?.essential ? undefined : values) ?? [...(client.default_acr_values ?? [])]),
  }
}

export const nothingDemanded: AcrDemand = { essential: undefined, voluntary: [] }

/**
 * The levels of which one must still be reached; undefined when `reached` meets the demand. A voluntary demand without any
 * level known to this provider is ignored.
 */
export function openDemand(
  reached: string,
  { essential, requested, voluntary }: AcrDemand,
): { levels: readonly string[]; essential: boolean } | undefined {
  const met = (levels: readonly string[]) => levels.some((each) => meetsAcr(reached, each))
  if (essential && !met(essential)) return { levels: essential, essential: true }
  if (requested && !met(requested)) return { levels: requested, essential: true }
  const known = voluntary.filter(isKnownLevel)
  return known.length > 0 && !met(voluntary) ? { levels: known, essential: false } : undefined
}

/** The `acr` of the response: the first demanded level that was reached (RFC 9470 §5), else the reached level. */
export function acrToSay(reached: string, { essential, requested, voluntary }: AcrDemand): string {
  return (
    [...(essential ?? []), ...(requested ?? []), ...voluntary].find((each) => meetsAcr(reached, each)) ??
    reached
  )
}
