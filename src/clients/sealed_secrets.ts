/** The secrets of all clients, for a change of SECRET_KEY. docs/operations.md, "Changing SECRET_KEY" */
import type { SealedRecords } from '../contracts/protocol_sockets.ts'
import { everyMember } from '../models/every_member.ts'
import { resealSecrets } from './client_secret.ts'

export const sealedSecrets: SealedRecords = {
  name: 'client secrets',
  items: ({ store }) => everyMember(store, 'clients'),
  reseal: resealSecrets,
}
