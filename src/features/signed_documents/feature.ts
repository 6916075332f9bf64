/** Userinfo and introspection responses as signed JWTs. OpenID Connect Core §5.3.2, https://www.rfc-editor.org/rfc/rfc9701 */
import * as v from 'valibot'
import { sign } from '../../auth/jws.ts'
import { signingAlgs } from '../../auth/registration.ts'
import { encryptionMetadata } from '../../clients/encryption_metadata.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { seconds } from '../../lib/clock.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { signerFor } from '../../clients/signer.ts'
import { signingAlgRule } from '../../clients/signing_alg_rule.ts'
import { defineFeature, type DocumentKind, type DocumentWrapper } from '../../contracts/feature.ts'

type Document = Record<string, unknown>

const Alg = v.optional(v.picklist(signingAlgs))
const userinfoAlg = 'userinfo_signed_response_alg'
const introspectionAlg = 'introspection_signed_response_alg'
const metadata = declareMetadata({ [userinfoAlg]: Alg, [introspectionAlg]: Alg })

/** OpenID Connect Core §5.3.2: a JWT with issuer and audience for clients that registered an algorithm. */
function userinfo(document: Document, client: Client, context: Context) {
  const alg = metadata.of(client)[userinfoAlg]
  if (alg === undefined) return undefined
  const claims = { ...document, iss: context.config.issuer, aud: client.client_id }
  return sign(signerFor(context, userinfoAlg, v.parse(Alg, alg)), 'JWT', claims)
}

const introspectionJwt = 'application/token-introspection+jwt'

/** Whether an Accept header names `type` itself, not by a wildcard. */
const accepts = (header: string | null, type: string): boolean =>
  header !== null &&
  header.split(',').some((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each))
  })

/**
 * RFC 9701 §4 and §5: for a request that accepts the type, and always for clients that registered an algorithm, so that an
 * Accept header cannot remove the signature. `sub` and `exp` are inside `token_introspection` alone, so that the response
 * cannot be used as a token (§8.1).
 */
function introspection(document: Document, client: Client, context: Context, call: Call | undefined) {
  const { [introspectionAlg]: alg } = metadata.of(client)
  const registered = alg ?? encryptionMetadata.of(client).introspection_encrypted_response_alg
  if (registered === undefined && !accepts(call?.request.headers.get('accept') ?? null, introspectionJwt))
    return undefined
  const claims = {
    iss: context.config.issuer,
    aud: client.client_id,
    iat: seconds(context.clock),
    token_introspection: document,
  }
  const key = signerFor(context, introspectionAlg, v.parse(Alg, alg))
  return sign(key, 'token-introspection+jwt', claims)
}

const wrappers: Partial<Record<DocumentKind, typeof introspection>> = { userinfo, introspection }

const signer: DocumentWrapper = {
  name: 'signed_documents',
  stage: 'sign',
  wrap: (call, context, { kind, document, client }) =>
    typeof document === 'string' ? undefined : wrappers[kind]?.(document, client, context, call),
}

export const signedDocuments = defineFeature({
  name: 'signed_documents',
  documentWrappers: [signer],
  registrationRules: [signingAlgRule('signed_documents', metadata, [userinfoAlg, introspectionAlg])],
  clientMetadata: metadata,
  metadata: ({ config }) => ({
    userinfo_signing_alg_values_supported: config.signingAlgs,
    introspection_signing_alg_values_supported: config.signingAlgs,
  }),
})
