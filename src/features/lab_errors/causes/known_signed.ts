/** Known causes of refused requests that a client signs or pushes: request objects, assertions, CIBA. https://www.rfc-editor.org/rfc/rfc9101#section-6 */
import { clientSet } from './cause.ts'
import { known } from './known.ts'

export const knownSigned = [
  known(
    'assertion_type',
    /^client_assertion_type must be/,
    'client_assertion_type is missing or misspelled.',
    'Send:',
    'client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  ),
  known(
    'assertion_malformed',
    /^client_assertion|^a client_assertion|client signed for|^typ must be client-auth|^no access token$|^no parameter of an|^iss and sub must both|alone, as a string$|^iat is at most a minute|^exp is required, at most|^jti is required/,
    'The assertion of the client is not as it must be: its key, iss, sub, aud, exp or jti.',
    'Claims of an assertion, signed with the registered key:',
    '{"iss":CLIENT_ID,"sub":CLIENT_ID,"aud":ISSUER,"jti":RANDOM,"exp":SECONDS_NOW+60}',
  ),
  known(
    'bearer_assertion',
    /^assertion: |^at most \S+ characters$|^typ JWT, or none|^an assertion$|^an? (?:issuer that this|JWT(?: that|$))|^jti must be a string$|^sub (?:must name|names)|^iat is not in|^exp is at most|^client_id \S+, or none/,
    'The assertion is not one that this provider takes: its issuer is not trusted, or its key, aud, sub, exp or jti is not as it must be.',
    'The issuers that are trusted, and their keys, are in:',
    'JWT_BEARER_ISSUERS',
  ),
  known(
    'pushed_request_uri',
    /^a pushed request without|^a request_uri (?:that was pushed|of a pushed)|signed request object is required/,
    'The request must be pushed or signed, or its request_uri was used, has expired or is of another client.',
    'Push the request for each sign-in, right before the redirect:',
    'curl -u "$CLIENT_ID:$CLIENT_SECRET" -d … "$ISSUER/par"',
  ),
  known(
    'request_uri_not_usable',
    /^request_uri (?:is among|answers)/,
    'request_uri is not registered, or does not answer with a request object.',
    'Look at what it answers. A host of a private network is asked only if it is listed:',
    ['curl -i REQUEST_URI', 'OUTBOUND_ALLOW_HOSTS'],
  ),
  known(
    'request_object_members',
    /inside (?:the|a) request object|^client_id equals|^iss must be the client_id|^no sub that is the client|^aud (?:must be|is required)|^exp and nbf|^nbf may be|^iat is at most .* ahead|Unicode text/,
    'A claim of the request object is missing, is not what it must be, or differs from the parameter beside it.',
    'Claims of a request object beside the parameters:',
    '{"iss":CLIENT_ID,"aud":ISSUER,"client_id":CLIENT_ID,"nbf":SECONDS_NOW,"exp":SECONDS_NOW+60}',
  ),
  known(
    'request_object_signature',
    /^a request object|^typ must be oauth|^unsigned request objects|^an unsigned request object|^request_object_signing_alg/,
    'The request object is no JWT that the client signed with a registered key and algorithm.',
    'Register the public half of the key that signs; kid of the header is the kid of that key:',
    (seen) => clientSet(seen, '--jwks jwks.json'),
  ),
  known(
    'fapi_request',
    /^response_type is code id_token|^a pushed request has a code_challenge/,
    'The profile of this provider asks for more than the request has.',
    'See what the profile demands, or use another one for the first steps:',
    'PROFILE=classic',
  ),
  known(
    'ciba_delivery',
    /^a client that registered for poll|^a request in the mode|mode of delivery|^client_notification_token/,
    'The request does not fit the mode in which the client gets its tokens.',
    'A client of poll and ping asks at the token endpoint; for ping and push it sends client_notification_token. Modes are set by:',
    'CIBA_DELIVERY_MODES',
  ),
  known(
    'ciba_request',
    /^scope (?:is required and )?must have openid$|^a request without user_code|^acr_values may have|^binding_message must|^requested_expiry/,
    'A parameter of the backchannel request is missing or not as it must be.',
    'A request has scope with openid, one hint, and a short binding_message:',
    'curl -u "$CLIENT_ID:$CLIENT_SECRET" -d scope=openid -d login_hint=alice "$ISSUER/bc-authorize"',
  ),
  known(
    'ciba_hint',
    /login_hint|^a hint that names/,
    'The request does not name one End-User with an active account.',
    'Send exactly one hint, with a username or an ID Token of this provider:',
    'login_hint=alice',
  ),
  known(
    'ciba_signed_request',
    /^request(?:$|:| is| may)|send request$|^signed requests need|^outside the signed request|may not be inside the request$/,
    'The signed backchannel request is not as it must be: signed as the client registered, with iss, aud, iat, nbf, exp and jti, and everything inside.',
    'Claims beside the parameters:',
    '{"iss":CLIENT_ID,"aud":ISSUER,"iat":SECONDS_NOW,"nbf":SECONDS_NOW,"exp":SECONDS_NOW+60,"jti":RANDOM}',
  ),
] as const
