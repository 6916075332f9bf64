/** The providers that the client offers, and as which client it speaks to each. */
import { classicSecret } from '../clients.ts'
import type { Lab } from '../lab.ts'

export interface Registration {
  issuer: string
  clientId: string
  /** A client in an application on a phone has none. */
  secret?: string
  /** The provider has access tokens for the API of the client. */
  hasApi: boolean
}

/** By the name in `/login?with=…`. */
const providers: Record<string, (lab: Lab) => Registration> = {
  latchkey: (lab) =>
    lab.weak('no_pkce')
      ? { issuer: lab.at.provider, clientId: 'notes-without-pkce', secret: classicSecret, hasApi: true }
      : { issuer: lab.at.provider, clientId: 'notes', hasApi: true },
  /** Bob runs it. */
  kittens: (lab) => ({ issuer: `${lab.at.attacker}/id`, clientId: 'notes-at-kittens', hasApi: false }),
  /** It asks people for their address and believes them. */
  careless: (lab) => ({ issuer: `${lab.at.door}/careless`, clientId: 'notes-at-careless', hasApi: false }),
}

export const registrationOf = (lab: Lab, name: string): Registration =>
  (providers[name] ?? providers.latchkey!)(lab)

/** The form of a token request, with the client's authentication (RFC 6749 §2.3.1). */
export function tokenRequest({ clientId, secret }: Registration, fields: Record<string, string>) {
  return {
    method: 'POST',
    body: new URLSearchParams({ ...fields, ...(secret === undefined && { client_id: clientId }) }),
    headers: secret === undefined ? {} : { authorization: `Basic ${btoa(`${clientId}:${secret}`)}` },
  }
}
