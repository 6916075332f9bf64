/** Removes a client at the word of an operator or an administrator, and all that it got. */
import { endGrants } from '../clients/end_grants.ts'
import type { Context } from '../contracts/context.ts'
import { Client } from '../models/client.ts'
import { type Author, differences, noteChange } from '../people/author.ts'
import { noClient, told } from './operator_clients.ts'

/** Returns the number of grants that ended. `check` gets the version that is removed, and throws to leave it as it is. */
export async function removeClient(
  context: Context,
  author: Author,
  clientId: string,
  check: (current: Client) => void = () => {},
): Promise<number> {
  // Access ends first, so that a stop leaves a client that can be removed again, and nothing for one with its client_id.
  let before: Client | undefined
  const stopped = await Client.update(context, clientId, (current) => {
    check(current)
    before = current
    return { ...current, disabled: true }
  })
  if (!stopped || !before) throw noClient(clientId)
  const grants = await endGrants(context, clientId)
  if (!(await Client.remove(context, clientId))) throw noClient(clientId)
  await noteChange(context, author, 'client_removed', {
    client_id: clientId,
    grants,
    ...differences(context, before, {}, told),
  })
  return grants
}
