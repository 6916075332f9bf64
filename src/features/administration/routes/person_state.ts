/** What ends or restores the access of a person: disable, enable, erase, reset factors. */
import * as v from 'valibot'
import type { Outcome } from '../../../models/administrators.ts'
import type { User } from '../../../models/user.ts'
import {
  disableAccount,
  enableAccount,
  eraseFactors,
  removeAccount,
} from '../../../people/account_changes.ts'
import { requireDone } from '../../../people/administrator_account.ts'
import type { EndedOfOne } from '../../../people/end_access.ts'
import { authorOf, isWithin } from '../actor.ts'
import { requireChangeable } from '../person.ts'
import { defineRoute } from '../route.ts'

const ended = {
  ended_sessions: v.pipe(v.number(), v.description('Sessions that ended')),
  ended_grants: v.pipe(v.number(), v.description('Grants that ended, with all their tokens')),
}

const Ended = v.object({ sub: v.string(), ...ended })

function answerOf({ sub }: User, done: EndedOfOne | Outcome) {
  if (typeof done === 'object') return { answer: { sub, ...done } }
  requireDone(done)
  return { answer: { sub, ended_sessions: 0, ended_grants: 0 } }
}

export const personStateRoutes = {
  disable: defineRoute({
    method: 'POST',
    path: '/people/{sub}/disable',
    summary: 'Disables a person and ends all access',
    scope: 'admin:people.write',
    changes: 'the account, its sessions, grants and tokens',
    destructive: true,
    answer: Ended,
    async run(call, context, { params, actor }) {
      const user = await requireChangeable(context, actor, params.sub)
      return answerOf(user, await disableAccount(context, authorOf(call, actor), user, isWithin(actor)))
    },
  }),

  enable: defineRoute({
    method: 'POST',
    path: '/people/{sub}/enable',
    summary: 'Enables a person who was disabled',
    scope: 'admin:people.write',
    changes: 'the account',
    async run(call, context, { params, actor }) {
      const user = await requireChangeable(context, actor, params.sub)
      await enableAccount(context, authorOf(call, actor), user)
      return { answer: undefined }
    },
  }),

  remove: defineRoute({
    method: 'DELETE',
    path: '/people/{sub}',
    summary: 'Erases a person and all that is stored about them',
    scope: 'admin:people.write',
    changes: 'the account, which cannot be restored',
    guarded: true,
    destructive: true,
    answer: Ended,
    async run(call, context, { params, actor, requireMatch }) {
      const user = await requireChangeable(context, actor, params.sub)
      requireMatch(user)
      return answerOf(user, await removeAccount(context, authorOf(call, actor), user, isWithin(actor)))
    },
  }),

  resetFactors: defineRoute({
    method: 'POST',
    path: '/people/{sub}/reset_factors',
    summary: 'Removes all second factors and passkeys of a person and ends all access',
    scope: 'admin:people.write',
    changes: 'the factors, sessions, grants and tokens of the person',
    destructive: true,
    answer: v.object({
      sub: v.string(),
      erased: v.pipe(v.array(v.string()), v.description('Kinds of factors, whether or not there was one')),
      ...ended,
    }),
    async run(call, context, { params, actor }) {
      const user = await requireChangeable(context, actor, params.sub)
      const done = await eraseFactors(context, authorOf(call, actor), user)
      return { answer: { sub: user.sub, erased: done.erased, ...done.ended } }
    },
  }),
}
