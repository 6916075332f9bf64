/** Issue 9, 44: pages that refuse (a link that has expired, a form that is not right, a wrong password or code) left no line of the log, or one that named no request. */
import { expect, test } from 'bun:test'
import { withPassword, stageWithApp, pageOf } from '../support/authenticator.ts'
import type { Json } from '../support/client.ts'
import { browser } from '../support/flow.ts'
import { alice } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const env = { LOG_FORMAT: 'json', LOG_LEVEL: 'info', ACCOUNT_REGISTRATION: 'open' }
const secret = 'S3CRET-of-a-link-or-form'

/** The lines of the log since `before` that name a request. */
const since = (op: Provider, before: number): Json[] =>
  op.lines
    .slice(before)
    .map((line) => JSON.parse(line) as Json)
    .filter(({ request_id }) => request_id !== undefined)

test.each([
  ['/reset_password', 'reset.gone'],
  ['/create_account', 'new_account.gone'],
  ['/verify_email', 'verification.gone'],
])('a link to %s that is not valid', async (path, says) => {
  const op = await provider({ env })
  const before = op.lines.length
  const answer = await op.fetch(`${path}?token=${secret}`)
  expect(answer.status).toBe(400)
  expect(since(op, before)).toEqual([
    expect.objectContaining({
      event: 'refused',
      code: 'page_refused',
      request_id: answer.headers.get('x-request-id'),
      address: '127.0.0.1',
      path,
      problem: `the page has status 400 and says ${says}`,
    }),
  ])
  expect(op.lines.join('\n')).not.toContain(secret)
})

test('a form that is filled in wrong', async () => {
  const op = await provider({ env })
  const who = browser(op)
  const page = pageOf(await who.open('/forgot_password'))
  const before = op.lines.length
  expect(pageOf(await who.press(page, 'send', { username: ' ' })).status).toBe(400)
  expect(since(op, before)).toMatchObject([{ event: 'refused', path: '/forgot_password' }])
})

test('a wrong password, at the sign-in and at its change, and a wrong code name the request and the account', async () => {
  const { op, ...rest } = await stageWithApp()
  expect(rest).toBeObject()
  const who = browser(op)
  const signIn = pageOf(await who.open('/login'))
  const lines = (name: string) => op.lines.filter((line) => line.includes(name))
  await who.press(signIn, 'login', { ...alice, password: secret })
  const failed = lines('sign_in_failed')
  expect(failed).toHaveLength(1)
  for (const field of ['sub=', 'request_id=', 'address=', 'path=/login']) expect(failed[0]).toContain(field)
  expect(lines(' refused')).toEqual([])
  const code = pageOf(await withPassword(who))
  await who.press(code, 'verify', { code: '000000' })
  const wrong = lines('second_factor_failed')
  expect(wrong).toHaveLength(1)
  for (const field of ['sub=', 'request_id=', 'path=']) expect(wrong[0]).toContain(field)
  expect(lines(' refused')).toEqual([])
  expect(op.lines.join('\n')).not.toContain(secret)
})
