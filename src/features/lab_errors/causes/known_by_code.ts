/** Known causes by the code of the refusal alone: those of the transport, and what is left. https://www.rfc-editor.org/rfc/rfc9110#section-15.5 */
import type { CauseRow, Remedy } from './cause.ts'
import { discovery } from './known.ts'

const byCode = (name: string, code: string, title: string, ...mend: Remedy[]): CauseRow => ({
  name,
  codes: [code],
  explain: () => ({ certainty: 'likely', title, evidence: [], mend }),
})

export const knownByCode: readonly CauseRow[] = [
  byCode('address_unknown', 'not_found', 'Nothing is served at this address, or the feature of it is off.', {
    text: 'Take addresses from the metadata:',
    code: discovery,
  }),
  byCode(
    'method_not_taken',
    'method_not_allowed',
    'The endpoint takes another method. The header Allow of the answer names it.',
    { text: 'Look at it:', code: 'curl -i -X OPTIONS "$ISSUER/token"' },
  ),
  byCode('body_too_large', 'payload_too_large', 'The body is larger than this provider reads.', {
    text: 'Send less: a JWK Set with certificates goes to jwks_uri. Or allow more:',
    code: 'MAX_BODY_BYTES',
  }),
  byCode('plain_http_refused', 'plain_http', 'The request came over http, and the issuer is https.', {
    text: 'Use the address of the issuer. Behind a proxy that ends TLS, name it:',
    code: 'TRUSTED_PROXIES',
  }),
  byCode(
    'wait_and_try_again',
    'temporarily_unavailable',
    'The store or another server that this provider needs does not answer at the moment.',
    {
      text: 'Try again after Retry-After. The operator sees the reason by:',
      code: 'latchkey config check --deep',
    },
  ),
  byCode('fault_of_provider', 'server_error', 'The provider failed, and the request may be right.', {
    text: 'Give the request id to the operator: the log has the reason under it.',
  }),
  byCode('value_not_usable', 'bad_request', 'A parameter of the address is not one that this page takes.', {
    text: 'Open the page by a link of the page before it.',
  }),
  byCode(
    'metadata_does_not_fit',
    'invalid_client_metadata',
    'A member of the metadata does not fit its definition, this provider, or another member.',
    {
      text: 'Change the member that is named above. What is served is in the metadata of the provider:',
      code: discovery,
    },
  ),
  byCode(
    'parameter_missing',
    'invalid_request',
    'A parameter that this request needs is missing, or has another form than its definition: a variable that is not set, or a name that is misspelled.',
    { text: 'Compare the names with the list of what came, below.' },
  ),
]
