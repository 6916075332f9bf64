/** The client metadata of request objects. https://www.rfc-editor.org/rfc/rfc9101#section-10.5, OpenID Connect Registration §2 */
import * as v from 'valibot'
import { signingAlgs } from '../../auth/registration.ts'
import { declareMetadata } from '../../models/client.ts'

const Alg = v.picklist([...signingAlgs, 'Ed25519', 'none'])
const Uri = v.pipe(
  v.string(),
  v.maxLength(512),
  v.url(),
  v.regex(/^https:|^http:\/\/(localhost|127\.0\.0\.1)[:/]/i, 'expected an https URL'),
)

export const metadata = declareMetadata({
  request_object_signing_alg: v.optional(Alg),
  require_signed_request_object: v.optional(v.boolean()),
  fapi1_advanced: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'The rules of FAPI 1.0 Advanced for authorization requests. Default: true for a client with require_signed_request_object and tls_client_certificate_bound_access_tokens, except with PROFILE=fapi2',
      ),
    ),
  ),
  request_uris: v.optional(v.pipe(v.array(Uri), v.maxLength(20))),
})
