/** Which parameters, members and headers are shown by the recorder of the lab. All others may be secrets and are masked. */

/** Parameters of queries and forms that are no secret. What is not here is masked: a form may have a password of any name. */
const plainParameters = new Set([
  ...['acr_values', 'audience', 'authorization_details', 'binding_message', 'claims', 'claims_locales'],
  ...['client_assertion_type', 'client_id', 'code_challenge', 'code_challenge_method', 'decision', 'display'],
  ...['dpop_jkt', 'error', 'error_description', 'error_uri', 'expires_in', 'grant_type', 'iss', 'login_hint'],
  ...['max_age', 'nonce', 'post_logout_redirect_uri', 'prompt', 'redirect_uri', 'remember'],
  ...['requested_expiry', 'requested_token_type', 'resource', 'response_mode', 'response_type', 'scope'],
  ...['state', 'subject_token_type', 'actor_token_type', 'token_type', 'token_type_hint', 'ui_locales'],
  ...['username', 'provider', 'user_code', 'action', 'lang', 'language'],
])

export const isPlainParameter = (name: string): boolean => plainParameters.has(name)

/** Members of JSON documents whose strings are secrets. */
const secretMembers =
  /(?:^|_)(?:secret|password|token|code|assertion|ticket|otp|pin|verifier|credential|cookie|key|seed|passphrase|pass|pwd)s?$|^(?:request|response|request_uri|auth_req_id|software_statement|d|p|q|dp|dq|qi|k)$/

/** Members with such a name that hold a name or a time. */
const plainMembers = new Set(['user_code', 'error_code'])

/** `clientSecret` as `client_secret`. */
const inSnakeCase = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toLowerCase()

export const isSecretMember = (name: string): boolean =>
  secretMembers.test(inSnakeCase(name)) && !plainMembers.has(name)

const secretHeaders =
  /auth|cookie|token|secret|session|credential|pass|(?:^|-)key|signature|client-cert|x-client|x-ssl/i

/** Headers that ask or allow, and hold no secret. */
const plainHeaders =
  /^(?:www-authenticate|access-control-.*|sec-websocket-key|sec-fetch-.*|x-request-id|dpop-nonce)$/i

export const isSecretHeader = (name: string): boolean => secretHeaders.test(name) && !plainHeaders.test(name)
