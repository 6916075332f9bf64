/** Known causes of refused registrations. https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2 */
import { known } from './known.ts'

const discovery = 'curl "$ISSUER/.well-known/openid-configuration"'

export const knownRegistration = [
  known(
    'registration_closed',
    /^a provider that accepts registrations/,
    'Registration is closed at this provider.',
    'Let an operator register the client, or open registration:',
    ['latchkey client add NAME --redirect-uri URI', 'REGISTRATION=token'],
  ),
  known(
    'registration_token',
    /registration needs a valid initial|^the registration access token/,
    'The request has no valid token for registrations: the initial one may be used up, and each update replaces the registration access token.',
    'Send the registration_access_token of the last answer, or let an operator make an initial one:',
    'latchkey client token add NAME',
  ),
  known(
    'metadata_malformed',
    /in the form of its definition|language tag/,
    'A member of the metadata has another form than its definition: often one text where a list of texts is expected.',
    'For example:',
    '{"redirect_uris": ["https://app.example/callback"]}',
  ),
  known(
    'metadata_url',
    /: a URL whose host|^\w+: (?:https|x$)|must have (?:no fragment|scheme)|_logout_uri (?:is a|with)/,
    'A URL of the metadata is not one that may be registered: its scheme, its host, a fragment, or a host that is not that of the redirect URIs.',
    'Use https, and for a program on one machine http with localhost or 127.0.0.1:',
    'https://app.example/callback',
  ),
  known(
    'redirects_missing',
    /^redirect_uris (?:must name|with https)/,
    'redirect_uris is missing, or has http for a client of the implicit grant.',
    'Register where the answer goes:',
    '{"redirect_uris": ["https://app.example/callback"]}',
  ),
  known(
    'encryption_metadata',
    /ENCRYPTION_ALGS|needs \S+ too|client for encryption|needs a (?:public key|client_secret)/,
    'The client asks for encrypted answers, and its algorithms or keys do not fit.',
    'Register alg and enc together, and a key with use enc. What is served:',
    'ENCRYPTION_ALGS',
  ),
  known(
    'metadata_not_served',
    /^metadata without|^\w+ is among|without use_mtls/,
    'The registration asks for what this provider does not serve.',
    'Leave the member out, or take a value of the metadata:',
    discovery,
  ),
  known(
    'types_do_not_fit',
    /^grant_types(?: with|:)/,
    'grant_types, response_types and token_endpoint_auth_method do not fit each other.',
    'Register response_types alone; grant_types follow from it:',
    '{"response_types": ["code"]}',
  ),
  known(
    'keys_do_not_fit',
    /^(?!\w+: ).*(?:jwks|signs with)|^token_endpoint_auth_signing_alg/,
    'The client needs public keys that fit its algorithm, in jwks or at jwks_uri, and not in both.',
    'Register the public half of the key:',
    '{"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": "…", "y": "…"}]}}',
  ),
  known(
    'certificate_metadata',
    /tls_client_auth/,
    'The client authenticates by a certificate, and its metadata does not say by which one.',
    'Name one subject of the certificate:',
    '{"tls_client_auth_subject_dn": "CN=app.example"}',
  ),
  known(
    'pairwise_sector',
    /sector|subject_type|redirect_uris (?:of one|with a) host/,
    'Pairwise subjects need one sector: the host of all redirect URIs, or a sector_identifier_uri that lists them.',
    'Publish a JSON array of all redirect URIs at an https address, and register that address:',
    '{"sector_identifier_uri": "https://app.example/redirects.json"}',
  ),
  known(
    'update_incomplete',
    /^the body must be a JSON object with all|^client_id is required, and must|part of an update|^no client_secret, or/,
    'An update replaces the whole registration: it has client_id and all members, without those that the provider sets.',
    'Read it, change it, and leave out registration_access_token, registration_client_uri, client_secret_expires_at and client_id_issued_at:',
    'curl -H "Authorization: Bearer $REGISTRATION_ACCESS_TOKEN" "$REGISTRATION_CLIENT_URI"',
  ),
  known(
    'software_statement_wrong',
    /software_statement/,
    'The software statement is missing, or no trusted publisher signed it for this provider.',
    'The publishers that are trusted are in:',
    'SOFTWARE_STATEMENT_ISSUERS',
  ),
  known(
    'api_ties_by_operator',
    /^no resource_uris/,
    'A client cannot tie itself to an API.',
    'Let an operator do it:',
    'latchkey client set CLIENT_ID --resource-uri URI',
  ),
] as const
