/** What each parameter of a request or an answer of OAuth means: one sentence, and the rule that defines it. https://www.rfc-editor.org/rfc/rfc6749 */
import { ownMember } from '../lib/own_member.ts'
import type { Rule } from './rule.ts'

export interface Meaning {
  about: string
  rule: Rule
}

/** By name. */
export type Meanings = Readonly<Record<string, readonly [about: string, rule: Rule]>>

/** The meaning of a name that may come from outside. */
export function readMeaning(meanings: Meanings, name: string): Meaning | undefined {
  const row = ownMember(meanings, name)
  return row && { about: row[0], rule: row[1] }
}

/** Parameters of an authorization request in a request object, and of an answer in a JARM response. */
export const parameterMeanings: Meanings = {
  response_type: [
    'What the client wants from the authorization endpoint, for example code.',
    'RFC 6749 §3.1.1',
  ],
  response_mode: ['How the answer travels to the client.', 'OAuth Multiple Response Types §2.1'],
  redirect_uri: [
    'The address of the client to which the browser is sent with the answer.',
    'RFC 6749 §3.1.2',
  ],
  state: ['The value by which the client recognises the answer to its own request.', 'RFC 6749 §4.1.1'],
  code_challenge: ['The hash of the code verifier, which the client sends with the code.', 'RFC 7636 §4.3'],
  code_challenge_method: [
    'How code_challenge was made of the verifier. S256 is the one to use.',
    'RFC 7636 §4.3',
  ],
  prompt: [
    'What the provider must ask of the End-User, or that it must ask nothing.',
    'OpenID Connect Core §3.1.2.1',
  ],
  max_age: ['The greatest age of the sign-in, in seconds.', 'OpenID Connect Core §3.1.2.1'],
  display: ['How the provider shows its pages.', 'OpenID Connect Core §3.1.2.1'],
  ui_locales: ['The languages of the pages, in the order of preference.', 'OpenID Connect Core §3.1.2.1'],
  claims_locales: ['The languages of the claims, in the order of preference.', 'OpenID Connect Core §5.2'],
  id_token_hint: ['An earlier ID Token, which names the End-User.', 'OpenID Connect Core §3.1.2.1'],
  login_hint: [
    'What the client knows about the account, for example an email address.',
    'OpenID Connect Core §3.1.2.1',
  ],
  login_hint_token: ['A token that names the End-User.', 'OpenID Connect CIBA §7.1'],
  acr_values: [
    'The wanted levels of the sign-in, in the order of preference.',
    'OpenID Connect Core §3.1.2.1',
  ],
  claims: ['The claims that the client requests one by one.', 'OpenID Connect Core §5.5'],
  resource: ['The API for which the access token is meant.', 'RFC 8707 §2'],
  dpop_jkt: ['The thumbprint of the key to which the code is bound.', 'RFC 9449 §10'],
  binding_message: [
    'The text that both devices show, so that the End-User can compare.',
    'OpenID Connect CIBA §7.1',
  ],
  user_code: [
    'A secret that the End-User gave to the client, against unwanted requests.',
    'OpenID Connect CIBA §7.1',
  ],
  requested_expiry: ['The wanted lifetime of the request, in seconds.', 'OpenID Connect CIBA §7.1'],
  client_notification_token: [
    'The token with which the provider calls the client back.',
    'OpenID Connect CIBA §7.1',
  ],
  code: ['The authorization code. It is used once, within a short time.', 'RFC 6749 §4.1.2'],
  access_token: ['The access token.', 'RFC 6749 §5.1'],
  id_token: ['The ID Token.', 'OpenID Connect Core §2'],
  expires_in: ['The lifetime of the access token, in seconds.', 'RFC 6749 §5.1'],
  session_state: [
    'The value by which the client notices that the session of the End-User changed.',
    'OpenID Connect Session Management §2',
  ],
  error: ['The code of the error.', 'RFC 6749 §4.1.2.1'],
  error_description: ['The error in words, for the developer of the client.', 'RFC 6749 §4.1.2.1'],
  error_uri: ['A page about the error.', 'RFC 6749 §4.1.2.1'],
}
