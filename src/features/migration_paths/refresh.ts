/** /auth/refresh: the token endpoint for refresh tokens, where a request need not name its grant type. https://www.rfc-editor.org/rfc/rfc6749#section-6 */
import * as v from 'valibot'
import { check } from '../../auth/check.ts'
import type { Endpoint } from '../../contracts/endpoint.ts'
import { answerTokenRequest, token } from '../../endpoints/token.ts'
import { form } from '../../http/call.ts'
import { asClient, clientForm, jsonReply, ref, troubles, unauthorizedClient } from '../../openapi/parts.ts'

const grantType = 'refresh_token'

export const refresh: Endpoint = {
  ...token,
  name: 'migration_refresh',
  path: '/auth/refresh',
  advertised: false,
  api: ({ table }) => ({
    POST: {
      summary: 'Issue tokens for a refresh token',
      security: asClient,
      form: clientForm(
        v.object({
          grant_type: v.optional(v.literal(grantType)),
          ...table.grantTypes.get(grantType)?.params?.entries,
        }),
      ),
      responses: { 200: jsonReply('Tokens', ref('TokenResponse')), ...troubles, 401: unauthorizedClient },
    },
  }),
  async post(call, context) {
    const params = await form(call, context)
    const { grant_type = grantType } = params
    check(grant_type === grantType, 'unsupported_grant_type', () => ({
      rule: 'RFC 6749 §6',
      expected: 'no grant_type at this endpoint, or refresh_token',
      came: grant_type,
      wanted: grantType,
      next: 'send other grant types to the token endpoint',
    }))
    return answerTokenRequest(call, context, { ...params, grant_type })
  },
}
