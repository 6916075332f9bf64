/** The grant of an approval on one of our pages, which does not end with the session that approved it. docs/decisions/0048-changes-of-several-records.md */
import type { Context } from '../contracts/context.ts'
import { grantLifetime } from '../grants/authorization_code.ts'
import type { Client } from '../models/client.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { isChanged } from './sign_in.ts'
import type { SignedInPerson } from './signed_in_person.ts'

/**
 * Creates the grant; false if the session has ended or has another secret, or the account has changed, since the request read them. Looked at after
 * the grant is kept: an end of all access before that could not see the grant, and a later one ends it.
 */
export async function createApproved(
  context: Context,
  client: Client,
  { session, user }: SignedInPerson,
  grant: Grant,
): Promise<boolean> {
  await Grant.create(context, grant, grantLifetime(client, context))
  const [now, changed] = await Promise.all([Session.find(context, session.sid), isChanged(user, context)])
  if (now?.secret_hash === session.secret_hash && !changed) return true
  await Grant.end(context, grant.grant_id)
  return false
}
