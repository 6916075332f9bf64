/** What a grant type cannot forget: who the client proved to be, and whether the End-User may have anything. */
import { expect, test } from 'bun:test'
import type { Context } from '../../../src/contracts/context.ts'
import type { Answer, GrantRequest, GrantType, Issue } from '../../../src/contracts/grant_type.ts'
import { mint } from '../../../src/grants/mint.ts'
import { newGrant } from '../../../src/grants/new_grant.ts'
import type { Client } from '../../../src/models/client.ts'
import type { Grant } from '../../../src/models/grant.ts'
import type { Session } from '../../../src/models/session.ts'
import { isActive, type User } from '../../../src/models/user.ts'

/** Judged by `bun check`: each marked line must be an error, or the check fails. Never called. */
export async function slips(
  given: { client: Client; user: User; grant: Grant; session: Session; context: Context },
  grantType: GrantType,
  request: Omit<GrantRequest<Readonly<Record<string, string>>>, 'client'>,
) {
  const { client, user, grant, session, context } = given
  // @ts-expect-error a client that was only looked up
  await grantType.answer({ ...request, client })
  // @ts-expect-error an answer whose End-User was not checked to be active
  await mint({ scope: [], grant, user } satisfies Answer, client, undefined, context)
  // @ts-expect-error a grant without its End-User
  const issue: Issue = { scope: [], grant }
  // @ts-expect-error a grant for an account that was not checked to be active
  newGrant(context, client, { session, user }, { scope: [] }, 60)
  if (isActive(user)) newGrant(context, client, { session, user }, { scope: [] }, 60)
  return issue
}

test('each of the two proofs is made in one place', async () => {
  const casts: string[] = []
  for await (const path of new Bun.Glob('src/**/*.ts').scan('.'))
    for (const [, brand] of (await Bun.file(path).text()).matchAll(
      /\b(?:as|is) (?:unknown as )?(AuthenticatedClient|ActiveUser)\b/g,
    ))
      casts.push(`${brand} ${path}`)
  expect(casts.sort()).toEqual([
    'ActiveUser src/models/user.ts',
    'AuthenticatedClient src/http/client_authentication.ts',
  ])
})
