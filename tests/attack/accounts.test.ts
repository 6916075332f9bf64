/** Who has an account here? Registration does not tell, neither in words nor in time; and what is typed there reaches mails as text. */
import { beforeAll, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { lastMailTo } from '../support/mailbox.ts'
import { type Page, person, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

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
  const samples = 1000
  const times: Record<string, number[]> = { known: [], unknown: [] }
  const one = async (kind: 'known' | 'unknown', i: number) => {
    const started = performance.now()
    await ask(kind === 'known' ? 'alice@example.com' : `someone${i % 10}@example.com`)
    times[kind]!.push(performance.now() - started)
  }
  for (let i = -50; i < samples; i++) {
    // In turn, and in changing order, so that whatever slows the machine down slows both.
    const kinds = i % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of kinds) await one(kind, i + 50)
    if (i === -1) for (const kind of kinds) times[kind] = []
  }
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length >> 1]!
  const [known, unknown] = [median(times.known!), median(times.unknown!)]
  expect(Math.abs(known - unknown)).toBeLessThan(Math.max(2, 0.5 * Math.min(known, unknown)))
}, 60_000)

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
