/** Finds a client by its client_id, in the store or in a client source. */
import { check } from '../auth/check.ts'
import { OAuthError } from '../auth/errors.ts'
import { RefusedError } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { Client } from '../models/client.ts'

const enabled = (client: Client | undefined): Client | undefined =>
  client && !client.disabled ? client : undefined

/**
 * The client, from a cache of at most a second: then without a promise, because most requests ask twice. Undefined when
 * unknown or disabled. Rejects with what its client source refuses.
 */
function read(context: Context, clientId: string): Promise<Client | undefined> | Client | undefined {
  const found = context.clients.get(
    clientId,
    async (id) =>
      // The store comes first: an operator may have registered or disabled the client.
      (await Client.find(context, id)) ??
      (await context.table.clientSources.find((each) => each.accepts(id))?.find(context, id)),
  )
  return found instanceof Promise ? found.then(enabled) : enabled(found)
}

/**
 * The record of the store as it is now, if the client that a request found in the cache has changed since; undefined
 * otherwise. One read of the store, shared by requests that come at once.
 */
export async function changedClient(context: Context, found: Client): Promise<Client | undefined> {
  const fresh = await context.clients.renew(found.client_id, (id) => Client.find(context, id))
  return Bun.deepEquals(fresh, found) ? undefined : enabled(fresh)
}

/** Whether this provider would fetch what the client_id of a request names: it is no client of the store. */
export const isFetched = async (context: Context, clientId: string): Promise<boolean> =>
  context.table.clientSources.some((each) => each.accepts(clientId)) &&
  (await Client.find(context, clientId)) === undefined

/** Whether a client may have had the client_id, also one that is disabled or whose document cannot be read. Fetches nothing. */
export const isClientId = async (context: Context, clientId: string): Promise<boolean> =>
  context.table.clientSources.some((each) => each.accepts(clientId)) ||
  (await Client.find(context, clientId)) !== undefined

/** False for failures on our side, such as an unavailable store. */
export const isRefusal = (error: unknown): error is RefusedError =>
  error instanceof RefusedError && error.status < 500

/** The client, from a cache of at most a second. Undefined when unknown, disabled or refused by its client source. */
export function findClient(
  context: Context,
  clientId: string,
): Promise<Client | undefined> | Client | undefined {
  const found = read(context, clientId)
  if (!(found instanceof Promise)) return found
  return found.catch((error: unknown) => {
    if (isRefusal(error)) return undefined
    throw error
  })
}

/** As `findClient`, but throws: the refusal of the client source under the code of `otherwise`, or `otherwise`. */
export async function requireClient(
  context: Context,
  clientId: string,
  otherwise: () => OAuthError,
): Promise<Client> {
  const found = read(context, clientId)
  const client = found instanceof Promise ? await found.catch(refused(otherwise)) : found
  check(client, otherwise)
  return client
}

const refused =
  (otherwise: () => OAuthError) =>
  (error: unknown): never => {
    if (!isRefusal(error)) throw error
    const { code, refusal } = otherwise()
    throw new OAuthError(code, { ...error.refusal, status: refusal.status ?? error.refusal.status })
  }
