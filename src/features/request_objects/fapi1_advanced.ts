/** The rules of FAPI 1.0 Advanced for authorization requests, for a client registered so. https://openid.net/specs/openid-financial-api-part-2-1_0.html#section-5.2.2 */
import { check } from '../../auth/check.ts'
import { canonicalResponseType } from '../../auth/agreeing_types.ts'
import { responseModeOf } from '../../auth/authorization_request.ts'
import { scopeValues } from '../../auth/scope.ts'
import type { Context } from '../../contracts/context.ts'
import type { AuthorizationRule } from '../../contracts/feature.ts'
import type { Client } from '../../models/client.ts'
import { metadata } from './metadata.ts'

/**
 * Signed requests and certificate-bound tokens together are what FAPI 1.0 Advanced asks of a client's registration. FAPI 2.0
 * asks for them too, with rules of its own.
 */
export function isFapi1Advanced(client: Client, { config, table }: Context): boolean {
  const { fapi1_advanced: chosen, require_signed_request_object: signs } = metadata.of(client)
  if (chosen !== undefined) return chosen
  const bindsCertificate = ({ name, isRequired }: (typeof table.tokenBindings)[number]) =>
    name === 'mutual_tls' && isRequired?.(client) === true
  return config.profile !== 'fapi2' && signs === true && table.tokenBindings.some(bindsCertificate)
}

const next = 'or register fapi1_advanced: false'

/** `params` are those inside the request object: what is outside does not count (§5.2.2-10). */
export const fapi1Advanced: AuthorizationRule = {
  name: 'fapi1_advanced',
  demand(context, { client, params, pushed }) {
    if (!isFapi1Advanced(client, context)) return
    const type = params.response_type && canonicalResponseType(params.response_type)
    const isJwt = responseModeOf(params, context.table).endsWith('.jwt')
    check(
      type === undefined || type === 'code id_token' || (type === 'code' && isJwt),
      type === 'code' ? 'invalid_request' : 'unsupported_response_type',
      () => ({
        rule: 'FAPI 1.0 Advanced §5.2.2',
        expected: 'response_type is code id_token, or code with response_mode=jwt',
        came: [params.response_type, params.response_mode ?? 'no response_mode'],
        problem: 'this client may use response_type code id_token, or code with response_mode=jwt',
        next,
      }),
    )
    const scope = scopeValues(params.scope ?? '')
    check(scope.length !== 0, 'invalid_request', () => ({
      rule: 'FAPI 1.0 Advanced §5.2.2',
      expected: 'scope is inside the request object',
      problem: 'scope is missing inside the request object, and what is outside does not count',
      next,
    }))
    const required = scope.includes('openid') ? 'nonce' : 'state'
    check(params[required] !== undefined, 'invalid_request', () => ({
      rule: 'FAPI 1.0 Baseline §5.2.2',
      expected: `${required} is inside the request object`,
      problem:
        required === 'nonce' ? 'scope openid needs a nonce' : 'a request without scope openid needs a state',
      next,
    }))
    check(!pushed || params.code_challenge !== undefined, 'invalid_request', () => ({
      rule: 'FAPI 1.0 Advanced §5.2.2',
      expected: 'a pushed request has a code_challenge of method S256',
      problem: 'a pushed request needs code_challenge (PKCE)',
      next,
    }))
  },
}
