/** The mails that wait, for a change of SECRET_KEY. docs/operations.md, "Changing SECRET_KEY" */
import type { SealedRecords } from '../contracts/protocol_sockets.ts'
import { everyMember } from '../models/every_member.ts'
import { Outbox, outboxIndex } from '../models/outbox.ts'

export const sealedMails: SealedRecords = {
  name: 'waiting mails',
  items: ({ store }) => everyMember(store, outboxIndex),
  reseal: (context, id, write) => Outbox.reseal(context, context.secrets.mail, id, write),
}
