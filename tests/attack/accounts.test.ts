/** Who has an account here? Registration does not tell, neither in words nor in time; and what is typed there reaches mails as text. */
import { beforeAll, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { lastMailTo } from '../support/mailbox.ts'
import { type Page, person, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { compareTimes } from '../support/effort.ts'

let op: Provider
let browser: Person
let page: Page
beforeAll(async () => {
  op = await provider({ env: { LOG_LEVEL: 'silent', SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000000' } })
  browser = person(op.issuer, op.fetch)
  page = (await browser.open('/register_account')).page!
})

const ask = async (email: string): Promise<Page> => (await browser.press(page, 'register', { email })).page!
const runJob = (): Promise<void> =>
  op.context.table.jobs.find(({ name }) => name === 'account_registrations')!.run(op.context)

test('an address with an account and one without look alike, down to the headers', async () => {
  const faceOf = ({ status, html, headers, url }: Page) => ({
    status,
    html,
    path: new URL(url).pathname,
    headers: [...headers].filter(([name]) => name !== 'x-request-id'),
  })
  const unknown = faceOf(await ask('nobody@example.com'))
  expect(unknown.status).toBe(200)
  for (const known of ['alice@example.com', 'ALICE@EXAMPLE.com', 'bob@example.com'])
    expect(faceOf(await ask(known))).toEqual(unknown)
})

test('nor does the time of a thousand answers tell', async () => {
  const time = async (email: string): Promise<number> => {
    const started = performance.now()
    await ask(email)
    return performance.now() - started
  }
  type Medians = Record<'known' | 'unknown', number>
  const alike = ({ known, unknown }: Medians) =>
    Math.abs(known - unknown) < Math.max(2, 0.5 * Math.min(known, unknown))
  const medians = await compareTimes({
    kinds: {
      known: () => time('alice@example.com'),
      unknown: (i) => time(`someone${i % 10}@example.com`),
    },
    warm: 50,
    samples: 1_000,
    alike,
  })
  expect([medians, alike(medians)]).toEqual([medians, true])
}, 300_000)

test('markup in a name is text in the mail that names it', async () => {
  const markup = '<img src=x onerror=alert(1)>'
  const email = 'markup@example.com'
  await User.create(op.context, {
    sub: 'markup',
    username: markup,
    claims: { email, email_verified: true },
    created_at: 0,
    updated_at: 0,
  })
  op.clock.advance(3_601_000)
  await runJob() // what was asked before is forgotten by now
  page = (await browser.open('/register_account')).page!
  await ask(email)
  await runJob()
  const { html, text } = await lastMailTo(op, email)
  expect(text).toContain(markup)
  expect(html).not.toContain('<img src=x')
})
