/** Who exists here? The sign-in page does not tell, not in words (the time it takes is in tests/operations/sign_in_timing.test.ts). https://cheatsheetseries.owasp.org/cheatsheets/Authentication_Cheat_Sheet.html#authentication-and-error-messages */
import { beforeAll, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { formPost } from '../support/client.ts'
import { person, type Page, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

let op: Provider
let browser: Person
let page: Page
beforeAll(async () => {
  op = await provider({
    env: {
      LOG_LEVEL: 'silent',
      SIGN_IN_ATTEMPTS_PER_ACCOUNT: '100000',
      SIGN_IN_ATTEMPTS_PER_ADDRESS: '100000',
    },
  })
  browser = person(op.issuer, op.fetch)
  page = (await browser.open('/login')).page!
  const now = { created_at: 0, updated_at: 0, claims: {} }
  await User.create(op.context, { ...now, sub: 'carol', username: 'carol', disabled: false }) // signs in elsewhere, has no password
  const { password_hash } = (await User.find(op.context, 'user-alice'))!
  await User.create(op.context, { ...now, sub: 'dave', username: 'dave', disabled: true, password_hash })
})

const signIn = async (username: string, password: string): Promise<Page> =>
  (await browser.press(page, 'login', { username, password })).page!

/** What is the same on every such page. */
const faceOf = ({ status, html, headers }: Page, username: string) => ({
  status,
  html: html.replaceAll(username, '…'),
  headers: [...headers].filter(([name]) => name !== 'x-request-id'),
})

test('an unknown, a wrong, a disabled and a passwordless sign-in look alike, down to the headers', async () => {
  const wrong = faceOf(await signIn('alice', 'wrong'), 'alice')
  expect(wrong.status).toBe(401)
  for (const [username, password] of [
    ['nobody', 'wrong'],
    ['carol', 'wrong'],
    ['dave', 'alicepassword'],
    ['alice', 'x'.repeat(2000)],
    ['nobody', 'x'.repeat(2000)],
  ] as const)
    expect(faceOf(await signIn(username, password), username)).toEqual(wrong)
})

test('nobody without a password signs in with any, not even with those of the house', async () => {
  for (const password of [
    '',
    'implausible',
    'password',
    'nobody',
    'secret',
    'alicepassword',
    'latchkey',
    'undefined',
    'null',
  ])
    expect((await signIn('carol', password)).status).toBe(401)
})

test('a token endpoint says the same of an unknown client and a wrong secret in production', async () => {
  const own = await provider({
    env: {
      NODE_ENV: 'production',
      ISSUER_URL: 'https://op.example',
      SECRET_KEY: 'q7PzW2mXk9LrT4vNc8JbY1dHs6GfQ3aE',
      STORE_URL: 'sqlite:/nonexistent',
      LOG_LEVEL: 'silent',
      RATE_LIMITING_ENABLED: 'false',
    },
  })
  const { makeClient, Client } = await import('../../src/models/client.ts')
  await Client.create(
    own.context,
    makeClient(
      own.context,
      { client_id: 'real', redirect_uris: [], grant_types: ['client_credentials'], response_types: [] },
      'right',
    ).client,
  )
  const ask = async (client_id: string, client_secret: string, more = {}) => {
    const answer = await own.fetch(
      '/token',
      formPost({ client_id, client_secret, redirect_uri: '' }, { grant_type: 'client_credentials', ...more }),
    )
    return [answer.status, answer.headers.get('www-authenticate'), await answer.text()]
  }
  const wrong = await ask('real', 'wrong')
  expect(wrong[0]).toBe(401)
  expect(await ask('unreal', 'wrong')).toEqual(wrong)
  expect(await ask('real', '')).toEqual(wrong)
  expect((await ask('real', 'right'))[0]).toBe(200)
})
