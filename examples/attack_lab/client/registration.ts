/** As which client this application speaks to its provider. */
import type { Lab } from '../lab.ts'
import { classicSecret } from '../clients.ts'

export interface Registration {
  issuer: string
  clientId: string
  /** A client in an application on a phone has none. */
  secret?: string
}

export const registrationOf = (lab: Lab): Registration =>
  lab.weak('no_pkce')
    ? { issuer: lab.at.provider, clientId: 'notes-without-pkce', secret: classicSecret }
    : { issuer: lab.at.provider, clientId: 'notes' }

/** The form of a token request, with the client's authentication (RFC 6749 §2.3.1). */
export function tokenRequest(registration: Registration, fields: Record<string, string>): RequestInit {
  const { clientId, secret } = registration
  const body = new URLSearchParams({ client_id: clientId, ...fields })
  if (secret === undefined) return { method: 'POST', body }
  body.delete('client_id')
  return { method: 'POST', body, headers: { authorization: `Basic ${btoa(`${clientId}:${secret}`)}` } }
}
