/** How strong a sign-in was, by what truly happened. https://www.rfc-editor.org/rfc/rfc8176 https://openid.net/specs/openid-connect-eap-acr-values-1_0.html */

/**
 * Weakest first. `urn:latchkey:1fa` one factor, `urn:latchkey:2fa` two different ones, `phr` (EAP ACR Values) a key that
 * cannot be phished and that checked its user.
 */
export const acrLevels = ['urn:latchkey:1fa', 'urn:latchkey:2fa', 'phr'] as const
export type Acr = (typeof acrLevels)[number]

/** The level that `amr` reaches: `pop` beside `mfa` is a passkey with user verification. */
export function acrOf(amr: readonly string[]): Acr {
  if (!amr.includes('mfa')) return 'urn:latchkey:1fa'
  return amr.includes('pop') ? 'phr' : 'urn:latchkey:2fa'
}

/** Whether a sign-in of level `reached` is at least `wanted`; a level we do not know is met by itself alone. */
export function meetsAcr(reached: string, wanted: string): boolean {
  const [have, need] = [reached, wanted].map((each) => acrLevels.indexOf(each as Acr)) as [number, number]
  return reached === wanted || (need >= 0 && have >= need)
}
