/** An update: the body replaces all metadata, and no other member of the record. https://www.rfc-editor.org/rfc/rfc7592#section-2.2 */
import { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import type { ClientMetadata } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { admitMetadata, policyOf } from '../../endpoints/registration.ts'
import { isSecretOf } from '../../clients/client_secret.ts'
import type { Client } from '../../models/client.ts'

const refuse = (grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_client_metadata', { ...grounds, rule: 'RFC 7592 §2.2' })

const responseMembers = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
]

/** Throws `invalid_client_metadata` and what registration itself throws. Omitted and null members get their defaults. */
export async function readReplacement(
  body: unknown,
  client: Client,
  context: Context,
): Promise<ClientMetadata> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refuse({ expected: 'the body must be a JSON object with all metadata of the client' })
  const { client_id, client_secret, ...rest } = body as Record<string, unknown>
  if (client_id !== client.client_id)
    throw refuse({
      expected: 'client_id is required, and must be that of the client in the URL',
      came: client_id,
    })
  const forbidden = responseMembers.find((name) => Object.hasOwn(rest, name))
  if (forbidden !== undefined) throw refuse({ expected: `${forbidden} must not be part of an update` })
  if (client_secret !== undefined && client_secret !== null) requireOwnSecret(client_secret, client, context)
  const requested = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  const policy = policyOf(context, client.registration_limits)
  return admitMetadata(requested, policy, { by: 'client', current: client }, context)
}

/** A client cannot choose its secret. */
function requireOwnSecret(secret: unknown, client: Client, context: Context): void {
  if (typeof secret !== 'string' || !isSecretOf(client, [secret], context))
    throw refuse({
      expected: 'no client_secret, or the one that was issued',
      problem: 'client_secret is not the one that was issued; leave it out',
    })
}
