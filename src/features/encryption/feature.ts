/** Encryption to clients (ID Tokens, userinfo, introspection and authorization responses) and to this provider (request objects). https://openid.net/specs/openid-connect-core-1_0.html#Encryption */
import * as v from 'valibot'
import { readJwks } from '../../auth/client_jwks.ts'
import { OAuthError } from '../../auth/errors.ts'
import { decryptionAlgs } from '../../auth/jwk.ts'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
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
import { type Alg as AlgName, defaultEnc, fittingKeys, isSymmetric, rowOf } from './algorithms.ts'

const env = defineEntries([
  {
    name: 'ENCRYPTION_ALGS',
    realm: 'own_or_server',
    schema: is.someOf(...decryptionAlgs),
    default: '',
    help: 'Algorithms for which the JWKS has a key to encrypt request objects to; ECDH-ES also stands for its variants with key wrapping. Empty: none, because some libraries do not read a JWKS with such keys.',
  },
])
const settings = (config: Config) => featureConfig(config, 'encryption', env)

const Alg = v.picklist(encryptionAlgs)
const Enc = v.optional(v.picklist(contentEncryptions))

/** The documents that can be encrypted, and whether this provider issues them. */
const kinds: Readonly<Record<DocumentKind, (context: Context) => boolean>> = {
  id_token: () => true,
  userinfo: () => true,
  introspection: () => true,
  authorization: ({ table }) => table.responseModes.has('jwt'),
}
const kindNames = Object.keys(kinds) as DocumentKind[]

/** Pairs of metadata members: encryption to the client, and encryption by the client to this provider. */
const ofDocument = (kind: DocumentKind) =>
  [`${kind}_encrypted_response_alg`, `${kind}_encrypted_response_enc`] as const
const toProvider = ['request_object_encryption_alg', 'request_object_encryption_enc'] as const

/** The registered encryption of a document. A registration that does not parse is an error, so that no document is sent as plaintext. */
function recipeOf(kind: DocumentKind, client: Client) {
  const [algName, encName] = ofDocument(kind)
  const { [algName]: alg, [encName]: enc } = encryptionMetadata.of(client)
  if (alg === undefined) return undefined
  return { alg: v.parse(Alg, alg), enc: v.parse(Enc, enc) ?? defaultEnc }
}

/** Signing comes first: a JWT becomes a nested JWT (`cty`), unsigned claims are encrypted as JSON. */
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

/** Loads jose only when something is encrypted. */
const encrypted: typeof encryptFor = async (...what) => (await import('./encrypt.ts')).encryptFor(...what)

/** Encrypts an empty text before the code is redeemed, so that a missing or invalid key does not use the code up. */
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

/** Whether a client may encrypt to this provider with `alg`: under its secret always, to a key where there is one. */
function takes(config: Config, alg: AlgName): boolean {
  const row = rowOf(alg)
  return !('ours' in row) || settings(config).encryptionAlgs.includes(row.ours)
}
const takenAlgs = (config: Config) => encryptionAlgs.filter((alg) => takes(config, alg))

const encryptionRule: RegistrationRule = {
  name: 'encryption',
  async check({ config }, metadata) {
    for (const [algName, encName] of [...kindNames.map(ofDocument), toProvider]) {
      const { [algName]: alg, [encName]: enc } = encryptionMetadata.of(metadata)
      if (algName === toProvider[0] && alg !== undefined && !takes(config, alg))
        throw refuse(`${algName} is among ${takenAlgs(config).join(', ')} (ENCRYPTION_ALGS)`, alg)
      if (alg === undefined) {
        if (enc !== undefined) throw refuse(`${encName} needs ${algName} too`)
        continue
      }
      if (isSymmetric(alg)) {
        if (!metadata.token_endpoint_auth_method.startsWith('client_secret_'))
          throw refuse(`${algName}: ${alg} needs a client_secret, which this client does not have`)
      } else if (algName !== toProvider[0] && metadata.jwks_uri === undefined) {
        // Checked for `jwks` alone, because the keys at jwks_uri may still change.
        if (fittingKeys(metadata.jwks ? readJwks(metadata.jwks) : [], alg).length === 0)
          throw refuse(`${algName}: ${alg} needs a public key with use enc, or none, in jwks or at jwks_uri`)
      }
    }
  },
}

const supported = (prefix: string, algs: readonly AlgName[] = encryptionAlgs) => ({
  [`${prefix}_encryption_alg_values_supported`]: algs,
  [`${prefix}_encryption_enc_values_supported`]: contentEncryptions,
})

export const encryption = defineFeature({
  name: 'encryption',
  env,
  keyAlgs: (config) => settings(config).encryptionAlgs,
  documentWrappers: [wrapper],
  grantRules: [encryptable],
  decrypt: async (jwe, client, context) => (await import('./decrypt.ts')).decrypt(jwe, client, context),
  registrationRules: [encryptionRule],
  clientMetadata: encryptionMetadata,
  metadata: (context) =>
    Object.assign(
      {},
      ...kindNames.filter((kind) => kinds[kind](context)).map((kind) => supported(kind)),
      context.table.requestSources.some(({ parameter }) => parameter === 'request') &&
        supported('request_object', takenAlgs(context.config)),
    ) as Record<string, unknown>,
})
