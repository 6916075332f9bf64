/** Encryption to clients and to us: ID Tokens, userinfo, introspection and authorization responses; request objects. https://openid.net/specs/openid-connect-core-1_0.html#Encryption */
import * as v from 'valibot'
import { readJwks } from '../../auth/client_jwks.ts'
import { OAuthError } from '../../auth/errors.ts'
import { decryptionAlgs } from '../../auth/jwk.ts'
import { contentEncryptions, encryptionAlgs, encryptionMetadata } from '../../clients/encryption_metadata.ts'
import type { Context } from '../../contracts/context.ts'
import type { GrantRule } from '../../contracts/grant_type.ts'
import type { Client } from '../../models/client.ts'
import {
  defineFeature,
  type DocumentKind,
  type DocumentWrapper,
  type RegistrationRule,
} from '../../contracts/feature.ts'
import type { encryptFor } from './encrypt.ts'
import { defaultEnc, fittingKeys, isSymmetric } from './algorithms.ts'

const Alg = v.picklist(encryptionAlgs)
const Enc = v.optional(v.picklist(contentEncryptions))

/** Documents, and whether this provider has them to give. */
const kinds: Readonly<Record<DocumentKind, (context: Context) => boolean>> = {
  id_token: () => true,
  userinfo: () => true,
  introspection: () => true,
  authorization: ({ table }) => table.responseModes.has('jwt'),
}
const kindNames = Object.keys(kinds) as DocumentKind[]

/** Pairs of members that belong together: what is encrypted to the client, and what it may encrypt to us. */
const ofDocument = (kind: DocumentKind) =>
  [`${kind}_encrypted_response_alg`, `${kind}_encrypted_response_enc`] as const
const toUs = ['request_object_encryption_alg', 'request_object_encryption_enc'] as const

/** How this client wants it encrypted. A registration that does not parse is an error: what it wanted was not plaintext. */
function recipeOf(kind: DocumentKind, client: Client) {
  const [algName, encName] = ofDocument(kind)
  const { [algName]: alg, [encName]: enc } = encryptionMetadata.of(client)
  if (alg === undefined) return undefined
  return { alg: v.parse(Alg, alg), enc: v.parse(Enc, enc) ?? defaultEnc }
}

/** Signed before, if at all: a JWT goes in as one (`cty`), bare claims as JSON. */
const wrapper: DocumentWrapper = {
  name: 'encryption',
  stage: 'encrypt',
  wrap(_call, context, { kind, document, client }) {
    const recipe = recipeOf(kind, client)
    if (!recipe) return undefined
    const nested = typeof document === 'string'
    return encrypted(client, context, nested ? document : JSON.stringify(document), { ...recipe, nested })
  },
}

/** jose is loaded for who needs it. */
const encrypted: typeof encryptFor = async (...what) => (await import('./encrypt.ts')).encryptFor(...what)

/** Tried with nothing in it before a code is spent: a key that is away or broken must not cost the person's consent. */
const encryptable: GrantRule = {
  name: 'encryption',
  async admit({ scope }, { client, context }) {
    const recipe = scope.includes('openid') ? recipeOf('id_token', client) : undefined
    if (recipe) await encrypted(client, context, '', { ...recipe, nested: true })
  },
}

const refuse = (expected: string, came?: unknown) =>
  new OAuthError('invalid_client_metadata', {
    rule: 'OpenID Connect Registration §2',
    expected,
    came,
    problem: expected,
  })

const possible: RegistrationRule = {
  name: 'encryption',
  async check(_context, metadata) {
    for (const [algName, encName] of [...kindNames.map(ofDocument), toUs]) {
      const { [algName]: alg, [encName]: enc } = encryptionMetadata.of(metadata)
      if (alg === undefined) {
        if (enc !== undefined) throw refuse(`${encName} needs ${algName} beside it`)
        continue
      }
      if (isSymmetric(alg)) {
        if (!metadata.token_endpoint_auth_method.startsWith('client_secret_'))
          throw refuse(`${algName}: ${alg} takes a client_secret, which this client does not have`)
      } else if (algName !== toUs[0] && metadata.jwks_uri === undefined) {
        // What is at jwks_uri may still change; what is registered by value will not.
        if (fittingKeys(metadata.jwks ? readJwks(metadata.jwks) : [], alg).length === 0)
          throw refuse(`${algName}: ${alg} needs a public key with use enc, or none, in jwks or at jwks_uri`)
      }
    }
  },
}

const supported = (prefix: string) => ({
  [`${prefix}_encryption_alg_values_supported`]: encryptionAlgs,
  [`${prefix}_encryption_enc_values_supported`]: contentEncryptions,
})

export const encryption = defineFeature({
  name: 'encryption',
  keyAlgs: decryptionAlgs,
  documentWrappers: [wrapper],
  grantRules: [encryptable],
  decrypt: async (jwe, client, context) => (await import('./decrypt.ts')).decrypt(jwe, client, context),
  registrationRules: [possible],
  clientMetadata: encryptionMetadata,
  metadata: (context) =>
    Object.assign(
      {},
      ...kindNames.filter((kind) => kinds[kind](context)).map(supported),
      context.table.requestSources.some(({ parameter }) => parameter === 'request') &&
        supported('request_object'),
    ) as Record<string, unknown>,
})
