/** How a client sends its secret where the operator names no method. docs/decisions/0055-secrets-in-header-or-body.md */
import type { Context } from '../contracts/context.ts'
import { offeredMethods } from '../http/client_authentication.ts'
import { secretMethods } from '../models/client.ts'

type Members = Readonly<Record<string, unknown>>

/** Then the client sends its secret as its library does. A member that is null counts as absent. */
export const namesNoMethod = ({ token_endpoint_auth_method: method }: Members): boolean =>
  method === undefined || method === null

/** With a method that this provider offers: the default of RFC 7591 §2 may not be among CLIENT_AUTH_METHODS. */
export function withOfferedMethod(asked: Members, context: Context): Members {
  const method = offeredMethods(context).find((each) => secretMethods.includes(each))
  return namesNoMethod(asked) && method !== undefined
    ? { ...asked, token_endpoint_auth_method: method }
    : asked
}
