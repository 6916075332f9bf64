/** One name is the `sub` of a person or of a client, never of both. https://www.rfc-editor.org/rfc/rfc9700#section-4.15 */
import { sha256 } from '../lib/hash.ts'
import { Client } from './client.ts'
import type { Memory } from './define_record.ts'
import { deletedSubs } from './deleted_subs.ts'
import { User } from './user.ts'

/** Whether the name is, or was, the `sub` of an account. An API may still have data under that of a deleted one. */
export async function isSubOfPerson(memory: Memory, name: string): Promise<boolean> {
  const [user, deleted] = await Promise.all([User.find(memory, name), deletedSubs.find(memory, sha256(name))])
  return user !== undefined || deleted !== undefined
}

/** Whether the name is a client_id, which is the `sub` of tokens that a client has for itself. */
export const isClientId = async (memory: Memory, name: string): Promise<boolean> =>
  (await Client.find(memory, name)) !== undefined
