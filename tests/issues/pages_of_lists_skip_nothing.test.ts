/** A page of a list begins after the last item of the page before: what is removed between two pages makes the next one skip nothing. docs/administration.md */
import { expect, test } from 'bun:test'
import { InitialAccessToken } from '../../src/models/initial_access_token.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { mailQueue, Outbox } from '../../src/models/outbox.ts'
import { admin, serviceClient, serviceToken } from '../support/administration.ts'
import { provider } from '../support/provider.ts'

const op = await provider()
const { context } = op
const token = await serviceToken(op, await serviceClient(op))
const days = (n: number) => (n + 1) * 86_400

const lists = {
  mails: {
    add: () =>
      Outbox.add(context, context.random, context.secrets.mail, {
        to: 'anna@example.org',
        subject: 'Hello',
        text: 'Hello',
        html: 'Hello',
      }),
    remove: (id: string) => mailQueue.drop(context, id),
  },
  invitations: {
    add: async (n: number) =>
      (
        await Invitation.issue(
          context,
          context.random,
          { email: `person${n}@example.org`, invited: true },
          days(n),
        )
      ).record.id,
    remove: (id: string) => Invitation.revoke(context, id),
  },
  initial_access_tokens: {
    add: async (n: number) =>
      (
        await InitialAccessToken.issue(context, context.random, {
          name: `token ${n}`,
          uses: 1,
          lifetime: days(n),
          limits: {},
        })
      ).record.id,
    remove: (id: string) => InitialAccessToken.remove(context, id),
  },
}

const page = async (list: string, cursor: string | null) => {
  const at = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
  const { body } = await admin(op, token, 'GET', `/${list}?limit=2${at}`)
  return body as { items: { id: string }[]; next: string | null }
}

test.each(Object.entries(lists))('%s: the first page is removed while the list is read', async (list, of) => {
  const all: string[] = []
  for (let n = 0; n < 5; n++) all.push(await of.add(n))
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const { items, next }: Awaited<ReturnType<typeof page>> = await page(list, cursor)
    for (const { id } of items) {
      seen.push(id)
      await of.remove(id)
    }
    cursor = next
  } while (cursor !== null)
  expect(seen.toSorted()).toEqual(all.toSorted())
})
