/** DPoP: access tokens bound to a key that the client proves with each request. https://www.rfc-editor.org/rfc/rfc9449 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { type Grounds, RefusedError } from '../../auth/refusal.ts'
import { described } from '../../http/hints.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import type { Bound, GrantRule } from '../../contracts/grant_type.ts'
import { resourceParameters } from '../../http/bearer.ts'
import type { Call } from '../../contracts/call.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { declareGrantMembers } from '../../models/grant.ts'
import { type AuthorizationParameter, defineFeature, type TokenBinding } from '../../contracts/feature.ts'
import { currentNonce, isGoodNonce } from './nonce.ts'
import { invalidProof, proofAlgsOf, proofHeader, verifyProof } from './proof.ts'

const env = defineEntries([
  {
    name: 'DPOP_REQUIRE_NONCE',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    help: 'Requires DPoP proofs to carry a nonce from the provider, so that a proof cannot be made in advance.',
  },
])

const algsOf = (context: Context) => `algs="${proofAlgsOf(context).join(' ')}"`

/** §7.1: the challenge of a resource, with the parameters that other features add. */
const challenge = (error: string, description: string, resource: Call, context: Context) => ({
  'www-authenticate': [
    `DPoP error="${error}"`,
    `error_description="${description.replaceAll('"', "'")}"`,
    algsOf(context),
    ...resourceParameters(resource, context),
  ].join(', '),
})

/** §8: the answer has the nonce for the next attempt. 400 at the token endpoint; 401 at a `resource` (§9). */
const askForNonce = (context: Context, resource: Call | undefined) =>
  new OAuthError('use_dpop_nonce', {
    rule: resource ? 'RFC 9449 §9' : 'RFC 9449 §8',
    expected: 'the DPoP proof needs the nonce of the DPoP-Nonce header',
    held: 'a DPoP proof with the current nonce, or without one where none is asked for',
    status: resource ? 401 : 400,
    headers: {
      'dpop-nonce': currentNonce(context),
      ...(resource && challenge('use_dpop_nonce', 'the DPoP proof needs a nonce', resource, context)),
    },
  })

function requireNonce(nonce: string | undefined, context: Context, resource?: Call): void {
  const { dpopRequireNonce } = featureConfig(context.config, 'dpop', env)
  check(nonce === undefined ? !dpopRequireNonce : isGoodNonce(nonce, context), () =>
    askForNonce(context, resource),
  )
}

const metadata = declareMetadata({ dpop_bound_access_tokens: v.optional(v.boolean()) })
const ofGrant = declareGrantMembers({ dpop_jkt: v.string() })

const isRequired = (client: Client): boolean => metadata.of(client).dpop_bound_access_tokens === true

async function bindTo(proof: string, call: Call, context: Context): Promise<Bound> {
  const { jkt, nonce } = await verifyProof(proof, call, context)
  requireNonce(nonce, context)
  return { cnf: { jkt }, token_type: 'DPoP' }
}

const binding: TokenBinding = {
  name: 'dpop',
  scheme: 'DPoP',
  challenge: algsOf,
  owns: (cnf) => typeof cnf.jkt === 'string',
  isRequired,

  missing: () =>
    invalidProof({
      rule: 'RFC 9449 §5.2',
      expected: 'this client registered dpop_bound_access_tokens: a DPoP header is required',
    }),

  bind(call, context) {
    const proof = proofHeader(call)
    return proof === undefined ? undefined : bindTo(proof, call, context)
  },

  async check(call, context, { cnf, token }) {
    const refuse = (grounds: Grounds) =>
      new OAuthError('invalid_dpop_proof', {
        ...grounds,
        status: 401,
        headers: challenge('invalid_dpop_proof', described(context, grounds), call, context),
      })
    const proof = proofHeader(call)
    check(proof !== undefined, () =>
      refuse({
        rule: 'RFC 9449 §7.1',
        expected: 'a DPoP proof with a token that is bound to a key',
        problem: 'this token is bound to a key',
        next: 'send a DPoP header that proves it',
      }),
    )
    const { jkt, nonce } = await verifyProof(proof, call, context, token).catch((error: unknown) => {
      throw error instanceof RefusedError ? refuse(error.refusal) : error
    })
    requireNonce(nonce, context, call)
    check(jkt === cnf.jkt, () =>
      refuse({
        rule: 'RFC 9449 §7.1',
        expected: `a proof signed by the key of thumbprint ${cnf.jkt}`,
        came: jkt,
        wanted: cnf.jkt,
        problem: 'the proof is signed by another key than the one this token is bound to',
      }),
    )
  },

  codeParameter: { name: 'dpop_jkt', of: (bound) => String(bound.cnf.jkt) },
}

const Jkt = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{43}$/),
  v.description('JWK SHA-256 thumbprint of the key that the code is bound to'),
)

/** §10: binds the authorization code to the key. */
const dpopJkt: AuthorizationParameter = {
  name: 'dpop_jkt',
  schema: Jkt,
  async read(_context, { dpop_jkt }) {
    if (dpop_jkt === undefined) return undefined
    check(v.is(Jkt, dpop_jkt), 'invalid_request', () => ({
      rule: 'RFC 9449 §10',
      expected: 'dpop_jkt must be a JWK SHA-256 thumbprint: 43 base64url characters',
      came: dpop_jkt,
    }))
    return ofGrant.extra({ dpop_jkt })
  },
}

const codeBinding: GrantRule = {
  name: 'dpop_jkt',
  admit(grant, { bound }) {
    // Checked at the first token request alone; afterwards the refresh token is bound itself.
    const { dpop_jkt } = ofGrant.of(grant)
    if (dpop_jkt === undefined || grant.refresh) return
    check(bound?.cnf.jkt === dpop_jkt, 'invalid_grant', () => ({
      rule: 'RFC 9449 §10',
      expected: `a proof by the key of dpop_jkt: ${dpop_jkt}`,
      came: bound?.cnf.jkt,
      wanted: dpop_jkt,
      problem: 'the code is bound by dpop_jkt to another key than the one proven',
    }))
  },
}

export const dpop = defineFeature({
  name: 'dpop',
  env,
  tokenBindings: [binding],
  authorizationParameters: [dpopJkt],
  grantRules: [codeBinding],
  clientMetadata: metadata,
  headers: { cors: { allow: ['DPoP'], expose: ['DPoP-Nonce'] } },
  metadata: (context) => ({ dpop_signing_alg_values_supported: proofAlgsOf(context) }),
})
