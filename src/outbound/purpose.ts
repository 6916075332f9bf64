/** What a request to another server is for. Caches, remembered failures and limits of one purpose do not touch another. */

export type Purpose =
  /** The JWK Set of a client, of an upstream provider or of another trusted party. */
  | 'keys'
  /** A client ID metadata document. A request without credentials causes it, for any URL. */
  | 'client_document'
  | 'sector_identifier'
  | 'request_object'
  /** Back-channel logout, and notifications of CIBA. */
  | 'logout'
  | 'notification'
  /** An upstream provider, and the pictures that its accounts name. */
  | 'upstream'
  | 'picture'
  /** The logo of a client that registered itself. */
  | 'client_logo'
  | 'password_breach'
  | 'sms'
  /** The webhook of the audit trail. */
  | 'audit'
  /** `latchkey examine`, which asks the provider that an operator named. */
  | 'examination'

/** One value for each purpose, made by `make` when the purpose is first used. */
export function byPurpose<T>(make: () => T): (purpose: Purpose) => T {
  const made = new Map<Purpose, T>()
  return (purpose) => {
    const kept = made.get(purpose) ?? make()
    made.set(purpose, kept)
    return kept
  }
}
