/** Issue 9, E.51: password managers found no page to change a password. https://www.w3.org/TR/change-password-url/ */
import { expect, test } from 'bun:test'
import { alice, person } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { withPassword } from '../support/authenticator.ts'

const urls = [
  ['https://op.example', 'https://op.example/.well-known/change-password', '/account/password'],
  [
    'https://op.example/tenant',
    'https://op.example/.well-known/change-password/tenant',
    '/tenant/account/password',
  ],
  [
    'https://op.example/tenant',
    'https://op.example/tenant/.well-known/change-password',
    '/tenant/account/password',
  ],
] as const

test.each(urls)('%s: %s redirects to the page of the password', async (issuer, url, target) => {
  const op = await provider({ env: { ISSUER_URL: issuer } })
  const answer = await op.fetch(url)
  expect([answer.status, answer.headers.get('location')]).toEqual([303, target])
})

test('it redirects other methods nowhere, and no other well-known address', async () => {
  const op = await provider()
  expect((await op.fetch('/.well-known/change-password', { method: 'HEAD' })).status).toBe(303)
  expect((await op.fetch('/.well-known/change-password', { method: 'POST' })).status).toBe(405)
  const other = '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200'
  expect((await op.fetch(other)).status).toBe(404)
})

test('with a session it ends on the form', async () => {
  const op = await provider()
  const who = person(op.issuer, op.fetch)
  await withPassword(who, alice)
  const { page } = await who.open('/.well-known/change-password')
  expect(page?.forms.flatMap(({ buttons }) => buttons)).toContain('change')
})
