/** The administrator of a page: a person with a session, a role, and a sign-in that is strong and fresh enough. RFC 9470 */
import { HttpError } from '../../../auth/errors.ts'
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import type { Reply } from '../../../contracts/reply.ts'
import { askToSignIn, presentPerson, type SignedInPerson } from '../../../flow/signed_in_person.ts'
import { askForMore, nextPage } from '../../../flow/step_up.ts'
import { type Actor, actorOfSession, missingOf, secondFactorAcr } from '../actor.ts'
import { settingsOf } from '../settings.ts'
import { personOfPage, toIssuer } from './way_to_issuer.ts'

export interface Administrator extends SignedInPerson {
  actor: Actor
}

const levels = [secondFactorAcr]

/**
 * The administrator, or the reply that asks for what is missing and leads back to `path` (below the base path). Throws 404
 * for a person without a role, as for a page that does not exist.
 */
export async function administratorOf(
  call: Call,
  context: Context,
  path: string,
  { isChange }: { isChange: boolean },
): Promise<Administrator | { reply: Reply }> {
  const person = await personOfPage(call, context, path, isChange)
  if ('reply' in person) return person
  const { session, user } = person
  const actor = await actorOfSession(context, person)
  if (!actor)
    throw new HttpError('not_found', {
      expected: 'an account with an administration role',
      came: user.sub,
      next: 'an owner gives a role on the page of the person, an operator with latchkey admin grant',
    })
  const missing = missingOf(actor, context, isChange)
  if (missing === undefined) return { ...person, actor }
  if (call.base !== undefined) return { reply: toIssuer(call, context, path, isChange) }
  if (missing === 'fresh_sign_in') {
    const acr = settingsOf(context.config).adminSecondFactor ? levels : undefined
    return { reply: await askToSignIn(call, context, path, { ...(acr && { acr }) }) }
  }
  const demand = { essential: levels, voluntary: [] }
  const state = { call, user, amr: session.amr, client: undefined, demand, interaction: {}, session }
  const step = await nextPage(context, state)
  return {
    reply: step
      ? await askForMore(call, context, session, { path: step, returnTo: path, acr: levels })
      : await askToSignIn(call, context, path, { acr: levels }),
  }
}

/** The administrator of a request that no page can answer: undefined without a session, a role or a sign-in that is strong enough. */
export async function presentActor(call: Call, context: Context): Promise<Actor | undefined> {
  const person = await presentPerson(call, context)
  const actor = person && (await actorOfSession(context, person))
  return actor && missingOf(actor, context, false) === undefined ? actor : undefined
}
