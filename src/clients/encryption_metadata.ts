/** The client metadata for encryption, of documents to the client and of requests to this provider. OpenID Connect Registration §2, https://www.rfc-editor.org/rfc/rfc9701#section-6 */
import * as v from 'valibot'
import { declareMetadata } from '../models/client.ts'

/** `features/encryption/algorithms.ts` has a row for each. */
export const encryptionAlgs = [
  'RSA-OAEP-256',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
  'dir',
  'A128KW',
  'A256KW',
] as const
/** Content encryption. The first is the default of OpenID Connect Registration §2. */
export const contentEncryptions = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'] as const

const Alg = v.optional(v.picklist(encryptionAlgs))
const Enc = v.optional(v.picklist(contentEncryptions))

export const encryptionMetadata = declareMetadata({
  id_token_encrypted_response_alg: Alg,
  id_token_encrypted_response_enc: Enc,
  userinfo_encrypted_response_alg: Alg,
  userinfo_encrypted_response_enc: Enc,
  introspection_encrypted_response_alg: Alg,
  introspection_encrypted_response_enc: Enc,
  authorization_encrypted_response_alg: Alg,
  authorization_encrypted_response_enc: Enc,
  request_object_encryption_alg: Alg,
  request_object_encryption_enc: Enc,
})
