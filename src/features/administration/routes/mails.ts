/** The mails that wait for delivery. The body is never shown: it has links that open accounts. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import { counters } from '../../../lib/metric_table.ts'
import { canMail } from '../../../people/mail.ts'
import { dropMail, retryMail, type WaitingMail, waitingMails } from '../../../people/mail_outbox.ts'
import { type Actor, authorOf } from '../actor.ts'
import { pageOf, pageOfIndex, pageQuery } from '../cursor.ts'
import { Moment, moment } from '../person.ts'
import { defineRoute } from '../route.ts'

const mine = 'null without admin:people.read, and for a mail that SECRET_KEY does not open'

const Mail = v.object({
  id: v.string(),
  created_at: Moment,
  attempts: v.number(),
  next_attempt_at: Moment,
  expires_at: v.pipe(Moment, v.description('When it is dropped, if it was not delivered')),
  to: v.pipe(v.nullable(v.string()), v.description(mine)),
  subject: v.pipe(v.nullable(v.string()), v.description(mine)),
  is_readable: v.pipe(v.boolean(), v.description('false: it was sealed under another SECRET_KEY')),
})

const results = counters.mails.values

const shown = ({ scopes }: Actor, mail: WaitingMail) => {
  const mayRead = scopes.has('admin:people.read')
  return {
    id: mail.id,
    created_at: moment(mail.created_at),
    attempts: mail.attempts,
    next_attempt_at: moment(mail.due / 1000),
    expires_at: moment(mail.exp),
    to: mayRead ? (mail.to ?? null) : null,
    subject: mayRead ? (mail.subject ?? null) : null,
    is_readable: mail.to !== undefined,
  }
}

const noMail = (id: string): HttpError =>
  new HttpError('not_found', {
    expected: 'the id of a mail that waits',
    came: id,
    problem: 'no mail with this id waits: it was delivered, given up or dropped',
    next: 'GET /admin/v1/mails lists the mails that wait',
  })

const resultsOf = ({ metrics }: Context) => {
  const counted = metrics.counts('mails')
  return Object.fromEntries(results.map((name) => [name, counted.get(name) ?? 0])) as Record<
    (typeof results)[number],
    number
  >
}

const list = 'mails'

export const mailRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/mails',
    summary: 'Lists the mails that wait for delivery, without their text',
    scope: 'admin:mail.read',
    query: pageQuery,
    answer: v.object({
      ...pageOf(Mail).entries,
      delivers: v.pipe(
        v.boolean(),
        v.description('false: without SMTP_URL nothing is delivered, and mails wait'),
      ),
      results: v.pipe(
        v.object(
          Object.fromEntries(results.map((name) => [name, v.number()])) as Record<
            (typeof results)[number],
            v.NumberSchema<undefined>
          >,
        ),
        v.description('Attempts of this instance since it started'),
      ),
    }),
    async run(_call, context, { query, actor }) {
      const page = await pageOfIndex(context, { list, query }, (at) => waitingMails(context, at))
      return {
        answer: {
          ...page,
          items: page.items.map((mail) => shown(actor, mail)),
          delivers: canMail(context),
          results: resultsOf(context),
        },
      }
    },
  }),

  retry: defineRoute({
    method: 'POST',
    path: '/mails/{id}/retry',
    summary: 'Delivers a mail now and not at its next attempt',
    scope: 'admin:mail.write',
    changes: 'when the mail is tried next',
    async run(call, context, { params: { id }, actor }) {
      const outcome = await retryMail(context, authorOf(call, actor), id)
      if (outcome === 'absent') throw noMail(id)
      if (outcome === 'soon')
        throw new HttpError('conflict', {
          expected: 'a mail that waits for a later attempt',
          problem: 'the mail is being sent, or is tried again within seconds; nothing was changed',
          next: 'look again shortly',
          retryAfter: 10,
        })
      return { answer: undefined }
    },
  }),

  drop: defineRoute({
    method: 'DELETE',
    path: '/mails/{id}',
    summary: 'Drops a mail: it is not tried again. One that is being sent may still arrive',
    scope: 'admin:mail.write',
    changes: 'removes the mail',
    destructive: true,
    answer: v.object({ id: v.string() }),
    async run(call, context, { params: { id }, actor }) {
      if (!(await dropMail(context, authorOf(call, actor), id))) throw noMail(id)
      return { answer: { id } }
    },
  }),
}
