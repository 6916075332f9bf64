/** Withdraws the access of one client to one End-User: its consent and its grants with all their tokens. Features are notified first. */
import type { Context } from '../contracts/context.ts'
import { sha256 } from '../lib/hash.ts'
import { Consent } from '../models/consent.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'

/** What is about to be withdrawn. */
async function accessOf(context: Context, sub: string, clientId: string) {
  const [grants, sessions, consent] = await Promise.all([
    Grant.listOfUser(context, sub),
    Session.listOfUser(context, sub),
    Consent.find(context, sub, clientId),
  ])
  const own = grants.filter(({ client_id }) => client_id === clientId)
  const sids = [
    ...sessions.filter(({ clients }) => clients.includes(clientId)).map(({ sid }) => sid),
    ...own.map(({ authentication }) => authentication.sid),
  ]
  // A grant from an assertion of another issuer has no session.
  return { own, consent, sids: [...new Set(sids)].filter((sid) => sid !== '') }
}

/** True for the one caller that withdrew something. Features record their notifications first, as at a sign-out. */
export async function withdrawAccess(context: Context, sub: string, clientId: string): Promise<boolean> {
  const { own, sids, consent } = await accessOf(context, sub, clientId)
  // The same for concurrent withdrawals of the same grants, and a different one for new grants.
  const id = sha256(
    own
      .map(({ grant_id }) => grant_id)
      .sort()
      .join(' '),
  )
  const withdrawn = { sub, clientId, sids, id }
  await Promise.all(context.table.logout.withdrawn.map((notify) => notify(context, withdrawn)))
  const [first] = own
  const ended = first !== undefined && (await Grant.end(context, first.grant_id))
  await Grant.endOfUser(context, sub, clientId)
  const agreed = await Consent.withdraw(context, sub, clientId)
  // Again: a concurrent request that read the consent before its end may have made a grant.
  await Grant.endOfUser(context, sub, clientId)
  await Promise.all(sids.map((sid) => Session.leave(context, sid, clientId)))
  // Of two concurrent callers that read the consent, one removed it. Without a consent, one ended the first grant.
  return consent ? agreed : ended
}
