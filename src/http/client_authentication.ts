/** Client authentication, for all endpoints that require it. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { readCredentials } from '../auth/client_auth.ts'
import { OAuthError } from '../auth/errors.ts'
import { shown } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import type { ClientAuthMethod } from '../contracts/feature.ts'
import type { AuthenticatedClient } from '../contracts/grant_type.ts'
import { requireClient } from '../clients/find_client.ts'
import type { Call } from '../contracts/call.ts'
import type { Params } from '../auth/params.ts'

/** The client authentication methods that the configuration allows. */
export function offeredMethods(context: Context): string[] {
  const methods = [...context.table.clientAuth.values()]
  return methods.filter((method) => isOffered(method, context)).map((method) => method.name)
}

function isOffered(method: ClientAuthMethod, context: Context): boolean {
  const { clientAuthMethods } = context.config
  return (
    (clientAuthMethods.length === 0 || clientAuthMethods.includes(method.name)) &&
    (method.offered?.(context) ?? true)
  )
}

/** Authenticates the client by the method that it registered. Throws `invalid_client` otherwise. */
export async function authenticateClient(
  call: Call,
  params: Params,
  context: Context,
): Promise<AuthenticatedClient> {
  const credentials = readCredentials({
    authorization: call.request.headers.get('authorization') ?? undefined,
    params,
  })
  call.clientId = credentials.client_id
  const client = await requireClient(
    context,
    credentials.client_id,
    () =>
      new OAuthError('invalid_client', {
        rule: 'RFC 6749 §5.2',
        expected: 'client_id is that of a registered client',
        came: credentials.client_id,
        problem: `client ${shown(credentials.client_id)} is unknown or its credentials are wrong`,
      }),
  )
  call.client = client
  const registered = client.token_endpoint_auth_method
  const method = context.table.clientAuth.get(registered)
  if (!method || !isOffered(method, context) || method.presentedAs !== credentials.method)
    throw new OAuthError('invalid_client', {
      rule: 'RFC 7591 §2',
      expected: `the token_endpoint_auth_method that this client registered: ${registered}`,
      came: credentials.method,
      problem: `this client registered ${registered}; the request used ${credentials.method}`,
    })
  await method.verify(call, context, { credentials, client })
  return client as AuthenticatedClient
}
