/** Ends what End-Users gave to a client: grants with all their tokens, and consents. */
import { pagesOf } from '../models/every_member.ts'
import { Consent } from '../models/consent.ts'
import type { Memory } from '../models/define_record.ts'
import { Grant } from '../models/grant.ts'

/** So that a new client with this client_id does not have them. Returns the number of grants. */
export async function endGrants(memory: Memory, clientId: string): Promise<number> {
  let ended = 0
  for await (const page of pagesOf(memory.store, 'users'))
    for (const { member: sub } of page) {
      const grants = await Grant.listOfUser(memory, sub)
      ended += grants.filter((grant) => grant.client_id === clientId).length
      await Promise.all([Grant.endOfUser(memory, sub, clientId), Consent.withdraw(memory, sub, clientId)])
    }
  return ended
}
