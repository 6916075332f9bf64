/** The grant type client_credentials: the client acts for itself. https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
import { check } from '../auth/check.ts'
import * as v from 'valibot'
import { optionalText } from '../auth/params.ts'
import { parseScope, requireWithin, scopeValues, standardScopes } from '../auth/scope.ts'
import { isPublic } from '../models/client.ts'
import { defineGrantType } from '../contracts/grant_type.ts'

const endUserScopes: readonly string[] = standardScopes

export const clientCredentials = defineGrantType(
  'client_credentials',
  v.object({ scope: optionalText('Without scopes about End-Users') }),
  async ({ params, client }) => {
    check(!isPublic(client), 'unauthorized_client', () => ({
      rule: 'RFC 6749 §4.4',
      expected: 'client_credentials is for clients that authenticate',
    }))
    const registered = scopeValues(client.scope).filter((each) => !endUserScopes.includes(each))
    if (params.scope === undefined) return { sub: client.client_id, scope: registered }
    const scope = parseScope(params.scope)
    requireWithin(
      scope,
      registered,
      'the scopes this client may have for itself (the scopes of OpenID Connect need an End-User)',
    )
    return { sub: client.client_id, scope }
  },
)
