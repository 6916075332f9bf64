/** The administration API shows, retries and drops mails that wait, and never their text. docs/administration.md */
import { expect, test } from 'bun:test'
import { mailQueue, Outbox } from '../../../src/models/outbox.ts'
import { mailLease } from '../../../src/people/mail_delivery.ts'
import { admin, serviceClient, serviceToken } from '../../support/administration.ts'
import { provider } from '../../support/provider.ts'

const op = await provider()
const { context } = op
const token = await serviceToken(op, await serviceClient(op))
const mailOnly = await serviceToken(
  op,
  await serviceClient(op, ['admin:mail.read', 'admin:mail.write'], 'mail-service'),
)

const secretLink = 'https://op.example/reset?token=opens-the-account'
const add = () =>
  Outbox.add(context, context.random, context.secrets.mail, {
    to: 'anna@example.org',
    subject: 'Reset your password',
    text: secretLink,
    html: `<a href="${secretLink}">here</a>`,
  })

interface Mail {
  id: string
  to: string | null
  subject: string | null
  attempts: number
  next_attempt_at: string
  is_readable: boolean
}
const list = async (as = token, query = '') => {
  const { body } = await admin(op, as, 'GET', `/mails${query}`)
  return body as { items: Mail[]; next: string | null; results: Record<string, number>; delivers: boolean }
}
const find = async (id: string, as = token) => (await list(as)).items.find((mail) => mail.id === id)

/** As after attempts that failed: due in so many milliseconds. */
async function postpone(id: string, delay: number): Promise<void> {
  const item = (await mailQueue.claim(context, id, 1000))!
  await mailQueue.postpone(context, item, delay)
}

test('a mail is told without its text, and its recipient only to a reader of people', async () => {
  const id = await add()
  expect(await find(id)).toMatchObject({ to: 'anna@example.org', subject: 'Reset your password' })
  expect(await find(id, mailOnly)).toMatchObject({ to: null, subject: null, is_readable: true })
  for (const as of [token, mailOnly])
    expect(JSON.stringify(await list(as))).not.toMatch(/opens-the-account|sealed|href/)
})

test('pages of the list have each mail once', async () => {
  for (let n = 0; n < 5; n++) await add()
  const whole = (await list()).items.map(({ id }) => id)
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Awaited<ReturnType<typeof list>> = await list(
      token,
      `?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.next
  }
  expect(seen).toEqual(whole)
})

test('a mail that waits an hour is tried now; one that may be in transit is not sent twice', async () => {
  const id = await add()
  await postpone(id, 3_600_000)
  expect(await mailQueue.due(context, { limit: 1000 })).not.toContain(id)
  expect((await admin(op, mailOnly, 'POST', `/mails/${id}/retry`)).status).toBe(204)
  expect(await mailQueue.due(context, { limit: 1000 })).toContain(id)
  expect((await mailQueue.claim(context, id, mailLease(context.config)))?.attempts).toBe(2)
  // Now it is in transit.
  expect((await admin(op, mailOnly, 'POST', `/mails/${id}/retry`)).status).toBe(409)
  expect(await mailQueue.claim(context, id, 1000)).toBeUndefined()
})

test('a mail is dropped once; a dry run drops nothing', async () => {
  const id = await add()
  const dry = await admin(op, token, 'DELETE', `/mails/${id}?dry_run=true`)
  expect([dry.status, dry.body]).toEqual([200, { id, dry_run: true }])
  expect(await find(id)).toBeDefined()
  const answers = await Promise.all([1, 2, 3].map(() => admin(op, token, 'DELETE', `/mails/${id}`)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404])
  expect(await find(id)).toBeUndefined()
  expect((await admin(op, token, 'POST', `/mails/${id}/retry`)).status).toBe(404)
})

test('the list says how many mails this instance gave up', async () => {
  const before = (await list()).results.given_up!
  context.metrics.count('mails', 'result', 'given_up')
  expect((await list()).results.given_up).toBe(before + 1)
})

test('a mail that SECRET_KEY does not open is listed, so that it can be dropped', async () => {
  const id = await add()
  await mailQueue.update(context, id, (mail) => ({ ...mail, sealed: 'of another key' }))
  expect(await find(id)).toMatchObject({ to: null, subject: null, is_readable: false })
  expect((await admin(op, token, 'DELETE', `/mails/${id}`)).status).toBe(200)
})
