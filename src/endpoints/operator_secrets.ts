/** Secrets of clients at the word of an operator or an administrator. docs/decisions/0060-two-secrets-for-a-time.md */
import { HttpError } from '../auth/errors.ts'
import { formerSecret, withNewSecret, withoutFormerSecret } from '../clients/client_secret.ts'
import type { Context } from '../contracts/context.ts'
import { Client, needsSecret } from '../models/client.ts'
import { type Author, noteChange } from '../people/author.ts'
import { anyClient, noClient, unprocessable } from './operator_clients.ts'

/** One of two callers at once makes the new secret: otherwise the secret that the client uses could end early. */
export async function renewSecret(
  context: Context,
  author: Author,
  clientId: string,
  { secret, overlap }: { secret: string; overlap: number },
  requireCurrent = anyClient,
): Promise<Client> {
  let until: number | undefined
  const after = await Client.update(context, clientId, (current) => {
    requireCurrent(current)
    if (!needsSecret(current))
      throw unprocessable(
        `${clientId} has no secret: its token_endpoint_auth_method is ${current.token_endpoint_auth_method}`,
        'latchkey client set --auth-method changes it',
      )
    until = formerSecret(current, context.clock)?.exp
    return until !== undefined && overlap > 0 ? undefined : withNewSecret(current, secret, overlap, context)
  })
  if (until !== undefined && overlap > 0)
    throw new HttpError('conflict', {
      expected: 'a client with one secret',
      problem: `${clientId} has two secrets already, and the older one holds until ${new Date(until * 1000).toISOString()}`,
      next: `end the older one first (latchkey client secret ${clientId} --end-old), or both with an overlap of 0`,
    })
  if (!after) throw noClient(clientId)
  await noteChange(context, author, 'client_secret_made', { client_id: clientId })
  return after
}

/** Throws `conflict` where there is no older secret. */
export async function endFormerSecret(
  context: Context,
  author: Author,
  clientId: string,
  requireCurrent = anyClient,
): Promise<Client> {
  let held = false
  const after = await Client.update(context, clientId, (current) => {
    requireCurrent(current)
    held = formerSecret(current, context.clock) !== undefined
    return withoutFormerSecret(current)
  })
  if (!after) throw noClient(clientId)
  if (!held)
    throw new HttpError('conflict', {
      expected: 'a client with two secrets',
      problem: `${clientId} has only one secret; nothing was changed`,
    })
  await noteChange(context, author, 'client_secret_ended', { client_id: clientId })
  return after
}
