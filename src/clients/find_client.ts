/** Which client bears this client_id? One answer for every place that asks: the store's, or that of a client source. */
import { OAuthError } from '../auth/errors.ts'
import { RefusedError } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { Client } from '../models/client.ts'

/** The client, at most a second old. Undefined when unknown or disabled. Throws what its source says is wrong with it. */
async function read(context: Context, clientId: string): Promise<Client | undefined> {
  const client = await context.clients.get(
    clientId,
    async (id) =>
      // Registered here comes first: an operator may know better, or may have disabled it.
      (await Client.find(context, id)) ??
      (await context.table.clientSources.find((each) => each.accepts(id))?.find(context, id)),
  )
  return client && !client.disabled ? client : undefined
}

/** Not that it could not be found out. */
const isRefusal = (error: unknown): error is RefusedError =>
  error instanceof RefusedError && error.status < 500

/** The client, at most a second old. Undefined when unknown or disabled, or when its source cannot say. */
export async function findClient(context: Context, clientId: string): Promise<Client | undefined> {
  try {
    return await read(context, clientId)
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

/** As `findClient`, but throws `invalid_client`, with what a client source found wrong or with `otherwise`. */
export async function requireClient(
  context: Context,
  clientId: string,
  otherwise: () => OAuthError,
): Promise<Client> {
  const client = await read(context, clientId).catch((error: unknown) => {
    if (!isRefusal(error)) throw error
    const { code, refusal } = otherwise()
    throw new OAuthError(code, { ...error.refusal, status: refusal.status ?? error.refusal.status })
  })
  if (!client) throw otherwise()
  return client
}
