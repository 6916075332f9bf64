/** Issue 8, line 30: prompt=create, and max_age of any length. https://openid.net/specs/openid-connect-prompt-create-1_0.html */
import { expect, test } from 'bun:test'
import { alice } from '../support/person.ts'
import { authorizationUrl, demo, type Json } from '../support/client.ts'
import { browser, open, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const values = async (op: Provider) =>
  ((await (await op.fetch('/.well-known/openid-configuration')).json()) as Json).prompt_values_supported
const errorOf = async (op: Provider, more: Record<string, string>) =>
  (await open(op, browser(op), more)).location?.searchParams.get('error')

test('prompt=create opens the registration page, which leads back to the request', async () => {
  const op = await provider({ env: { ACCOUNT_REGISTRATION: 'open' } })
  expect(await values(op)).toContain('create')
  const visitor = browser(op)
  const { page } = await open(op, visitor, { prompt: 'create' })
  expect(new URL(page!.url).pathname).toBe('/register_account')
  const [form] = page!.forms
  const handle = form!.fields.interaction!
  expect(handle).not.toBe('')
  // Someone with an account goes to the sign-in page, and the request is answered.
  const login = await visitor.open(`${op.issuer}/login?interaction=${handle}`)
  const consent = await visitor.press(login.page!, 'login', alice)
  const { location } = await visitor.press(consent.page!, 'allow')
  expect(location!.searchParams.get('code')).not.toBeNull()
})

test('it opens for an End-User who is signed in too, and each time', async () => {
  const op = await provider({ env: { ACCOUNT_REGISTRATION: 'open' } })
  const visitor = browser(op)
  await tokensOf(op, visitor)
  for (let times = 0; times < 2; times++) {
    const { page } = await open(op, visitor, { prompt: 'create' })
    expect(new URL(page!.url).pathname).toBe('/register_account')
  }
})

test('it is pushed and signed like any other value, and not with none', async () => {
  const op = await provider({ env: { ACCOUNT_REGISTRATION: 'open' } })
  expect(await errorOf(op, { prompt: 'none create' })).toBe('invalid_request')
  const { page } = await open(op, browser(op), { prompt: 'create consent' })
  expect(new URL(page!.url).pathname).toBe('/register_account')
})

test.each(['closed', 'invitation'])('with registration %s it is no value of prompt', async (mode) => {
  const op = await provider({ env: { ACCOUNT_REGISTRATION: mode } })
  expect(await values(op)).not.toContain('create')
  expect(await errorOf(op, { prompt: 'create' })).toBe('invalid_request')
})

test.each(['1234567890', '99999999999999999999', '9'.repeat(400), '0000000001234567890'])(
  'max_age=%s is a number of seconds',
  async (max_age) => {
    const op = await provider()
    const visitor = browser(op)
    await tokensOf(op, visitor)
    const { url } = authorizationUrl(op.issuer, demo, { max_age, prompt: 'none' })
    const { location } = await visitor.open(url)
    expect(location!.searchParams.get('error')).toBeNull()
  },
)

test.each(['-1', '1.5', '1e9', '٣', ' 1', '1 ', 'soon'])('max_age=%s is not', async (max_age) => {
  expect(await errorOf(await provider(), { max_age })).toBe('invalid_request')
})
