/** Checks of the abilities that the metadata promises: algorithms, PKCE, ways of client authentication. */
import type { Check } from './check.ts'
import { NotExamined } from './not_examined.ts'
import { listed, type Sight } from './sight.ts'

const authentication = 'token_endpoint_auth_methods_supported'
const authenticationAlgs = 'token_endpoint_auth_signing_alg_values_supported'
const signedMethods = ['private_key_jwt', 'client_secret_jwt']

/** FAPI takes these alone, and RS256 is none of them. */
const fapiAlgs = ['PS256', 'ES256', 'EdDSA', 'Ed25519']

const required = (sight: Sight, name: string): readonly string[] => {
  const list = listed(sight, name)
  if (list === undefined) throw new NotExamined(`the metadata has no ${name}`)
  return list
}

/** Every list of signature algorithms in the metadata that has `alg`. */
const listsWith = (sight: Sight, alg: string): string[] =>
  Object.keys(sight.metadata).filter(
    (name) =>
      /sign(ing|ed)(_response)?_alg_values_supported$/.test(name) && listed(sight, name)?.includes(alg),
  )

export const abilityChecks: readonly Check[] = [
  {
    id: 'abilities.pkce',
    about: 'PKCE with S256 is supported, and the metadata says so.',
    why: 'Without PKCE a stolen code can be redeemed or injected.',
    rule: 'RFC 9700 §2.1.1',
    run: (sight) =>
      listed(sight, 'code_challenge_methods_supported')?.includes('S256') ? undefined : 'S256 is not listed',
  },
  {
    id: 'abilities.pkce_plain',
    about: 'The method plain of PKCE is not offered.',
    why: 'With plain, a party that sees the request knows the verifier.',
    rule: 'RFC 9700 §2.1.1',
    level: 'should',
    run: (sight) =>
      listed(sight, 'code_challenge_methods_supported')?.includes('plain') ? 'plain is offered' : undefined,
  },
  {
    id: 'abilities.issuer_parameter',
    about: 'Answers of the authorization endpoint name the issuer, and the metadata says so.',
    why: 'A client of several providers notices by it that an answer came from another one (mix-up).',
    rule: 'RFC 9207 §3',
    level: 'should',
    run: ({ metadata }) =>
      metadata.authorization_response_iss_parameter_supported === true
        ? undefined
        : 'authorization_response_iss_parameter_supported is not true',
  },
  {
    id: 'abilities.id_token_rs256',
    about: 'ID Tokens can be signed with RS256, or with the algorithms of FAPI alone.',
    why: 'RS256 is the one that every client of OpenID Connect knows.',
    rule: 'OpenID Connect Discovery §3',
    run(sight) {
      const algs = required(sight, 'id_token_signing_alg_values_supported')
      if (algs.includes('RS256')) return undefined
      return algs.length > 0 && algs.every((alg) => fapiAlgs.includes(alg))
        ? { note: `without RS256, as FAPI asks: ${algs.join(', ')}` }
        : `RS256 is not listed: ${algs.join(', ')}`
    },
  },
  {
    id: 'abilities.alg_none',
    about: 'No token of the provider may be without a signature.',
    why: 'A token with alg none can be made by any party.',
    rule: 'RFC 8725 §3.2',
    level: 'should',
    run: (sight) =>
      listsWith(sight, 'none')
        .filter((name) => name !== 'request_object_signing_alg_values_supported')
        .map((name) => `none is in ${name}`),
  },
  {
    id: 'abilities.request_object_none',
    about: 'A request object must be signed.',
    why: 'An unsigned request object protects nothing, and a client may believe that it does.',
    rule: 'RFC 9101 §10.5',
    level: 'note',
    run: (sight) =>
      listed(sight, 'request_object_signing_alg_values_supported')?.includes('none')
        ? { note: 'unsigned request objects are offered, which OpenID Connect Core §6.1 allows' }
        : undefined,
  },
  {
    id: 'abilities.authentication_algs',
    about: 'Where clients authenticate with a JWT, the algorithms are listed, without none.',
    why: 'A client cannot know how to sign; none would let any party be any client.',
    rule: 'RFC 8414 §2',
    run(sight) {
      const methods = listed(sight, authentication) ?? []
      const algs = listed(sight, authenticationAlgs)
      if (algs?.includes('none')) return `none is in ${authenticationAlgs}`
      const signed = methods.filter((method) => signedMethods.includes(method))
      return signed.length > 0 && algs === undefined
        ? `${signed.join(', ')} without ${authenticationAlgs}`
        : undefined
    },
  },
  {
    id: 'abilities.strong_authentication',
    about: 'Clients can authenticate with a key of their own.',
    why: 'A secret is shared and travels; a private key does not leave the client.',
    rule: 'RFC 9700 §2.5',
    level: 'should',
    run(sight) {
      const methods = listed(sight, authentication) ?? ['client_secret_basic']
      return methods.some((method) => method === 'private_key_jwt' || method.endsWith('tls_client_auth'))
        ? undefined
        : `only ${methods.join(', ')}`
    },
  },
  {
    id: 'abilities.sender_constrained',
    about: 'Access tokens can be bound to a key of the client.',
    why: 'A stolen token that is bound is useless without the key.',
    rule: 'RFC 9700 §2.2.1',
    level: 'should',
    run: (sight) =>
      (listed(sight, 'dpop_signing_alg_values_supported')?.length ?? 0) > 0 ||
      sight.metadata.tls_client_certificate_bound_access_tokens === true
        ? undefined
        : 'neither DPoP nor certificate-bound tokens',
  },
]
