/** The record of a client whose metadata is replaced, by the client itself or by an operator. https://www.rfc-editor.org/rfc/rfc7592#section-2.2 */
import { translated } from '../auth/metadata_promises.ts'
import { type ClientMetadata, coreMetadata } from '../auth/registration.ts'
import type { Context } from '../contracts/context.ts'
import { type Client, needsSecret, secretMembers } from '../models/client.ts'

/** Whether a member of a client's record is client metadata and not internal to this provider. */
export const isMetadata = (name: string, { table }: Pick<Context, 'table'>): boolean =>
  Object.hasOwn(coreMetadata, name) ||
  Object.hasOwn(table.clientMetadata, name) ||
  translated(name) !== undefined

/** The record with its metadata replaced. A secret is kept, added or dropped as the authentication method needs. */
export function replaced(
  current: Client,
  metadata: ClientMetadata,
  context: Context,
  newSecret: string,
): Client {
  const kept = Object.fromEntries(Object.entries(current).filter(([name]) => !isMetadata(name, context)))
  const { secret_mac, sealed_secret, former_secret, ...others } = kept as Client
  const held =
    secret_mac !== undefined && sealed_secret !== undefined
      ? { secret_mac, sealed_secret, ...(former_secret && { former_secret }) }
      : undefined
  const made = () => secretMembers(context.secrets.clientSecrets, current.client_id, newSecret)
  return { ...others, ...metadata, ...(needsSecret(metadata) && (held ?? made())) } as Client
}
