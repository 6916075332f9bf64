/** ASVS 7.4.4 and 10.7.2: the consent page says how long the answer is remembered, and leads to the sign-out. */
import { expect, test } from 'bun:test'
import { pageOf } from '../support/authenticator.ts'
import { alice, browser, open, operatorClient } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const consentOf = async (
  env: Record<string, string>,
  client: { client_id: string; redirect_uris: string[] },
): Promise<string> => {
  const op = await provider({ env })
  await operatorClient(op, client)
  const who = browser(op)
  const redirect_uri = client.redirect_uris[0]!
  const signIn = pageOf(await open(op, who, { client_id: 'own', redirect_uri }))
  return pageOf(await who.press(signIn, 'login', alice)).html
}

const web = { client_id: 'own', redirect_uris: ['https://app.example/cb'] }
const native = {
  client_id: 'own',
  redirect_uris: ['com.example.app:/cb'],
  application_type: 'native',
  token_endpoint_auth_method: 'none',
}

test('days, or each time where no answer is remembered', async () => {
  expect(await consentOf({ CONSENT_TTL: '864000' }, web)).toContain('you won’t be asked again for 10 days')
  expect(await consentOf({ CONSENT_TTL: '86400' }, web)).toContain('you won’t be asked again for 1 day.')
  const each = await consentOf({}, native)
  expect(each).toContain('You’ll be asked each time')
  expect(each).not.toContain('asked again for')
})

test('a link to the sign-out', async () => {
  expect(await consentOf({}, web)).toContain('<a href="/logout">Sign out</a>')
})
