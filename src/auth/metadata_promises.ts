/** Client metadata that must not be ignored: a member that no feature supports is refused. https://www.iana.org/assignments/oauth-parameters */

/**
 * If such a member were ignored, the client would rely on a protection, a notification or a capability that it does not
 * have. RFC 7591 §2 only lets a server ignore members that it does not understand. Features support them by their
 * `clientMetadata`.
 */
const binding: readonly string[] = [
  'id_token_encrypted_response_alg',
  'id_token_encrypted_response_enc',
  'userinfo_signed_response_alg',
  'userinfo_encrypted_response_alg',
  'userinfo_encrypted_response_enc',
  'introspection_signed_response_alg',
  'introspection_encrypted_response_alg',
  'introspection_encrypted_response_enc',
  'authorization_signed_response_alg',
  'authorization_encrypted_response_alg',
  'authorization_encrypted_response_enc',
  'request_object_signing_alg',
  'request_object_encryption_alg',
  'request_object_encryption_enc',
  'require_signed_request_object',
  'require_pushed_authorization_requests',
  'request_uris',
  'authorization_details_types',
  'sector_identifier_uri',
  'dpop_bound_access_tokens',
  'tls_client_certificate_bound_access_tokens',
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
  'use_mtls_endpoint_aliases',
  'frontchannel_logout_uri',
  'frontchannel_logout_session_required',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
  'backchannel_token_delivery_mode',
  'backchannel_client_notification_endpoint',
  'backchannel_authentication_request_signing_alg',
  'backchannel_user_code_parameter',
]

/** Whether a value means the same as an absent member. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  value === '' ||
  (Array.isArray(value) && value.length === 0)

/** The first member of `body` that must not be ignored and is not among `served`. */
export const unsupportedMember = (
  body: Readonly<Record<string, unknown>>,
  served: Readonly<Record<string, unknown>>,
): string | undefined => binding.find((name) => !Object.hasOwn(served, name) && !isEmpty(body[name]))

const inLanguages =
  /^(client_name|client_uri|logo_uri|policy_uri|tos_uri)#[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/

/** The member that `name` is a translation of, such as client_name of `client_name#fr` (RFC 7591 §2.2). */
export const translated = (name: string): string | undefined => inLanguages.exec(name)?.[1]
